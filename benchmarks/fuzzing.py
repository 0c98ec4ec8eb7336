"""100,000 fuzzed payloads leave the fake answering, its memory bounded.

    python benchmarks/fuzzing.py [--payloads N] [--seed S]

Starts the fake collector in a process of its own and fuzzes it with the command, in all protocols.
Prints the command's numbers, and exits with 1 if it found anything, if the fake does not answer
afterwards, or if its memory grew by more than twice what it was sent and 64 MiB (it keeps all).
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from otlptest import builtin, send

RECEIVER = Path(__file__).with_name("ingest_receiver.py")
PAYLOAD = "payloads/traces/checkout.json"
MIB = 2**20


def fuzzed(ports: list[str], payloads: int, seed: int, folder: Path) -> dict[str, object]:
    """The command's report."""
    report = folder / "report.json"
    command = ["otlptest", "conform", "receiver", f"--failures={folder}"]
    command = [sys.executable, "-c", "from otlptest.cli import main; main()", *command[1:]]
    command += [f"--grpc=127.0.0.1:{ports[0]}", f"--http=http://127.0.0.1:{ports[1]}"]
    command += [f"--fuzz={payloads}", f"--seed={seed}", f"--report=json={report}"]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    record: dict[str, object] = json.loads(report.read_text("utf-8"))
    return record


def main() -> int:
    """Fuzz, print, judge."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--payloads", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, RECEIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as fake,
    ):
        assert fake.stdout is not None
        assert fake.stdin is not None
        ports = fake.stdout.readline().split()
        record = fuzzed(ports, options.payloads, options.seed, Path(folder))
        answers = send(builtin(PAYLOAD), to=f"http://127.0.0.1:{ports[1]}").is_success
        fake.stdin.close()
    runs = record["fuzzing"]["runs"]  # type: ignore[index]  # its shape is the report's
    for run in runs:
        base, highest = (size / MIB for size in run["memory_bytes"])
        print(
            f"{run['protocol']}: {run['payloads']:,} payloads of {run['bytes'] / MIB:.0f} MiB in "
            f"{run['duration_s']:.0f} s, memory {base:.0f} to {highest:.0f} MiB, "
            f"{len(run['failures'])} kinds of failures"
        )
    sent = sum(run["bytes"] for run in runs)
    grown = max(run["memory_bytes"][1] for run in runs) - runs[0]["memory_bytes"][0]
    print(f"answers afterwards: {answers}; grew by {grown / MIB:.0f} MiB of {sent / MIB:.0f} sent")
    is_bounded = grown <= 2 * sent + 64 * MIB
    return 0 if answers and is_bounded and not any(run["failures"] for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
