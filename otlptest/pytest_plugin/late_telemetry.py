"""Spans, records and measurements that reach the SDK of an earlier test after its end.

They come from a span that began in one test and ends in the next, or from a tracer of an `otlp_sdk`
that was not lent. Spans and records go to the SDK that is lent now. Without one, and always for
measurements, they are lost, and the `otlp_sdk` of the running test reports it.
"""

from typing import Any, Final

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_SHOWN: Final = 3


class Station:
    """The target of the telemetry of one test's SDK, and of what came too late for an earlier one.

    Args:
        spans: Takes its spans.
        records: Takes its log records.
    """

    _current: "Station | None" = None

    def __init__(self, spans: BatchSpanProcessor, records: BatchLogRecordProcessor) -> None:
        self.spans: Final = spans
        self.records: Final = records
        self.is_lent = False
        self._has_ended = False
        self._lost: dict[str, None] = {}
        Station._current = self

    def end(self) -> None:
        """Release the place of the running test's SDK."""
        self._has_ended = True
        if Station._current is self:
            Station._current = None

    def target(self, what: str) -> "Station | None":
        """Return the current target of such telemetry; None if it is lost."""
        if not self._has_ended:
            return self
        if (now := Station._current) is None:
            return None
        if now.is_lent:
            return now
        now.lose(what)
        return None

    def measured_late(self, measurement: Any) -> None:  # noqa: ANN401 -- the SDK's Measurement
        """Take a measurement of an ended SDK, which is lost."""
        if (now := Station._current) is not None:
            now.lose(f"a measurement of {measurement.instrument.name!r}")

    def lose(self, what: str) -> None:
        """Record a loss of an earlier test's SDK."""
        self._lost[what] = None

    def gaps(self) -> list[str]:
        """Return why a flush of the running test's SDK does not prove complete reception."""
        if not self._lost:
            return []
        shown = [*self._lost][:_SHOWN]
        if len(self._lost) > _SHOWN:
            shown.append(f"{len(self._lost) - _SHOWN} more")
        text = (
            f"the otlp_sdk of an earlier test, which has ended, got {', '.join(shown)}: nothing of"
            " it was sent. Call otlp_sdk.set_globals() before tracers, meters and loggers are got"
            " from it: then they go on with the next test"
        )
        return [text]


class LateSpans(SpanProcessor):
    """Passes each span to the processor of the SDK that is its target when it ends."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def on_end(self, span: ReadableSpan) -> None:
        """See `SpanProcessor.on_end`."""
        if (target := self._station.target(f"span {span.name!r}")) is not None:
            target.spans.on_end(span)

    def shutdown(self) -> None:
        """See `SpanProcessor.shutdown`."""
        self._station.spans.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """See `SpanProcessor.force_flush`."""
        return self._station.spans.force_flush(timeout_millis)


class LateLogs(LogRecordProcessor):
    """Passes each log record to the processor of the SDK that is its target when emitted."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def on_emit(self, log_record: Any) -> None:  # noqa: ANN401 -- named otherwise in older SDKs
        """See `LogRecordProcessor.on_emit`."""
        if (target := self._station.target("a log record")) is not None:
            take = getattr(target.records, "on_emit", None) or target.records.emit  # type: ignore[attr-defined]
            take(log_record)

    emit = on_emit  # its name in the oldest SDK

    def shutdown(self) -> None:
        """See `LogRecordProcessor.shutdown`."""
        self._station.records.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """See `LogRecordProcessor.force_flush`."""
        return bool(self._station.records.force_flush(timeout_millis))
