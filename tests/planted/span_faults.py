"""Faults of spans, and what looks like one and is none."""

from copy import deepcopy
from typing import Any

from tests.planted.planting import plants, put
from tests.support.right_requests import PARENT_ID, SECOND, SPAN_ID, START, attribute

MICRO = START // 1000
ROWS = 33


def server(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return requests[0].resource_spans[0].scope_spans[0].spans[0]


def child(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return requests[0].resource_spans[0].scope_spans[0].spans[1]


def alone(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    """The server span, the only one left, without what else may be wrong with it."""
    del requests[0].resource_spans[0].scope_spans[0].spans[1:]
    return server(requests)


def sent_again(requests: list[Any], **changes: object) -> None:
    again = deepcopy(requests[0])
    put(server([again]), **changes)
    requests.append(again)


def twin(requests: list[Any], **changes: object) -> None:
    spans = requests[0].resource_spans[0].scope_spans[0].spans
    spans.add().CopyFrom(spans[0])
    put(spans[-1], **changes)


def other_service(requests: list[Any]) -> None:
    sent_again(requests, start_time_unix_nano=START - SECOND)
    named = requests[1].resource_spans[0].resource.attributes[0]
    named.value.string_value = "payments"


def state(text: str) -> Any:  # noqa: ANN401 -- a change
    return lambda requests: put(server(requests), trace_state=text)


def status(code: int, message: str) -> Any:  # noqa: ANN401 -- a change
    return lambda requests: put(server(requests).status, code=code, message=message)


SPAN_PLANTS = plants(
    "traces",
    ("OTLP-TRACE-001", "no trace id", lambda r: put(child(r), trace_id=b"")),
    ("OTLP-TRACE-001", "trace id of 8 bytes", lambda r: put(child(r), trace_id=SPAN_ID)),
    ("OTLP-TRACE-001", "trace id of 32 bytes", lambda r: put(child(r), trace_id=bytes(32))),
    ("OTLP-TRACE-002", "zero trace id", lambda r: put(child(r), trace_id=bytes(16))),
    ("OTLP-TRACE-003", "no span id", lambda r: put(child(r), span_id=b"")),
    ("OTLP-TRACE-003", "span id of 9 bytes", lambda r: put(child(r), span_id=SPAN_ID + b"\1")),
    ("OTLP-TRACE-004", "zero span id", lambda r: put(child(r), span_id=bytes(8))),
    ("OTLP-TRACE-005", "zero parent", lambda r: put(server(r), parent_span_id=bytes(8))),
    ("OTLP-TRACE-005", "short parent", lambda r: put(child(r), parent_span_id=b"\1\2")),
    ("OTLP-TRACE-006", "its own parent", lambda r: put(child(r), parent_span_id=SPAN_ID)),
    (
        "OTLP-TRACE-006",
        "one id for two spans",
        lambda r: put(child(r), span_id=PARENT_ID, parent_span_id=b"parent_0"),
    ),
    (
        "OTLP-TRACE-006",
        "one id for two spans of different requests",
        lambda r: sent_again(r, start_time_unix_nano=START + 1),
    ),
    (None, "sent again", sent_again),
    (None, "sent again by another exporter that renames", lambda r: sent_again(r, name="x")),
    (None, "twice in one request", twin),
    (None, "an id that another service has, too", other_service),
    (None, "a root with a missing parent elsewhere", alone),
    ("OTLP-TRACE-009", "no name", lambda r: put(server(r), name="")),
    ("OTLP-TRACE-010", "no kind", lambda r: put(server(r), kind=0)),
    ("OTLP-TRACE-010", "kind 6", lambda r: put(server(r), kind=6)),
    ("OTLP-TRACE-010", "kind -1", lambda r: put(server(r), kind=-1)),
    ("OTLP-TRACE-013", "no start", lambda r: put(server(r), start_time_unix_nano=0)),
    ("OTLP-TRACE-014", "no end", lambda r: put(server(r), end_time_unix_nano=0)),
    ("OTLP-TRACE-015", "end before start", lambda r: put(server(r), end_time_unix_nano=START - 1)),
    (
        "OTLP-TRACE-016",
        "microseconds",
        lambda r: put(server(r), start_time_unix_nano=MICRO, end_time_unix_nano=MICRO + 1),
    ),
    (
        "OTLP-TRACE-016",
        "milliseconds of an event",
        lambda r: put(server(r).events[0], time_unix_nano=START // 10**6),
    ),
    (
        "OTLP-TRACE-016+OTLP-TRACE-015",
        "seconds as the end",
        lambda r: put(server(r), end_time_unix_nano=START // 10**9),
    ),
    (None, "made-up times", lambda r: put(server(r), start_time_unix_nano=1, end_time_unix_nano=2)),
    (
        None,
        "an old recording",
        lambda r: put(server(r), start_time_unix_nano=10**17, end_time_unix_nano=10**17),
    ),
    ("OTLP-TRACE-018", "event without a name", lambda r: put(server(r).events[0], name="")),
    ("OTLP-TRACE-018", "event at 0", lambda r: put(server(r).events[0], time_unix_nano=0)),
    ("OTLP-TRACE-021", "link with a short id", lambda r: put(server(r).links[0], span_id=b"1")),
    ("OTLP-TRACE-021", "link without a trace id", lambda r: put(server(r).links[0], trace_id=b"")),
    (
        "OTLP-TRACE-021",
        "link to nothing",
        lambda r: put(server(r).links[0], trace_id=b"", span_id=b"", attributes=[]),
    ),
    (
        None,
        "link with zero ids",
        lambda r: put(server(r).links[0], trace_id=bytes(16), span_id=bytes(8)),
    ),
    (
        None,
        "link with empty ids and attributes",
        lambda r: put(server(r).links[0], trace_id=b"", span_id=b""),
    ),
    (
        None,
        "link with empty ids and a trace state",
        lambda r: put(
            server(r).links[0], trace_id=b"", span_id=b"", attributes=[], trace_state="a=1"
        ),
    ),
    ("OTLP-TRACE-025", "link remote and unknown", lambda r: put(server(r).links[0], flags=0x200)),
    ("OTLP-TRACE-026", "33 members", state(",".join(f"k{n}=1" for n in range(ROWS)))),
    ("OTLP-TRACE-026", "no value", state("a=1,b")),
    ("OTLP-TRACE-026", "empty value", state("a=")),
    ("OTLP-TRACE-026", "key in capitals", state("Key=1")),
    ("OTLP-TRACE-026", "key twice", state("a=1,a=2")),
    ("OTLP-TRACE-026", "value with an umlaut", state("a=ü")),
    (None, "32 members", state(",".join(f"k{n}=1" for n in range(ROWS - 1)))),
    (None, "empty members and white space", state("a=1 ,, \t b@c=x y")),
    (None, "key that begins with a digit", state("0a=1,tenant@system=2")),
    ("OTLP-TRACE-028", "ot without a colon", state("ot=th")),
    ("OTLP-TRACE-028", "ot key twice", state("ot=p:1;p:2")),
    ("OTLP-TRACE-028", "rv of 13 digits", state("ot=rv:0123456789abc")),
    ("OTLP-TRACE-028", "th in capitals", state("ot=th:A")),
    (None, "ot with another key", state("ot=p:8;r:62")),
    ("OTLP-TRACE-030", "remote and unknown", lambda r: put(child(r), flags=0x201)),
    ("OTLP-TRACE-030", "a remote parent and none", lambda r: put(server(r), flags=0x301)),
    (None, "no flags", lambda r: put(child(r), flags=0)),
    ("OTLP-TRACE-031", "bit 10", lambda r: put(child(r), flags=0x701)),
    ("OTLP-TRACE-036", "status code 3", status(3, "")),
    ("OTLP-TRACE-037", "OK with a message", status(1, "fine")),
    ("OTLP-TRACE-037", "UNSET with a message", status(0, "hm")),
    (None, "OK", status(1, "")),
    (None, "no status", lambda r: server(r).ClearField("status")),
    (
        "OTLP-COMMON-001",
        "key of a span twice",
        lambda r: server(r).attributes.append(attribute("text")),
    ),
    (
        "OTLP-COMMON-001",
        "key of an event twice",
        lambda r: server(r).events[0].attributes.append(attribute("card")),
    ),
    (
        "OTLP-COMMON-001",
        "key of a link twice",
        lambda r: server(r).links[0].attributes.append(attribute("why")),
    ),
)
