"""The fake collector of `ingest.py`, in a process of its own: everything received is kept.

Prints its two ports; forgets what it holds for each line on standard input.
"""

import sys

from otlptest import FakeCollector


def main() -> None:
    """Receive until standard input ends."""
    with FakeCollector() as otlp:
        print(otlp.grpc_port, otlp.http_port, flush=True)
        for _ in sys.stdin:
            otlp.clear()
            print("forgotten", flush=True)


if __name__ == "__main__":
    main()
