"""Odd and invalid gRPC calls: encodings, framing, methods, metadata, many at once."""

import gzip
from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.contrasts import contrasted, is_limit
from otlptest.conformance.receiver.exchange import (
    PROTOBUF,
    Answer,
    Exchange,
    call,
    call_fields,
    check_responses,
    crash_result,
    grpc_talk,
    is_ok,
    is_refused,
    target_of,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import attribute, sample_request, text
from otlptest.conformance.receiver.stored import judged_taken, unwanted_items
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http2_client import RawHttp2Client
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.statuses import GrpcCode

CASES: Final = ReceiverCases()


_ENCODED: Final = (("grpc-encoding", "gzip"),)
_ALTERNATED: Final = 20
_PARALLEL: Final = 200
_INTERLEAVED: Final = 30
_LARGE: Final = 1024 * 1024
_SMALL_FRAME: Final = 1024
_EXPIRES_S: Final = 5.0
_UNSUPPORTED: Final = 415


def _message(lab: ReceiverLab) -> bytes:
    return sample_request(lab.signals[0], lab.marker())


# Encodings.


@CASES.add(
    "grpc/encodings",
    "Compressed and plain calls in turn",
    ("OTLP-GRPC-010",),
    protocols=("grpc",),
)
def _judge_interleaved_encodings(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-GRPC-010"
    with grpc_talk(lab) as talk:
        tries = list(_alternating(lab, talk))
    found = check_responses(lab, rule, tries, is_ok, "gRPC status OK")
    yield contrasted(found, lambda: _packed_alone(lab), "a gzip call on a connection of its own")


def _packed_alone(lab: ReceiverLab) -> GrpcAnswer:
    packed = gzip.compress(_message(lab), mtime=0)
    return call(lab, packed, is_compressed=True, fields=_ENCODED)


def _alternating(lab: ReceiverLab, talk: RawHttp2Client) -> Iterator[Exchange]:
    for number in range(_ALTERNATED):
        message = _message(lab)
        if number % 2:
            packed = gzip.compress(message, mtime=0)
            answer = call(lab, packed, is_compressed=True, fields=_ENCODED, talk=talk)
            yield Exchange(what=f"call {number}, compressed", answer=answer)
        elif number % 4:
            answer = call(lab, message, talk=talk)
            yield Exchange(what=f"call {number}, plain", answer=answer)
        else:
            answer = call(lab, message, fields=_ENCODED, talk=talk)
            yield Exchange(what=f"call {number}, plain under grpc-encoding: gzip", answer=answer)


@CASES.add(
    "grpc/unknown_encoding",
    "An encoding that nobody knows",
    ("OTLP-GRPC-012",),
    protocols=("grpc",),
)
def _judge_unknown_encoding(lab: ReceiverLab) -> Iterator[CheckResult]:
    fields = [("grpc-encoding", "x-nope")]
    answer = call(lab, _message(lab), is_compressed=True, fields=fields)
    tries = [Exchange(what="grpc-encoding: x-nope", answer=answer)]
    wanted = "UNIMPLEMENTED with grpc-accept-encoding"
    yield check_responses(lab, "OTLP-GRPC-012", tries, _lists_encodings, wanted)


def _lists_encodings(answer: Answer) -> bool:
    return (
        isinstance(answer, GrpcAnswer)
        and answer.grpc_status == GrpcCode.UNIMPLEMENTED
        and bool(answer.field("grpc-accept-encoding"))
    )


@CASES.add(
    "grpc/flag_alone",
    "The compressed flag without an encoding",
    ("OTLP-GRPC-013",),
    protocols=("grpc",),
)
def _judge_flag_alone(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule, signal, marker = "OTLP-GRPC-013", lab.signals[0], lab.marker()
    message = sample_request(signal, marker)
    answer = call(lab, message, is_compressed=True)
    tries = [Exchange(what="flag 1 without grpc-encoding", answer=answer)]
    found = check_responses(lab, rule, tries, is_refused, "INTERNAL or UNIMPLEMENTED")
    stored = unwanted_items(lab, signal, marker)
    if found.outcome == "passed" and stored:
        yield failed(rule, f"{found.evidence}; and yet it was stored")
    else:
        yield found


# Framing.


@CASES.add(
    "grpc/small_frames",
    "A megabyte in small DATA frames",
    ("OTLP-GRPC-042",),
    protocols=("grpc",),
)
def _judge_small_frames(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge a megabyte in frames of a kilobyte: far over the first window of 64 KiB."""
    rule, signal, marker = "OTLP-GRPC-042", lab.signals[0], lab.marker()
    pairs = (attribute("pad", text(b"x" * _LARGE)),)
    message = encode_grpc_frame(sample_request(signal, marker, attributes=pairs))
    with grpc_talk(lab) as talk:
        stream = talk.open(call_fields(lab, signal))
        talk.body(stream, message, frame_size=_SMALL_FRAME)
        answer = talk.answer(stream)
    if is_limit(answer):
        reason = f"a limit, which is nobody's fault: {answer.told()}"
        yield inconclusive(rule, f"a message of {len(message)} bytes: {reason}")
        return
    yield judged_taken(
        lab,
        rule,
        signal,
        marker,
        Exchange(what="1 MiB in DATA frames of 1 KiB", answer=answer),
        wanted="gRPC status OK",
        matches=lambda items: _wrong_length(items[0].attributes.get("pad")),
        needs_read_back=False,
    )


def _wrong_length(value: object) -> str:
    if isinstance(value, str) and len(value) == _LARGE:
        return ""
    what = f"text of {len(value)}" if isinstance(value, str) else repr(value)
    return f"the attribute of {_LARGE} characters is {what}"


@CASES.add(
    "grpc/bad_frames",
    "Messages cut, too long, none and two",
    ("OTLP-GRPC-049", "OTLP-SRV-065"),
    protocols=("grpc",),
)
def _judge_bad_frames(lab: ReceiverLab) -> Iterator[CheckResult]:
    whole = encode_grpc_frame(_message(lab))
    huge = b"\x00\xff\xff\xff\xff" + whole
    bodies = {
        "three bytes of the prefix": whole[:3],
        "a length over the data": whole[:-5],
        "a declared length of 4 GiB": huge,
        "the compressed flag 7": b"\x07" + whole[1:],
    }
    tries = (Exchange(what=what, answer=call(lab, body=body)) for what, body in bodies.items())
    yield check_responses(lab, "OTLP-GRPC-049", tries, is_refused, "an error or a reset")
    counts = {"no message": b"", "two messages": whole + whole}
    others = (Exchange(what=what, answer=call(lab, body=body)) for what, body in counts.items())
    yield check_responses(lab, "OTLP-SRV-065", others, is_refused, "an error or a reset")


# Methods, content types, metadata.


@CASES.add(
    "grpc/unknown_methods",
    "Methods that do not exist",
    ("OTLP-GRPC-045",),
    protocols=("grpc",),
)
def _judge_unknown_methods(lab: ReceiverLab) -> Iterator[CheckResult]:
    paths = (
        "/opentelemetry.proto.collector.trace.v1.TraceService/Nope",
        "/opentelemetry.proto.collector.nothing.v1.NothingService/Export",
    )
    tries = (
        Exchange(what=f"the method {path}", answer=call(lab, _message(lab), path=path))
        for path in paths
    )
    yield check_responses(lab, "OTLP-GRPC-045", tries, _is_unimplemented, "UNIMPLEMENTED (12)")


def _is_unimplemented(answer: Answer) -> bool:
    return isinstance(answer, GrpcAnswer) and answer.grpc_status == GrpcCode.UNIMPLEMENTED


@CASES.add(
    "grpc/content_type",
    "Another content type over HTTP/2",
    ("OTLP-GRPC-046",),
    protocols=("grpc",),
)
def _judge_content_type(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-GRPC-046"
    with grpc_talk(lab) as talk:
        answer = call(lab, _message(lab), media_type="text/plain", talk=talk)
        after = call(lab, _message(lab), talk=talk)
    tries = [Exchange(what="the content type text/plain over HTTP/2", answer=answer)]
    found = check_responses(lab, rule, tries, _is_unsupported, "HTTP 415")
    if found.outcome == "passed" and not after.is_ok:
        yield failed(rule, f"{found.evidence}; a call after it came to {after.told()}")
    else:
        yield found


def _is_unsupported(answer: Answer) -> bool:
    return isinstance(answer, GrpcAnswer) and answer.http_status == _UNSUPPORTED


@CASES.add(
    "grpc/one_port",
    "Both transports on one port",
    ("OTLP-GRPC-047",),
    protocols=("grpc",),
)
def _judge_one_port(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge whether either port takes the other transport too."""
    rule = "OTLP-GRPC-047"
    if lab.http is None:
        yield not_applicable(rule, "no HTTP endpoint was given")
        return
    body = sample_request(lab.signals[0], lab.marker())
    with grpc_talk(lab) as talk:
        fields = dict(call_fields(lab, media_type=PROTOBUF)) | {":path": target_of(lab)}
        stream = talk.open(tuple(fields.items()))
        talk.body(stream, body)
        answer = talk.answer(stream)
    with RawHttp2Client(lab.connect(lab.http, alpn="h2"), lab.timeout_s) as other:
        called = call(lab, body, talk=other)
    takes = [
        what
        for what, is_taken in (
            ("OTLP/HTTP on the gRPC port", answer.http_status == 200 and answer.is_ended),  # noqa: PLR2004 -- HTTP's number
            ("OTLP/gRPC on the HTTP port", called.is_ok),
        )
        if is_taken
    ]
    yield (passed if takes else not_applicable)(
        rule, f"it takes {' and '.join(takes) or 'each on its own'}"
    )


@CASES.add(
    "grpc/metadata",
    "Binary, unknown and oversized metadata",
    ("OTLP-SRV-066",),
    protocols=("grpc",),
)
def _judge_metadata(lab: ReceiverLab) -> Iterator[CheckResult]:
    large = [("x-large", "v" * 65_536)]
    odd = {
        "binary metadata": [("x-trace-bin", "AAECAwQ")],
        "unknown metadata": [("x-unknown", "1"), ("user-agent", "otlptest")],
    }
    tries = [
        Exchange(what=what, answer=call(lab, _message(lab), fields=fields))
        for what, fields in odd.items()
    ]
    yield check_responses(lab, "OTLP-SRV-066", tries, is_ok, "gRPC status OK")
    oversized = [Exchange(what="64 KiB metadata", answer=call(lab, _message(lab), fields=large))]
    yield check_responses(lab, "OTLP-SRV-066", oversized, _is_any, "success or an error")


def _is_any(answer: Answer) -> bool:
    return answer.is_ok or answer.is_refused


@CASES.add(
    "grpc/timeout",
    "A call whose time is up",
    ("OTLP-GRPC-050",),
    protocols=("grpc",),
)
def _judge_timeout(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge a call whose deadline passes before its message is whole."""
    rule = "OTLP-GRPC-050"
    frame = encode_grpc_frame(_message(lab))
    with grpc_talk(lab) as talk:
        stream = talk.open(call_fields(lab, fields=[("grpc-timeout", "50m")]))
        talk.body(stream, frame[: len(frame) // 2], ends_stream=False)
        answer = talk.answer(stream, timeout_s=min(_EXPIRES_S, lab.timeout_s))
    seen = f"a call with grpc-timeout: 50m that stays unfinished came to {answer.told()}"
    ended = {GrpcCode.DEADLINE_EXCEEDED, GrpcCode.CANCELLED}
    fall = crash_result(lab, rule, seen)
    if fall is not None:
        yield fall
    elif answer.grpc_status in ended or (answer.grpc_status is None and answer.is_refused):
        yield passed(rule, seen)
    else:
        yield failed(rule, seen, expected="DEADLINE_EXCEEDED, CANCELLED or a reset")


@CASES.add(
    "grpc/services",
    "Health and reflection services",
    ("OTLP-SRV-067",),
    protocols=("grpc",),
)
def _judge_services(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-SRV-067"
    paths = {
        "health": "/grpc.health.v1.Health/Check",
        "reflection": "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    }
    answers = {name: call(lab, b"", path=path) for name, path in paths.items()}
    found = [
        name
        for name, answer in answers.items()
        if answer.grpc_status not in {None, GrpcCode.UNIMPLEMENTED}
    ]
    yield (passed if found else not_applicable)(rule, f"it has {' and '.join(found) or 'neither'}")


# Many at once.


@CASES.add(
    "grpc/many",
    "200 calls on one connection",
    ("OTLP-GRPC-041",),
    protocols=("grpc",),
)
def _judge_many(lab: ReceiverLab) -> Iterator[CheckResult]:
    tries: list[Exchange] = []
    with grpc_talk(lab) as talk:
        talk.settle()
        at_once = max(1, min(_PARALLEL, talk.max_streams))
        while len(tries) < _PARALLEL:
            streams = [
                talk.open(call_fields(lab)) for _ in range(min(at_once, _PARALLEL - len(tries)))
            ]
            frame = encode_grpc_frame(_message(lab))
            for stream in streams:
                talk.body(stream, frame)
            tries += [
                Exchange(what=f"a call of {at_once} at once", answer=talk.answer(stream))
                for stream in streams
            ]
            if not tries[-1].answer.is_ok:
                break
    yield check_responses(lab, "OTLP-GRPC-041", tries, is_ok, f"{_PARALLEL} x gRPC status OK")


@CASES.add(
    "grpc/signals",
    "All signals on one connection",
    ("OTLP-SRV-060",),
    protocols=("grpc",),
)
def _judge_signals_on_one(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-SRV-060"
    if len(lab.signals) == 1:
        yield inconclusive(rule, f"it takes {lab.signals[0]} only")
        return
    with grpc_talk(lab) as talk:
        tries = []
        for number in range(_INTERLEAVED):
            signal = lab.signals[number % len(lab.signals)]
            message = sample_request(signal, lab.marker())
            answer = call(lab, message, signal=signal, talk=talk)
            tries.append(Exchange(what=f"call {number} of {signal}", answer=answer))
    yield check_responses(lab, rule, tries, is_ok, "gRPC status OK")
