"""Reads what a receiver has stored or passed on: a file that it writes, or a fake behind it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.receiver_lab import MARKER_ATTRIBUTE
from otlptest.errors import FileFormatError
from otlptest.model import DataPoint, Resource, Signal
from otlptest.timing import Deadline
from otlptest.wire.otlp_files import FileRecord, read_records
from otlptest.wire.otlp_requests import items_from_request

__all__ = ["FileReadBack", "ForwardReadBack"]

_LOOK_EVERY_S: Final = 0.05


class ForwardReadBack:
    """What the receiver forwards to a fake of ours.

    Args:
        collector: Where it forwards to.
    """

    def __init__(self, collector: FakeCollector) -> None:
        self._collector = collector
        self.name = "what it forwarded"

    def items(
        self, signal: Signal, marker: str, *, count: int = 1, timeout_s: float = 5.0
    ) -> tuple[Any, ...]:
        """See `ReadBack.items`."""
        return _awaited(lambda: self._all(signal), marker, count, timeout_s)

    def _all(self, signal: Signal) -> Iterable[Any]:
        look = Deadline(_LOOK_EVERY_S)
        return self._collector.source.fetch(signal, pushed_down={}, since=None, deadline=look).items


class FileReadBack:
    """What the receiver writes to an OTLP file, as the Collector's file exporter does.

    Args:
        path: The file; it may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def items(
        self, signal: Signal, marker: str, *, count: int = 1, timeout_s: float = 5.0
    ) -> tuple[Any, ...]:
        """See `ReadBack.items`.

        A last line that is not written whole yet is left for the next look.
        """
        return _awaited(lambda: self._all(signal), marker, count, timeout_s)

    def _all(self, signal: Signal) -> list[Any]:
        try:
            records = list(read_records(self._path))
        except FileFormatError:
            return []
        return [
            item
            for record in records
            if isinstance(record, FileRecord) and record.signal == signal
            for item in items_from_request(signal, record.message)
        ]


def _awaited(
    all_items: Callable[[], Iterable[Any]], marker: str, count: int, timeout_s: float
) -> tuple[Any, ...]:
    deadline = Deadline(timeout_s)
    while True:
        found = tuple(item for item in all_items() if _carries(item, marker))
        if len(found) >= count or not deadline.pause(_LOOK_EVERY_S):
            return found


def _carries(item: Any, marker: str) -> bool:  # noqa: ANN401 -- an item of any signal
    resource: Resource = item.metric.resource if isinstance(item, DataPoint) else item.resource
    attributes = getattr(item, "attributes", {})
    return marker in (attributes.get(MARKER_ATTRIBUTE), resource.get(MARKER_ATTRIBUTE))
