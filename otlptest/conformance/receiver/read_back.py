"""Reads what a receiver has stored or passed on: a file that it writes, or a fake behind it.

Each look reads only what is new since the last one, and keeps only items with a marker. An item
that has not come within a few times the longest delay so far counts as lost.
"""

import math
import threading
from codecs import BOM_UTF8
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE
from otlptest.conformance.receiver.stored_lines import read_stored_line
from otlptest.errors import FileFormatError, OtlptestError
from otlptest.model import DataPoint, Resource, Signal
from otlptest.timing import Deadline
from otlptest.wire.otlp.otlp_files import FileRecord, holds_json, read_records
from otlptest.wire.otlp.otlp_requests import items_from_request
from otlptest.wire.otlp.unpacked_files import content_encoding

_LOOK_EVERY_S: Final = 0.05
_TIMES_THE_LONGEST: Final = 5
_SHORTEST_WAIT_S: Final = 1.0
_SHORT_WAIT_S: Final = 3.0  # while there are fewer arrivals than these to measure
_FEWEST_SEEN: Final = 3
_MAGIC_BYTES: Final = 4
_MOST_IN_VAIN_S: Final = 20.0  # of waiting, where nothing has ever come


class _Marked:
    """Items by signal and marker, and a function that gets more of them.

    Args:
        new_items: Returns the items of a signal that it has not returned before.
    """

    def __init__(self, new_items: Callable[[Signal], Iterable[tuple[Signal, Any]]]) -> None:
        self._new_items = new_items
        self._found: dict[tuple[Signal, str], list[Any]] = defaultdict(list)
        self._asked: dict[tuple[Signal, str], Deadline] = {}
        self._arrivals = 0
        self._longest_s = 0.0
        self._in_vain_s = 0.0
        self._lock = threading.Lock()

    def awaited(self, signal: Signal, marker: str, count: int, timeout_s: float) -> tuple[Any, ...]:
        with self._lock:
            self._asked.setdefault((signal, marker), Deadline(timeout_s))
            deadline = Deadline(min(timeout_s, self._patience_s()))
        while True:
            with self._lock:
                self._take_in(signal)
                found = tuple(self._found.get((signal, marker), ()))
            if len(found) >= count:
                return found
            if not deadline.pause(_LOOK_EVERY_S):
                with self._lock:
                    self._in_vain_s += deadline.timeout_s
                return found

    def _patience_s(self) -> float:
        """Return how long storing may take: a few times the longest that was seen."""
        if self._arrivals:
            least_s = _SHORTEST_WAIT_S if self._arrivals >= _FEWEST_SEEN else _SHORT_WAIT_S
            return max(least_s, _TIMES_THE_LONGEST * self._longest_s)
        return _SHORTEST_WAIT_S if self._in_vain_s >= _MOST_IN_VAIN_S else math.inf

    def _take_in(self, signal: Signal) -> None:
        for kind, item in self._new_items(signal):
            for marker in _markers(item):
                self._found[kind, marker].append(item)
                asked = self._asked.pop((kind, marker), None)
                if asked is not None:
                    self._arrivals += 1
                    self._longest_s = max(self._longest_s, asked.elapsed_s())


class ForwardReadBack:
    """Read-back of a receiver that forwards to a fake of ours.

    Args:
        collector: The fake it forwards to.
    """

    def __init__(self, collector: FakeCollector) -> None:
        self._collector = collector
        self._tokens: dict[Signal, int] = {}
        self._marked = _Marked(self._new_items)
        self.name = "what it forwarded"

    def items(
        self, signal: Signal, marker: str, *, count: int = 1, timeout_s: float = 5.0
    ) -> tuple[Any, ...]:
        """Return the items that carry `marker`; see `ReadBack.items`."""
        return self._marked.awaited(signal, marker, count, timeout_s)

    def _new_items(self, signal: Signal) -> Iterator[tuple[Signal, Any]]:
        look = Deadline(_LOOK_EVERY_S)
        since = self._tokens.get(signal)
        batch = self._collector.source.fetch(signal, pushed_down={}, since=since, deadline=look)
        self._tokens[signal] = batch.token
        return ((signal, item) for item in batch.items)


class FileReadBack:
    """Read-back of a receiver that writes an OTLP file, as the Collector's file exporter does.

    Args:
        path: The file; it may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._marked = _Marked(self._new_items)
        self.name = str(path)

    def items(
        self, signal: Signal, marker: str, *, count: int = 1, timeout_s: float = 5.0
    ) -> tuple[Any, ...]:
        """Return the items that carry `marker`; see `ReadBack.items`.

        A last line that is not written whole yet is left for the next look.
        """
        return self._marked.awaited(signal, marker, count, timeout_s)

    def _new_items(self, _: Signal) -> Iterator[tuple[Signal, Any]]:
        requests = self._new_lines() if self._has_plain_lines() else self._whole()
        for signal, message in requests:
            for item in items_from_request(signal, message):
                yield signal, item

    def _has_plain_lines(self) -> bool:
        """Return whether added lines can be read alone; also if there is no file yet."""
        try:
            with self._path.open("rb") as file:
                is_plain = content_encoding(file.read(_MAGIC_BYTES)) == "identity"
            return is_plain and holds_json(self._path)
        except (OSError, FileFormatError):
            return True

    def _new_lines(self) -> Iterator[tuple[Signal, Any]]:
        """Yield the requests in the lines that have been added; invalid ones are left out."""
        try:
            size = self._path.stat().st_size
            if size < self._offset:  # it was truncated
                self._offset = 0
            with self._path.open("rb") as file:
                file.seek(self._offset)
                whole, _, _ = file.read().rpartition(b"\n")
                is_start = not self._offset
        except OSError:
            return
        self._offset += len(whole) + 1 if whole else 0
        for line in (whole.removeprefix(BOM_UTF8) if is_start else whole).splitlines():
            try:
                yield read_stored_line(line)
            except OtlptestError:
                continue

    def _whole(self) -> Iterator[tuple[Signal, Any]]:
        """Yield the requests of a file read whole that were not yielded before."""
        try:
            records = [each for each in read_records(self._path) if isinstance(each, FileRecord)]
        except FileFormatError:
            return
        begin, self._offset = self._offset, max(self._offset, len(records))
        for record in records[begin:]:
            yield record.signal, record.message


def _markers(item: Any) -> set[str]:  # noqa: ANN401 -- an item of any signal
    resource: Resource = item.metric.resource if isinstance(item, DataPoint) else item.resource
    attributes = getattr(item, "attributes", {})
    values = (attributes.get(MARKER_ATTRIBUTE), resource.get(MARKER_ATTRIBUTE))
    return {value for value in values if isinstance(value, str)}
