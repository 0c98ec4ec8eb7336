"""Follows what a source receives: each item once, in the order of arrival, as lines or as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from otlptest.model import SIGNALS, Problem, Request
from otlptest.queries.sources import Kind, Source
from otlptest.report import (
    fault_line,
    fault_record,
    item_line,
    item_record,
    json_text,
    problem_line,
)
from otlptest.timing import Deadline

_FETCH_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The result of one look.

    Attributes:
        accepted: The new requests that were accepted.
        lines: One line for each new item, problem, and request that a planned fault answered.
    """

    accepted: tuple[Request, ...]
    lines: tuple[str, ...]


class Tail:
    """The new items of a source since the last look.

    Args:
        source: The source to follow.
        is_json: Whether to print one JSON object per line instead of text.
        width: Columns of a line of text; None does not limit it.

    Attributes:
        requests: How many requests have been seen, refused ones included.
    """

    def __init__(self, source: Source, *, is_json: bool = False, width: int | None = None) -> None:
        self._source = source
        self._is_json = is_json
        self._width = width
        self._tokens: dict[Kind, int] = {}
        self._problems_seen = 0
        self.requests = 0

    def wait(self, seconds: float) -> None:
        """Block until something new arrives, at most `seconds`."""
        self._source.wait_for_change(self._tokens.get("requests", 0), Deadline(seconds))

    def look(self) -> News:
        """Return everything that arrived since the last look."""
        requests = tuple(self._fetched("requests"))
        self.requests += len(requests)
        items = [item for kind in SIGNALS for item in self._fetched(kind)]
        told: list[tuple[Request, Any]] = [(item.request, item) for item in items]
        told += [(request, request.problem) for request in requests if request.problem is not None]
        told += [(request, request) for request in requests if request.reply_fault]
        told.sort(key=lambda entry: entry[0].number)  # stable: a request's items keep their order
        lines = [self._line(item, request.received_unix_nano) for request, item in told]
        now = self._source.clock.unix_nanos()
        lines += [self._line(problem, now) for problem in self._new_problems()]
        accepted = tuple(request for request in requests if request.is_accepted)
        return News(accepted=accepted, lines=tuple(lines))

    def _fetched(self, kind: Kind) -> tuple[Any, ...]:
        since = self._tokens.get(kind)
        batch = self._source.fetch(kind, pushed_down={}, since=since, deadline=Deadline(_FETCH_S))
        self._tokens[kind] = batch.token
        return tuple(batch.items)

    def _new_problems(self) -> Sequence[Problem]:
        problems = self._source.arrivals().problems
        new = problems[self._problems_seen :]
        self._problems_seen = len(problems)
        return new

    def _line(self, item: Any, at_unix_nano: int) -> str:  # noqa: ANN401 -- any item or problem
        if self._is_json:
            record = fault_record(item) if isinstance(item, Request) else item_record(item)
            return json_text({**record, "received_unix_nano": at_unix_nano})
        if isinstance(item, Request):
            return fault_line(item, at_unix_nano=at_unix_nano, width=self._width)
        if isinstance(item, Problem):
            return problem_line(item, at_unix_nano=at_unix_nano, width=self._width)
        return item_line(item, at_unix_nano=at_unix_nano, width=self._width)
