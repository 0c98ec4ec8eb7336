"""The whole content of a capture: items by signal, and the lines and records that are not OTLP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otlptest.cli.files import named_file
from otlptest.errors import FileFormatError, Finding
from otlptest.model import SIGNALS, DataPoint, LogRecord, Profile, Signal, Span
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.traces.trace_query import TraceQuery
from otlptest.queries.traces.traces import Trace
from otlptest.wire.otlp.otlp_files import read_records
from otlptest.wire.otlp.otlp_requests import items_from_request

_LINE_RULE: Final = "OTLP-FILE-007"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """The content of a file.

    Attributes:
        name: The name of the file as given.
        request_count: How many requests could be read.
        spans: All spans, in the order of the file; the other items likewise.
        bad_lines: A finding for each line or record that is not OTLP.
    """

    name: str
    request_count: int
    spans: Sequence[Span]
    points: Sequence[DataPoint]
    logs: Sequence[LogRecord]
    profiles: Sequence[Profile]
    bad_lines: Sequence[Finding]

    def traces(self) -> tuple[Trace, ...]:
        """Return the spans with their log records, by trace."""
        return TraceQuery(MemorySource([*self.spans, *self.logs], name=self.name)).all()


def read_capture(name: str) -> Capture:
    """Read a capture, a single payload, or a shipped file (`builtin:NAME`).

    Raises:
        UsageError: The file does not exist.
        FileFormatError: The file cannot be opened.
    """
    items: dict[Signal, list[object]] = {signal: [] for signal in SIGNALS}
    bad_lines: list[Finding] = []
    request_count = 0
    for record in read_records(named_file(name)):
        if isinstance(record, FileFormatError):
            bad_lines.append(_bad_line(record))
            continue
        request_count += 1
        items[record.signal].extend(items_from_request(record.signal, record.message))
    return Capture(
        name=name,
        request_count=request_count,
        spans=[item for item in items["traces"] if isinstance(item, Span)],
        points=[item for item in items["metrics"] if isinstance(item, DataPoint)],
        logs=[item for item in items["logs"] if isinstance(item, LogRecord)],
        profiles=[item for item in items["profiles"] if isinstance(item, Profile)],
        bad_lines=tuple(bad_lines),
    )


def _bad_line(error: FileFormatError) -> Finding:
    return Finding(
        rule=_LINE_RULE,
        where=error.place,
        expected="one OTLP request, in JSON or protobuf",
        received=error.problem,
        hint=error.hint,
    )
