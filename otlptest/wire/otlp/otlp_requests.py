"""Any signal's request to model items and back."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.message import Message

from otlptest.errors import UsageError
from otlptest.model import (
    ExponentialHistogramPoint,
    HistogramPoint,
    LogRecord,
    NumberPoint,
    Profile,
    Request,
    Signal,
    Span,
    SummaryPoint,
)
from otlptest.wire.otlp.otlp_logs import logs_from_request, request_from_logs
from otlptest.wire.otlp.otlp_metrics import points_from_request, request_from_points
from otlptest.wire.otlp.otlp_profiles import profiles_from_request, request_from_profiles
from otlptest.wire.otlp.otlp_traces import request_from_spans, spans_from_request

_READERS: Final[Mapping[Signal, Callable[[Any, Request | None], Iterator[Any]]]] = MappingProxyType(
    {
        "traces": spans_from_request,
        "metrics": points_from_request,
        "logs": logs_from_request,
        "profiles": profiles_from_request,
    }
)
_WRITERS: Final[Mapping[Signal, Callable[[Iterable[Any]], Message]]] = MappingProxyType(
    {
        "traces": request_from_spans,
        "metrics": request_from_points,
        "logs": request_from_logs,
        "profiles": request_from_profiles,
    }
)
_SIGNALS: Final[Mapping[type, Signal]] = MappingProxyType(
    {
        Span: "traces",
        NumberPoint: "metrics",
        HistogramPoint: "metrics",
        ExponentialHistogramPoint: "metrics",
        SummaryPoint: "metrics",
        LogRecord: "logs",
        Profile: "profiles",
    }
)


def items_from_request(
    signal: Signal, message: Message, request: Request | None = None
) -> Iterator[Any]:
    """Yield spans, data points, log records or profiles of a request, in its order."""
    return _READERS[signal](message, request)


def signal_of_item(item: object) -> Signal | None:
    """Return the signal of a model item; None if it is not an item."""
    return _SIGNALS.get(type(item))


def request_from_items(items: Iterable[object]) -> tuple[Signal, Message]:
    """Return one request with model items of one signal.

    Raises:
        UsageError: The items are missing, of several signals, or one has no OTLP form.
    """
    kept = list(items)
    signals = {signal_of_item(item) for item in kept}
    if not kept:
        raise UsageError("there is nothing to write: no items were given")
    signal = signals.pop()
    if signals or signal is None:
        kinds = ", ".join(sorted({type(item).__name__ for item in kept}))
        raise UsageError(
            f"one request cannot be made from {kinds}",
            "give spans, data points, log records or profiles, one kind at a time",
        )
    return signal, _WRITERS[signal](kept)
