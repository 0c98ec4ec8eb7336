"""Install the real peers that the tests talk to: `python tests/peers/install.py [NAME ...]`.

Without a name: everything. What is there already is left alone. Exit code 3 if a
peer could not be installed; the others are installed all the same.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.peers import installation


def main(arguments: list[str]) -> int:
    """Install what `arguments` name; one line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(installation.PEERS))
    names = parser.parse_args(arguments).names or list(installation.PEERS)
    unknown = sorted(set(names) - set(installation.PEERS))
    if unknown:
        parser.error(f"no peer {unknown[0]!r}; there are: {', '.join(installation.PEERS)}")
    failed = [name for name in names if not _report(name)]
    if failed:
        say(f"not installed: {', '.join(failed)} (the tests that need them are skipped)")
    return 3 if failed else 0


def _report(name: str) -> bool:
    started = time.monotonic()
    try:
        is_new = installation.install(name)
    except (installation.PeerError, OSError) as error:
        say(f"{name}: FAILED: {error}")
        return False
    took = f"installed in {time.monotonic() - started:.0f} s" if is_new else "there already"
    say(f"{name}: {took}: {installation.installed_file(name)}")
    return True


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)  # noqa: T201 -- a script's output


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
