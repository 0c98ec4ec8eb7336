"""Spans with a place in a tree, built in one line: ids are letters, times are milliseconds."""

# ruff: noqa: ANN401 -- builders pass any field on
from typing import Any

from otlptest.model import Span
from tests.support.received import a_span


def an_id(letters: str) -> str:
    """A span id that shows which span it is."""
    return letters.encode().hex().rjust(16, "0")


def placed(
    letters: str,
    parent: str | None = None,
    times: tuple[float, float] = (0, 1),
    *,
    name: str = "",
    **fields: Any,
) -> Span:
    """A span called `letters` below the one called `parent`."""
    start, end = times
    return a_span(
        name or letters,
        span_id=an_id(letters),
        parent_span_id=None if parent is None else an_id(parent),
        start_time_unix_nano=1_000_000_000 + round(start * 1e6),
        end_time_unix_nano=1_000_000_000 + round(end * 1e6),
        **fields,
    )
