"""Which fault is planted in this run of the exporter: the word in the variable `WRONG`, or none."""

import os
from typing import Final

__all__ = ["WRONG"]

WRONG: Final = os.environ.get("WRONG", "")
