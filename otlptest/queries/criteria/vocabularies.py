"""The meaning of each criterion, per kind of item, and its values.

* `service` is the resource's `service.name`; `resource` its attributes.
* `scope` is the scope's name, or a mapping with `name`, `version` and `attributes`.
* `status` and `kind` and `severity` compare OTLP's numbers.
* `parent` is a span, a span id, `ROOT`, or a matcher for the parent's span id.
* `events` is the name of an event (or a mapping with `name` and `attributes`) that the span has
  among others, or a list of such; `links` is a span, its trace id or span id (or a mapping with
  `trace_id`, `span_id` and `attributes`), or a list. A matcher applies to the list of event
  names, or of linked span ids: `events=match.absent()` is a span without events,
  `match.not_(match.contains("exception"))` one without that event.
* `duration_ms` and ids may be given as numbers; ids as the SDKs keep them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from otlptest.model import (
    ROOT,
    SIGNALS,
    AggregationTemporality,
    MetricType,
    Severity,
    Span,
    SpanKind,
    StatusCode,
)
from otlptest.queries.criteria.conditions import AttributesCondition, Condition, FieldCondition
from otlptest.queries.criteria.criteria import Vocabulary
from otlptest.queries.criteria.criterion_values import (
    attributes_wanted,
    choice_wanted,
    enum_wanted,
    id_wanted,
    number_wanted,
    text_wanted,
)
from otlptest.queries.criteria.span_parts import (
    DurationCondition,
    ParentCondition,
    events_condition,
    links_condition,
)
from otlptest.queries.messages.wording import ABSENT
from otlptest.queries.traces.trace_conditions import (
    ContainingCondition,
    PointsCondition,
    TraceServiceCondition,
)

_TRACE_ID: Final = 32  # hex digits
_SPAN_ID: Final = 16
_PROTOCOLS: Final = ("grpc", "http/protobuf", "http/json")

Maker = Callable[[object], Condition]


def _set_or_absent(value: object) -> object:
    return ABSENT if value is None else value


def _text(criterion: str, read: Callable[[Any], object], importance: float = 1.0) -> Maker:
    return lambda wanted: FieldCondition(
        criterion, text_wanted(criterion, wanted), lambda x: _set_or_absent(read(x)), importance
    )


def _attributes(
    criterion: str, read: Callable[[Any], Mapping[str, object]], prefix: str = ""
) -> Maker:
    return lambda wanted: AttributesCondition(
        criterion, attributes_wanted(criterion, wanted), read, prefix
    )


def _id(criterion: str, digits: int, read: Callable[[Any], object]) -> Maker:
    return lambda wanted: FieldCondition(
        criterion, id_wanted(criterion, wanted, digits), lambda x: _set_or_absent(read(x)), 2.0
    )


def _scope(wanted: object) -> Condition:
    if not isinstance(wanted, Mapping):
        return FieldCondition("scope", text_wanted("scope", wanted), lambda x: x.scope.name)
    known = ("name", "version", "attributes")
    for key in wanted:
        choice_wanted("part of a scope", key, known)
    flat = {key: value for key, value in wanted.items() if key != "attributes"}
    inner = attributes_wanted("scope attributes", wanted.get("attributes", {}))

    def read(item: Any) -> Mapping[str, object]:  # noqa: ANN401 -- any kind of item
        scope = item.scope
        return {"name": scope.name, "version": scope.version, **_dotted(scope.attributes)}

    return AttributesCondition("scope", {**flat, **_dotted(inner)}, read, "scope.")


def _dotted(attributes: Mapping[str, object]) -> dict[str, object]:
    return {f"attributes[{key!r}]": value for key, value in attributes.items()}


def _kind(wanted: object) -> Condition:
    return FieldCondition("kind", enum_wanted("kind", wanted, SpanKind), lambda x: x.kind)


def _status(wanted: object) -> Condition:
    return FieldCondition(
        "status", enum_wanted("status", wanted, StatusCode), lambda x: x.status.code
    )


def _severity(wanted: object) -> Condition:
    return FieldCondition(
        "severity", enum_wanted("severity", wanted, Severity), lambda x: x.severity_number
    )


def _parent(wanted: object) -> Condition:
    is_object = isinstance(wanted, Span) or wanted is ROOT
    return ParentCondition(wanted if is_object else id_wanted("parent", wanted, _SPAN_ID))


def _duration(wanted: object) -> Condition:
    return DurationCondition(number_wanted("duration_ms", wanted))


def _type(wanted: object) -> Condition:
    return FieldCondition("type", enum_wanted("type", wanted, MetricType), lambda x: x.type)


def _temporality(wanted: object) -> Condition:
    return FieldCondition(
        "temporality",
        enum_wanted("temporality", wanted, AggregationTemporality),
        lambda x: _set_or_absent(x.temporality),
    )


def _body(wanted: object) -> Condition:
    return FieldCondition("body", wanted, lambda x: x.body, 2.0)


def _choice(criterion: str, known: tuple[str, ...]) -> Maker:
    return lambda wanted: FieldCondition(
        criterion,
        choice_wanted(criterion, wanted, known),
        lambda x: _set_or_absent(getattr(x, criterion)),
    )


def _headers(wanted: object) -> Condition:
    given = attributes_wanted("headers", wanted)
    lower = {name.lower(): value for name, value in given.items()}
    return AttributesCondition("headers", lower, lambda x: x.headers, "header ")


_SERVICE = _text("service", lambda x: x.service, 1.5)
_NAME = _text("name", lambda x: x.name, 2.0)
_ATTRIBUTES = _attributes("attributes", lambda x: x.attributes)

SPANS: Final = Vocabulary(
    noun="span",
    nouns="spans",
    criteria={
        "name": _NAME,
        "service": _SERVICE,
        "kind": _kind,
        "status": _status,
        "attributes": _ATTRIBUTES,
        "resource": _attributes("resource", lambda x: x.resource, "resource."),
        "scope": _scope,
        "trace_id": _id("trace_id", _TRACE_ID, lambda x: x.trace_id),
        "span_id": _id("span_id", _SPAN_ID, lambda x: x.span_id),
        "parent": _parent,
        "events": events_condition,
        "links": links_condition,
        "duration_ms": _duration,
        "exporter": _text("exporter", lambda x: x.exporter),
    },
)

METRICS: Final = Vocabulary(
    noun="metric",
    nouns="metrics",
    criteria={
        "name": _NAME,
        "service": _SERVICE,
        "unit": _text("unit", lambda x: x.unit),
        "type": _type,
        "temporality": _temporality,
        "attributes": lambda wanted: PointsCondition(attributes_wanted("attributes", wanted)),
    },
)

POINTS: Final = Vocabulary(noun="point", nouns="points", criteria={"attributes": _ATTRIBUTES})

LOGS: Final = Vocabulary(
    noun="log record",
    nouns="log records",
    criteria={
        "severity": _severity,
        "body": _body,
        "event_name": _text("event_name", lambda x: x.event_name, 2.0),
        "attributes": _ATTRIBUTES,
        "service": _SERVICE,
        "trace_id": _id("trace_id", _TRACE_ID, lambda x: x.trace_id),
    },
)

PROFILES: Final = Vocabulary(
    noun="profile", nouns="profiles", criteria={"service": _SERVICE, "attributes": _ATTRIBUTES}
)

TRACES: Final = Vocabulary(
    noun="trace",
    nouns="traces",
    criteria={
        "trace_id": _id("trace_id", _TRACE_ID, lambda x: x.trace_id),
        "service": lambda wanted: TraceServiceCondition(text_wanted("service", wanted)),
        "containing": lambda wanted: ContainingCondition.made(wanted, SPANS),
    },
)

REQUESTS: Final = Vocabulary(
    noun="request",
    nouns="requests",
    criteria={
        "signal": _choice("signal", SIGNALS),
        "protocol": _choice("protocol", _PROTOCOLS),
        "headers": _headers,
        "encoding": _text("encoding", lambda x: x.encoding),
        "path": _text("path", lambda x: x.path),
        "reply_fault": _text("reply_fault", lambda x: x.reply_fault or None),
    },
)
