"""Counts the lines that a call executes: what grows with the input, whatever the machine does."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["lines_executed"]


def lines_executed(call: Callable[[], object]) -> int:
    """The number of lines of Python that `call` runs through, loops and generators included."""
    counted = 0

    def trace(_: FrameType, event: str, __: object) -> Any:  # noqa: ANN401 -- Python's own type
        nonlocal counted
        counted += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return counted
