"""Protobuf of another version, or in another order: read as the same telemetry."""

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.contrasts import Plain, contrasted
from otlptest.conformance.receiver.exchange import (
    Exchange,
    check_responses,
    is_decided,
    send_protobuf,
    stop_at_timeout,
)
from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE, ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    TEXT_FIELDS,
    attribute,
    sample_item,
    text,
    wrapped,
)
from otlptest.conformance.receiver.stored import (
    judged_taken,
    unwanted_items,
    why_unread,
)
from otlptest.model import ExponentialHistogramPoint, HistogramPoint, Signal
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.otlp.protobuf_writing import chunk, fixed64, number, tag, varint

CASES: Final = ReceiverCases()


_UNKNOWN: Final = 1999
_MORE: Final = number(_UNKNOWN, 7) + chunk(_UNKNOWN + 1, b"future") + fixed64(_UNKNOWN + 2, 1)
_LEGACY: Final = 1000
_BUCKETS: Final = 1_000_000
_COUNTS: Final = (1, 2, 3)
_HALF: Final = int.from_bytes(struct.pack("<d", 0.5), "little")  # a double, as `fixed64` has it
_PLAIN: Final = "a plain exponential histogram"
_GROWTH: Final = 512 * 1024 * 1024


def _taken_and_stored(
    lab: ReceiverLab,
    rule: str,
    body: bytes,
    marker: str,
    what: str,
    *,
    signal: Signal | None = None,
    matches: Callable[[tuple[Any, ...]], str] = lambda _: "",
    needs_read_back: bool = False,
    count: int = 1,
) -> CheckResult:
    """Judge a message that must be taken, and whose items must be stored unchanged."""
    chosen = signal or lab.signals[0]
    answer = send_protobuf(lab, body, signal=chosen)
    return judged_taken(
        lab,
        rule,
        chosen,
        marker,
        Exchange(what=what, answer=answer),
        wanted="success",
        matches=matches,
        needs_read_back=needs_read_back,
        count=count,
    )


# Unknown fields.


@CASES.add(
    "interoperability/unknown_fields",
    "Protobuf fields of a future version",
    ("OTLP-HTTP-053",),
    protocols=("http/protobuf",),
)
@CASES.add(
    "interoperability/unknown_fields_grpc",
    "Protobuf fields of a future version over gRPC",
    ("OTLP-GRPC-043",),
    protocols=("grpc",),
)
def _judge_unknown_fields(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge unknown fields in request, entry, resource, scope, item, attribute and value."""
    rule = "OTLP-GRPC-043" if lab.protocol == "grpc" else "OTLP-HTTP-053"
    for signal in lab.signals:
        marker = lab.marker()
        pairs = (attribute("kept", text("yes") + _MORE) + _MORE,)
        item = sample_item(signal, marker, attributes=pairs, more=_MORE)
        body = wrapped(
            item, resource=_MORE, scope=_MORE, entry=_MORE, scope_entry=_MORE, request=_MORE
        )
        yield _taken_and_stored(
            lab,
            rule,
            body,
            marker,
            f"unknown fields everywhere ({signal})",
            signal=signal,
            matches=_is_kept,
        )


def _is_kept(items: tuple[Any, ...]) -> str:
    got = items[0].attributes.get("kept")
    return "" if got == "yes" else f"the attribute 'kept' is {got!r}, expected: 'yes'"


_RESERVED: Final = {
    "traces": chunk(15, number(1, 1)),  # field 1 of the status
    "metrics": b"".join(chunk(each, b"") for each in (4, 6, 8)),
    "logs": number(4, 1),
}


@CASES.add(
    "interoperability/retired",
    "Protobuf fields of versions long gone",
    ("OTLP-HTTP-054", "OTLP-SRV-089"),
    protocols=("http/protobuf",),
)
def _judge_retired(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge reserved numbers, and the field that held data before scopes had their name."""
    for signal in lab.signals:
        marker = lab.marker()
        library = chunk(1, chunk(1, b"old.library")) + chunk(2, sample_item(signal, lab.marker()))
        body = wrapped(sample_item(signal, marker), entry=chunk(_LEGACY, library))
        what = f"data in field 1000 of the entry ({signal})"
        yield _taken_and_stored(lab, "OTLP-SRV-089", body, marker, what, signal=signal)
        marker = lab.marker()
        body = wrapped(sample_item(signal, marker, more=_RESERVED[signal]))
        what = f"reserved numbers ({signal})"
        yield _taken_and_stored(lab, "OTLP-HTTP-054", body, marker, what, signal=signal)


# The same in other encodings.


@CASES.add(
    "interoperability/merged",
    "Fields in another order, in parts and twice",
    ("OTLP-HTTP-051",),
    protocols=("http/protobuf",),
)
def _judge_merged(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge fields out of order, a singular message in two parts, a scalar twice."""
    rule, signal, marker = "OTLP-HTTP-051", lab.signals[0], lab.marker()
    field = TEXT_FIELDS[signal]
    twice = chunk(field, b"first")
    item = twice + sample_item(signal, marker, more=chunk(field, b"last"))
    first = chunk(1, chunk(1, attribute("part", text("one"))))
    second = chunk(1, chunk(1, attribute("rest", text("two"))))
    scope = chunk(2, chunk(2, item) + chunk(1, chunk(1, b"turned")))
    body = chunk(1, second + scope + first)
    yield _taken_and_stored(
        lab,
        rule,
        body,
        marker,
        "fields out of order, a resource in two parts, a text twice",
        matches=lambda items: _unmerged(signal, items[0]),
    )


def _unmerged(signal: Signal, item: Any) -> str:  # noqa: ANN401 -- an item of any signal
    resource = item.metric.resource if signal == "metrics" else item.resource
    name = {
        "traces": lambda: item.name,
        "logs": lambda: item.severity_text,
        "metrics": lambda: item.metric.name,
    }[signal]()
    if name != "last":
        return f"the text written twice is {name!r}, expected: 'last'"
    missing = {"part", "rest"} - set(resource)
    return f"the resource lacks {', '.join(sorted(missing))}" if missing else ""


@CASES.add(
    "interoperability/packed",
    "Repeated numbers packed and one by one",
    ("OTLP-HTTP-050",),
    protocols=("http/protobuf",),
    signals=("metrics",),
)
def _judge_packed(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge repeated numbers, packed and one by one: both are valid (proto3).

    A receiver that refuses a kind of histogram in both forms does not refuse the form.
    """
    for what, make, matches in (
        ("a histogram", _histogram, _other_counts),
        ("an exponential histogram", _exponential, _other_buckets),
    ):
        for is_packed in (True, False):
            marker = lab.marker()
            found = _taken_and_stored(
                lab,
                "OTLP-HTTP-050",
                wrapped(make(marker, is_packed=is_packed)),
                marker,
                f"the counts of {what} {'packed' if is_packed else 'one by one'}",
                signal="metrics",
                matches=matches,
                needs_read_back=True,
            )
            other = wrapped(make(lab.marker(), is_packed=not is_packed))
            form = "one by one" if is_packed else "packed"
            yield contrasted(found, _sent(lab, other, "metrics"), f"the counts of {what} {form}")


def _sent(lab: ReceiverLab, body: bytes, signal: Signal) -> Plain:
    return lambda: send_protobuf(lab, body, signal=signal)


def _times() -> bytes:
    """Return start and time fields of a point: a store may refuse old ones."""
    now = SYSTEM_CLOCK.unix_nanos()
    return fixed64(2, now - 1_000_000_000) + fixed64(3, now)


def _pair(marker: str) -> bytes:
    return attribute(MARKER_ATTRIBUTE, text(marker))


def _histogram(marker: str, *, is_packed: bool) -> bytes:
    """Return a metric with one histogram point."""
    raw = [each.to_bytes(8, "little") for each in _COUNTS]
    counts = chunk(6, b"".join(raw)) if is_packed else b"".join(tag(6, 1) + each for each in raw)
    bounds = chunk(7, struct.pack("<2d", 1.0, 2.0))
    total = fixed64(4, sum(_COUNTS)) + fixed64(5, _HALF)
    point = chunk(9, _pair(marker)) + _times() + total + counts + bounds
    return chunk(1, b"otlptest.histogram") + chunk(9, chunk(1, point) + number(2, 2))


def _exponential(
    marker: str,
    *,
    is_packed: bool = True,
    counts: tuple[int, ...] = _COUNTS,
    offset: int = 0,
    scale: int = 0,
    total: int | None = None,
) -> bytes:
    """Return a metric with one exponential histogram point."""
    raw = [varint(each) for each in counts]
    listed = chunk(2, b"".join(raw)) if is_packed else b"".join(tag(2, 0) + each for each in raw)
    buckets = chunk(8, number(1, _zigzag(offset)) + listed)
    count = sum(counts) if total is None else total
    numbers = fixed64(4, count) + fixed64(5, _HALF) + number(6, _zigzag(scale))
    point = chunk(1, _pair(marker)) + _times() + numbers + buckets
    return chunk(1, b"otlptest.exponential") + chunk(10, chunk(1, point) + number(2, 2))


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else ((-value) << 1) - 1


def _other_counts(items: tuple[Any, ...]) -> str:
    point = items[0]
    if isinstance(point, HistogramPoint) and point.bucket_counts == _COUNTS:
        return ""
    return f"the bucket counts are {getattr(point, 'bucket_counts', None)}, expected: {_COUNTS}"


def _other_buckets(items: tuple[Any, ...]) -> str:
    point = items[0]
    if isinstance(point, ExponentialHistogramPoint) and point.positive.bucket_counts == _COUNTS:
        return ""
    return f"the buckets are {getattr(point, 'positive', None)}, expected: {_COUNTS}"


# Extreme values.


@CASES.add(
    "interoperability/extremes",
    "Extreme times, counts, scales, offsets and a million buckets",
    ("OTLP-SRV-015",),
    protocols=("grpc", "http/protobuf"),
)
def _judge_extremes(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-SRV-015"
    before = lab.resident_bytes()
    tries = stop_at_timeout(each for signal in lab.signals for each in _extreme_tries(lab, signal))
    grown = (lab.resident_bytes() or 0) - (before or 0)
    if not tries:
        yield inconclusive(rule, "it fails on plain exponential histograms too")
        return
    found = check_responses(lab, rule, tries, is_decided, "success, or an error of the sender")
    if before is not None and grown > _GROWTH:
        yield failed(rule, f"memory grew by {grown} bytes; {found.evidence}", harm="memory")
    else:
        yield found


def _extreme_tries(lab: ReceiverLab, signal: Signal) -> Iterator[Exchange]:
    """Yield extreme values; of metrics only if the receiver takes a plain one of their kind."""
    for what, body in _extremes(signal, lab.marker()):
        answer = send_protobuf(lab, body, signal=signal)
        if what == _PLAIN and not is_decided(answer) and not answer.is_hang:
            return
        yield Exchange(what=what, answer=answer)


def _extremes(signal: Signal, marker: str) -> Iterator[tuple[str, bytes]]:
    times = {"traces": (7, 8), "logs": (1, 11)}.get(signal)
    if times is not None:
        for value in (0, 1, 1 << 63, (1 << 64) - 1):
            more = b"".join(fixed64(each, value) for each in times)
            item = sample_item(signal, marker, more=more)
            yield f"times of {value} ({signal})", wrapped(item)
        return
    yield _PLAIN, wrapped(_exponential(marker))
    largest, far = (1 << 64) - 1, 1 << 31
    yield f"a count of {largest}", wrapped(_exponential(marker, total=largest))
    for value in (far - 1, -far):
        yield f"a scale of {value}", wrapped(_exponential(marker, scale=value))
        yield f"an offset of {value}", wrapped(_exponential(marker, offset=value))
    yield f"{_BUCKETS} buckets", wrapped(_exponential(marker, counts=(1,) * _BUCKETS))


# The wrong signal.


@CASES.add(
    "interoperability/other_signal",
    "Another signal's message",
    ("OTLP-SRV-011",),
    protocols=("grpc", "http/protobuf"),
)
def _judge_other_signal(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge another signal's message, which may decode: the outer messages share field numbers."""
    rule = "OTLP-SRV-011"
    if len(lab.signals) == 1:
        yield inconclusive(rule, f"it takes {lab.signals[0]} only")
        return
    here, other = lab.signals[0], lab.signals[-1]
    marker = lab.marker()
    pair = attribute(MARKER_ATTRIBUTE, text(marker))
    body = wrapped(sample_item(other, marker), resource=chunk(1, pair))
    answer = send_protobuf(lab, body, signal=here)
    seen = f"a {other} message sent as {here}: {answer.told()}"
    tries = [Exchange(what=f"a {other} message sent as {here}", answer=answer)]
    found = check_responses(lab, rule, tries, is_decided, "400, or success")
    if found.outcome != "passed" or answer.is_refused:
        yield found
        return
    stored = unwanted_items(lab, here, marker)
    if stored is None:
        yield not_applicable(rule, f"{seen}; {why_unread(lab)}")
    elif stored:
        yield failed(rule, f"{seen}, and {len(stored)} bogus {here} were stored")
    else:
        yield passed(rule, f"{seen}, and nothing bogus was stored")
