"""Runs the `otlptest` command as `python -m otlptest`."""

import sys

from otlptest.cli import main

if __name__ == "__main__":
    sys.exit(main())
