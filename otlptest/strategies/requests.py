"""Whole requests: `Export…ServiceRequest` messages of each signal, valid or only borderline."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.model import Signal
from otlptest.strategies.drawing import DEFAULT_UNIX_NANO, Draw, checked_count, new, upto
from otlptest.strategies.groups import draw_resource, draw_schema_url, draw_scope
from otlptest.strategies.log_records import draw_log_record
from otlptest.strategies.metrics import draw_metric
from otlptest.strategies.profiles import Dictionary, draw_profile
from otlptest.strategies.spans import draw_scope_spans
from otlptest.strategies.values import draw_name
from otlptest.wire.otlp.signals import SIGNAL_NAMES, request_class, signal_names

_MOST_ITEMS: Final = 15


class _Context(NamedTuple):
    """Values that all items of one request share."""

    at_unix_nano: int
    tables: Dictionary | None
    is_common: bool


_Items: TypeAlias = Callable[[Draw, _Context, int, int], list[Any]]
"""A function that draws that many items of one scope; its number identifies the scope."""


def requests(
    signal: Signal, *, most_items: int = 3, at_unix_nano: int = DEFAULT_UNIX_NANO
) -> SearchStrategy[Any]:
    """Draw valid `Export…ServiceRequest` messages of a signal, each with at least one item.

    `otlptest.validation` finds nothing in any of them. Two drawn requests may contradict each
    other, e.g. by metrics of one name and two units: they come from different imaginary programs.

    Args:
        signal: `traces`, `metrics`, `logs` or `profiles`.
        most_items: How many spans, metrics, records or profiles a scope may have, 1 to 15.
        at_unix_nano: The start of all times; the same for all draws by default, so that a failing
            example can be drawn again.

    Raises:
        UnknownNameError: OTLP does not have the signal.
        UsageError: The installed `opentelemetry-proto` does not have it, or `most_items` is out
            of its range.

    Example:
        >>> from hypothesis import given
        >>> @given(requests("traces"))
        ... def test_my_receiver_takes_it(request): ...
    """
    signal_names(signal)
    request_class(signal)
    most = checked_count(most_items, "most_items", least=1, most=_MOST_ITEMS)
    return st.composite(
        lambda draw: draw_request(draw, signal, most_items=most, at_unix_nano=at_unix_nano)
    )()


def traces_requests(
    *, most_items: int = 3, at_unix_nano: int = DEFAULT_UNIX_NANO
) -> SearchStrategy[Any]:
    """Draw valid `ExportTraceServiceRequest` messages; see `requests`."""
    return requests("traces", most_items=most_items, at_unix_nano=at_unix_nano)


def metrics_requests(
    *, most_items: int = 3, at_unix_nano: int = DEFAULT_UNIX_NANO
) -> SearchStrategy[Any]:
    """Draw valid `ExportMetricsServiceRequest` messages; see `requests`."""
    return requests("metrics", most_items=most_items, at_unix_nano=at_unix_nano)


def logs_requests(
    *, most_items: int = 3, at_unix_nano: int = DEFAULT_UNIX_NANO
) -> SearchStrategy[Any]:
    """Draw valid `ExportLogsServiceRequest` messages; see `requests`."""
    return requests("logs", most_items=most_items, at_unix_nano=at_unix_nano)


def profiles_requests(
    *, most_items: int = 3, at_unix_nano: int = DEFAULT_UNIX_NANO
) -> SearchStrategy[Any]:
    """Draw valid `ExportProfilesServiceRequest` messages; see `requests`."""
    return requests("profiles", most_items=most_items, at_unix_nano=at_unix_nano)


def draw_request(
    draw: Draw,
    signal: Signal,
    *,
    most_items: int = 3,
    at_unix_nano: int = DEFAULT_UNIX_NANO,
    is_common: bool = False,
    is_small: bool = False,
) -> Any:  # noqa: ANN401 -- a generated message
    """Return one valid request: one or two resources, each with one or two scopes.

    Args:
        draw: Hypothesis' draw function.
        signal: The signal.
        most_items: As for `requests`.
        at_unix_nano: As for `requests`.
        is_common: Only metrics that every receiver takes: no delta, no summary, nothing
            exponential.
        is_small: One resource, one scope, one item.
    """
    more = 0 if is_small else 1
    tables = Dictionary() if signal == "profiles" else None
    context = _Context(at_unix_nano, tables, is_common)
    names = SIGNAL_NAMES[signal]
    holders = []
    group = 0
    for number in range(1 + upto(draw, more)):
        inner = []
        for _ in range(1 + upto(draw, more)):
            count = 1 + upto(draw, (most_items - 1) * more)
            items = _ITEMS[signal](draw, context, count, group)
            group += 1
            fields: dict[str, Any] = {names.item_field: items}
            inner.append(
                new(
                    signal,
                    _upper(names.scope_field),
                    scope=draw_scope(draw),
                    schema_url=draw_schema_url(draw),
                    **fields,
                )
            )
        holder: dict[str, Any] = {names.scope_field: inner}
        holders.append(
            new(
                signal,
                _upper(names.field),
                resource=draw_resource(draw, str(number) if number else ""),
                schema_url=draw_schema_url(draw),
                **holder,
            )
        )
    whole: dict[str, Any] = {names.field: holders}
    if tables is not None:
        whole["dictionary"] = tables.message
    return new(signal, names.request, **whole)


def _upper(name: str) -> str:
    """Return `resource_spans` as `ResourceSpans`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _spans(draw: Draw, context: _Context, count: int, group: int) -> list[Any]:
    return draw_scope_spans(draw, context.at_unix_nano, count, group)


def _metrics(draw: Draw, context: _Context, count: int, group: int) -> list[Any]:
    """Return metrics with names that no other scope uses, as scopes may be equal."""
    return [
        draw_metric(
            draw,
            context.at_unix_nano,
            name=f"{draw_name(draw)}.{group}.{number}",
            is_common=context.is_common,
        )
        for number in range(count)
    ]


def _records(draw: Draw, context: _Context, count: int, _group: int) -> list[Any]:
    return [draw_log_record(draw, context.at_unix_nano) for _ in range(count)]


def _profiles(draw: Draw, context: _Context, count: int, _group: int) -> list[Any]:
    tables = context.tables or Dictionary()
    return [draw_profile(draw, context.at_unix_nano, tables) for _ in range(count)]


_ITEMS: Final[Mapping[Signal, _Items]] = MappingProxyType(
    {"traces": _spans, "metrics": _metrics, "logs": _records, "profiles": _profiles}
)
