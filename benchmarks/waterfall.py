"""How long a large trace takes to arrange, to draw, and to `otlptest show`.

    python benchmarks/waterfall.py --spans 5000 10000 20000

Prints processor seconds, the best of some rounds: flat (all spans below the root) and deep (each
span below the one before).
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from otlptest.cli.captures import read_capture

TRACE_ID = "5b8efff798038103d269b633813fc60c"
START = 10**18


def capture(folder: Path, count: int, *, is_deep: bool) -> Path:
    """Write a capture of one trace."""
    spans = [
        {
            "traceId": TRACE_ID,
            "spanId": f"{n + 1:016x}",
            "parentSpanId": f"{n if is_deep else 1:016x}" if n else "",
            "name": f"step {n % 100}",
            "kind": 1,
            "startTimeUnixNano": str(START + n),
            "endTimeUnixNano": str(START + 10**7 - n),
        }
        for n in range(count)
    ]
    file = folder / f"{'deep' if is_deep else 'flat'}-{count}.jsonl"
    request = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": spans}]}]}
    file.write_text(json.dumps(request) + "\n", "utf-8")
    return file


def best_s(rounds: int, call: Callable[[], object]) -> float:
    """Processor seconds of the fastest of some calls."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return min(times)


def show_s(file: Path) -> float:
    """Processor seconds of a whole `otlptest show`, its start included."""
    program = shutil.which("otlptest", path=str(Path(sys.executable).parent)) or "otlptest"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, "show", file], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, nargs="+", default=[5_000, 10_000, 20_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{'trace':<12}{'arrange':>9}{'waterfall':>11}{'critical path':>15}{'show':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for is_deep in (False, True):
            for count in options.spans:
                file = capture(Path(folder), count, is_deep=is_deep)
                read = read_capture(str(file))
                (trace,) = read.traces()
                figures = (
                    best_s(options.rounds, read.traces),
                    best_s(options.rounds, trace.waterfall),
                    best_s(options.rounds, lambda trace=trace: trace.critical_path),
                    show_s(file),
                )
                shape = f"{count:,} {'deep' if is_deep else 'flat'}"
                print(f"{shape:<12}" + "{:>7.2f} s{:>9.2f} s{:>13.2f} s{:>6.1f} s".format(*figures))


if __name__ == "__main__":
    main()
