"""Receivers that refuse something for a reason of their own: nothing else is their fault."""

import gzip
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError, Message

from otlptest.errors import WireError
from otlptest.model import Protocol, Signal
from otlptest.wire.otlp import otlp_json
from otlptest.wire.otlp.signals import SIGNAL_NAMES, request_class
from tests.subjects.wrong_receivers.grpc_faults import after
from tests.subjects.wrong_receivers.grpc_front import Change2, failure
from tests.subjects.wrong_receivers.http_answers import SLOW_ONCE
from tests.subjects.wrong_receivers.http_front import Change, Heard, Said
from tests.subjects.wrong_receivers.planted import (
    ALL,
    JSON,
    PROTOBUF,
    When,
    answers,
    having,
    refused,
    turned,
)

_PAGE = "http://localhost:3000"
_HOUR_NANO = 3600 * 10**9


@dataclass(frozen=True, kw_only=True)
class Blameless:
    """A receiver with one trait, and what a case has to say of it.

    Attributes:
        name: The trait, in words.
        case: The case that looks at it.
        outcomes: What the case says of a requirement: the trait is not told as its fault.
        broken: What is broken all the same: the trait itself.
        change: Changes answers over HTTP.
        call: Changes answers over gRPC.
        protocol: What the suite runs in.
        signals: What it takes.
        origins: Pages of these origins may send.
        reads_back: Whether what it stored can be read back.
    """

    name: str
    case: str
    outcomes: dict[str, set[str]]
    broken: frozenset[str] = frozenset()
    change: Change | None = None
    call: Change2 | None = None
    protocol: Protocol = "http/protobuf"
    signals: tuple[Signal, ...] = ALL
    origins: tuple[str, ...] = field(default=())
    reads_back: bool = True


def _is(name: str, case: str, outcomes: str, **more: Any) -> Blameless:  # noqa: ANN401 -- fields
    """`passed|inconclusive HTTP-050 JSON-018` as outcomes, `broken="RESP-055"` beside them."""
    kind, _, rules = outcomes.partition(" ")
    broken = frozenset(f"OTLP-{rule}" for rule in more.pop("broken", "").split())
    found = {f"OTLP-{rule}": set(kind.split("|")) for rule in rules.split()}
    return Blameless(name=name, case=case, outcomes=found, broken=broken, **more)


# What is in a request.


def message_of(heard: Heard) -> Any:  # noqa: ANN401 -- a generated message, or None
    """The request message of a body, in protobuf or JSON, compressed or not; None if it is none."""
    names = next((each for each in SIGNAL_NAMES.items() if each[1].http_path in heard.target), None)
    if names is None:
        return None
    signal = names[0]
    try:
        body = heard.body
        if heard.header("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if (heard.header("content-type") or "").startswith(JSON):
            return otlp_json.decode_request(signal, body)
        return request_class(signal).FromString(body)
    except (DecodeError, WireError, OSError, EOFError, ValueError, zlib.error):
        return None


def metrics_of(heard: Heard) -> Iterator[Any]:
    """The metrics of a request."""
    message = message_of(heard)
    for entry in getattr(message, "resource_metrics", ()):
        for scope in entry.scope_metrics:
            yield from scope.metrics


def has_kind(kind: str) -> When:
    """A request has a metric of a kind."""
    return lambda heard, _: any(each.WhichOneof("data") == kind for each in metrics_of(heard))


def _has_delta(heard: Heard, _: Said) -> bool:
    return any(
        getattr(getattr(each, each.WhichOneof("data") or "gauge"), "aggregation_temporality", 0)
        == 1
        for each in metrics_of(heard)
    )


def _has_bytes(message: Any) -> bool:  # noqa: ANN401 -- a generated message
    """Whether there is a value of the kind bytes at any depth."""
    if message is None:
        return False
    for descriptor, value in message.ListFields():
        if descriptor.name == "bytes_value":
            return True
        if descriptor.message_type is None:
            continue
        if any(map(_has_bytes, [value] if isinstance(value, Message) else value)):
            return True
    return False


def has_bytes(heard: Heard, _: Said) -> bool:
    """A request has a value of the kind bytes."""
    return _has_bytes(message_of(heard))


class MetricsStore:
    """Refuses points that are older than an hour or than the last of their series, as Prometheus.

    All is decoded; nothing else is refused.
    """

    def __init__(self) -> None:
        self._last: dict[bytes, tuple[int, bytes]] = {}
        self._lock = threading.Lock()

    def __call__(self, heard: Heard, said: Said) -> Said:
        if said.status != 200:
            return said
        with self._lock:
            problem = next(filter(None, map(self._problem_of, metrics_of(heard))), "")
        if not problem:
            return said
        if (heard.header("content-type") or "").startswith(JSON):
            text = b'{"message":"%s"}' % problem.encode()
            return said.having(status=400, body=text, content_type=JSON)
        status = b"\x12" + bytes([len(problem)]) + problem.encode()
        return said.having(status=400, body=status, content_type=PROTOBUF)

    def _problem_of(self, metric: Any) -> str:  # noqa: ANN401 -- a generated message
        kind = metric.WhichOneof("data")
        for point in getattr(metric, kind).data_points if kind else ():
            if point.time_unix_nano < time.time_ns() - _HOUR_NANO:
                return "out of bounds"
            pairs = sorted(each.SerializeToString() for each in point.attributes)
            series = metric.name.encode() + kind.encode() + b"".join(pairs)
            value = point.SerializeToString()
            last, before = self._last.get(series, (0, b""))
            if point.time_unix_nano < last:
                return "out of order sample"
            if point.time_unix_nano == last and value != before:
                return "duplicate sample for timestamp"
            self._last[series] = (point.time_unix_nano, value)
        return ""


# Traits.


def _page(path: str, said: Said) -> Callable[[Heard, Said], Said]:
    """There is a page at a path: POST is not allowed there, GET gives it."""

    def change(heard: Heard, right: Said) -> Said:
        if heard.target != path:
            return right
        if heard.method == "GET":
            return said
        return right.having(status=405, allow="GET")

    return change


def _detail(heard: Heard, said: Said) -> Said:
    """Errors are JSON of another shape, whatever the request was."""
    del heard
    if said.status < 400:
        return said
    return said.having(body=b'{"detail":"bad"}', content_type=JSON)


def _large(heard: Heard, said: Said) -> Said:
    return said.having(status=413) if len(heard.body) > 500_000 else said


def _without_origin(heard: Heard, said: Said) -> Said:
    """Pages are answered without CORS headers; preflights are right."""
    if heard.method == "OPTIONS":
        return said
    return said.having(Access_Control_Allow_Origin="", Vary="")


def _takes_text(heard: Heard, said: Said) -> Said:
    if heard.header("content-type") != "text/plain":
        return said
    return said.having(status=200, body=b"", content_type=PROTOBUF)


_AT_ROOT = Said(status=200, fields=[("Content-Type", "text/html")], body=b"<html></html>")


def _get_gives(status: int) -> Change:
    return lambda heard, said: (
        Said(status=status, fields=[("Content-Type", "text/html")], body=b"<html></html>")
        if heard.method == "GET"
        else said
    )


def _slash(**changes: Any) -> Change:  # noqa: ANN401 -- of `Said.having`
    return turned(lambda heard, _: heard.target.endswith("/v1/traces/"), **changes)


_NO_GZIP = turned(having("content-encoding", "gzip"), status=415)
_NO_EXPONENTIAL = turned(has_kind("exponential_histogram"), status=400)
_BYTES = turned(has_bytes, status=500)
_NO_JSON = turned(having("content-type", JSON), status=400)


def _json(name: str, case: str, outcomes: str, **more: Any) -> Blameless:  # noqa: ANN401 -- fields
    return _is(name, case, outcomes, protocol="http/json", **more)


KINDS = (
    _is("exponential histograms are refused in any form", "interoperability/packed",
        "passed|inconclusive HTTP-050", change=_NO_EXPONENTIAL),
    _is("exponential histograms are 500 in any form", "interoperability/extremes",
        "passed SRV-015", change=turned(has_kind("exponential_histogram"), status=500)),
    _is("exponential histograms are 500, of metrics alone", "interoperability/extremes",
        "inconclusive SRV-015", signals=("metrics",),
        change=turned(has_kind("exponential_histogram"), status=500)),
    _is("exponential histograms are refused, of any scale", "data/metrics",
        "inconclusive METRIC-038", change=_NO_EXPONENTIAL, broken="METRIC-061"),
    _is("histograms are refused, with buckets too", "data/metrics",
        "inconclusive METRIC-030 METRIC-034", change=turned(has_kind("histogram"), status=400),
        broken="METRIC-061"),
    _json("deltas are refused in any document", "json/examples", "passed|inconclusive JSON-045",
          change=turned(_has_delta, status=400)),
    _json("no exponential histograms at all", "json/examples", "passed|inconclusive JSON-045",
          change=_NO_EXPONENTIAL),
    _json("bytes are its own fault, in any alphabet", "json_values/right", "inconclusive JSON-027",
          change=_BYTES),
    _is("bytes are its own fault", "data/values", "passed COMMON-007 COMMON-009 COMMON-044",
        change=_BYTES, broken="COMMON-008", signals=("traces",)),
    _json("integers are its own fault", "json_values/numbers",
          "inconclusive JSON-019 JSON-020",
          change=turned(lambda heard, _: b'"intValue"' in heard.body, status=500)),
    _json("histograms are refused, of any count", "json_values/unsigned", "inconclusive JSON-018",
          change=turned(has_kind("histogram"), status=400)),
    _json("flags are refused as a number too", "json_values/flags", "inconclusive JSON-022",
          change=turned(lambda heard, _: b'"flags"' in heard.body, status=400)),
    _json("a key that must be there", "json/nulls", "passed JSON-028",
          change=turned(
              lambda heard, _: "traces" in heard.target and b'"resource":{' not in heard.body,
              status=400)),
    _is("1 MiB is over its limit", "data/logs_protobuf", "passed LOG-024", change=_large),
)  # fmt: skip

CODINGS = (
    _is("no gzip at all", "compression/broken", "inconclusive SRV-016 SRV-018 SRV-019 SRV-028",
        change=_NO_GZIP),
    _is("no gzip at all, so no trailer", "compression/trailer", "inconclusive SRV-017",
        change=_NO_GZIP),
    _is("no gzip at all, at no level", "compression/odd", "inconclusive SRV-021 SRV-029",
        change=_NO_GZIP),
    _is("no gzip at all, of no members", "compression/members", "inconclusive SRV-020",
        change=_NO_GZIP),
    _json("no gzip at all, of JSON", "compression/broken",
          "inconclusive SRV-016 SRV-018 SRV-019 SRV-028", change=_NO_GZIP),
    _is("identity is refused", "compression/codings", "not_applicable SRV-023",
        change=turned(having("content-encoding", "identity"), status=415)),
    _is("no gzip call at all", "grpc/encodings", "inconclusive GRPC-010", protocol="grpc",
        call=answers(lambda call, _: call.body[:1] == b"\x01", failure(12))),
)  # fmt: skip

ANSWERS = (
    _is("errors are JSON of another shape", "success/media_type",
        "passed HTTP-018 HTTP-019 SRV-035",
        change=_detail, broken="HTTP-020"),
    _is("errors of another shape for the wrong encoding too", "bad_data/mismatch", "passed SRV-034",
        change=_detail),
    _json("errors as text, and right statuses", "json/malformed", "passed JSON-036 JSON-048",
          change=turned(refused, content_type="text/plain", body=b"bad")),
    _is("a success without a media type, whatever Accept says", "success/media_type",
        "inconclusive SRV-035", broken="HTTP-018 HTTP-019",
        change=turned(lambda _, said: said.status == 200, content_type="")),
    _is("text/plain is taken, and the connection goes on", "framing/in_step", "passed SRV-044",
        change=_takes_text),
    _is("JSON is refused with 400", "consistency/alike", "passed SRV-090", change=_NO_JSON),
)  # fmt: skip

ROUTES = (
    _is("one bad body takes long, once", "bad_data/random_bytes", "inconclusive RESP-087",
        change=SLOW_ONCE),
    _is("a page for GET", "routes/methods", "passed SRV-042", change=_get_gives(200),
        broken="SRV-040"),
    _is("404 for GET", "routes/methods",
        "passed SRV-042", change=_get_gives(404), broken="SRV-040"),
    _is("405 at / where a page is", "routes/paths", "passed SRV-036", change=_page("/", _AT_ROOT)),
    _is("405 for a slash", "routes/paths", "passed SRV-037", change=_slash(status=405)),
    _is("a redirect that keeps the method", "routes/paths", "passed SRV-037",
        change=_slash(status=307, location="/v1/traces")),
    _is("only preflights name the origin", "routes/cors", "passed SRV-072", broken="SRV-070",
        change=_without_origin, origins=(_PAGE,)),
    _is("calls are cancelled while it recovers from a flood", "grpc_connections/resets",
        "passed SRV-062", protocol="grpc", call=after(4, failure(1), times=3)),
)  # fmt: skip

BLAMELESS: tuple[Blameless, ...] = (*KINDS, *CODINGS, *ANSWERS, *ROUTES)
