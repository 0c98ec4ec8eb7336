"""Shortened tracebacks of otlptest's own errors: they end at the test's line.

`__tracebackhide__` hides single functions but not the cause of an error (170 lines of
`subprocess` for a command that does not exist). Errors of any other kind keep every frame, so that
a bug in otlptest shows where it is.
"""

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from otlptest.errors import ExpectationError, OtlptestError

_OURS = str(Path(__file__).parents[1]) + os.sep
_LIBRARIES = (
    _OURS,
    "<frozen ",
    *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def shorten(error: BaseException) -> bool:
    """Cut the tracebacks of one of our errors and its causes; return False for other errors.

    The frames of the test and of its imports are left. Without any, the error
    itself keeps its traceback, and a cause has none: pytest then shows it in one line.
    """
    if not isinstance(error, OtlptestError | ExpectationError):
        return False
    error.__traceback__ = _of_the_test(error.__traceback__) or error.__traceback__
    seen = {id(error)}
    cause = _cause_of(error)
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        cause.__traceback__ = _of_the_test(cause.__traceback__)
        cause = _cause_of(cause)
    return True


def _cause_of(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None or error.__suppress_context__:
        return error.__cause__
    return error.__context__


def _of_the_test(traceback: TracebackType | None) -> TracebackType | None:
    """Return the frames up to the last one of the test, without ours; None if there is none."""
    frames = list(_frames(traceback))
    while frames and frames[-1].tb_frame.f_code.co_filename.startswith(_LIBRARIES):
        frames.pop()
    linked: TracebackType | None = None
    for each in reversed(frames):
        if not each.tb_frame.f_code.co_filename.startswith(_OURS):
            linked = TracebackType(linked, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return linked


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next
