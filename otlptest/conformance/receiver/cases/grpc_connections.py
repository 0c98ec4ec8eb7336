"""HTTP/2 connections that are abused: wrong protocols, wrong frames, floods."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.contrasts import contrasted
from otlptest.conformance.receiver.exchange import (
    call,
    call_fields,
    crash_result,
    grpc_talk,
    plain_answer,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import sample_request
from otlptest.results import CheckResult, failed, not_applicable, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import request_bytes
from otlptest.sending.raw.http2_client import RawHttp2Client
from otlptest.sending.raw.raw_socket import RawSocket, end_words
from otlptest.timing import Deadline
from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_headers import encode_fields

CASES: Final = ReceiverCases()


_QUICKLY_S: Final = 5.0
_SOON_S: Final = 2.0
_LONGER: Final = 3
_HTTP1_ERROR: Final = re.compile(rb"HTTP/1\.[01] [45]")
_RESETS: Final = 10_000
_RESETS_EACH: Final = 100
_PINGS: Final = 3000
_CONTINUATIONS: Final = 4096
_PIECE: Final = b"\x00\x01a\x01b" * 800  # literal fields, 4,000 bytes a frame
# The beginning of a TLS connection; enough for a plaintext server.
_TLS_HELLO: Final = bytes.fromhex("16030100c8010000c40303") + b"\x55" * 194


# Something else than HTTP/2.


@CASES.add(
    "grpc_connections/other_protocols",
    "Something else than HTTP/2",
    ("OTLP-SRV-063",),
    protocols=("grpc",),
)
def _judge_other_protocols(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge that other protocols are closed quickly, or refused in HTTP/1.1."""
    rule = "OTLP-SRV-063"
    said = {
        "bytes that are no preface": b"GARBAGE GARBAGE GARBAGE GARBAGE\r\n\r\n" * 4,
        "HTTP/1.1": request_bytes("GET", "/", [("Host", lab.endpoint.authority)], b"") * 4,
    }
    if not lab.endpoint.is_tls:
        said["a TLS greeting"] = _TLS_HELLO
    seen = {what: _reaction(lab, data) for what, data in said.items()}
    told = "; ".join(f"{what}: {text}" for what, (text, _) in seen.items())
    fall = crash_result(lab, rule, told)
    if fall is not None:
        yield fall
    elif all(is_quick for _, is_quick in seen.values()):
        yield passed(rule, told)
    else:
        yield failed(rule, told, expected=f"closed within {_QUICKLY_S:g} s")


def _reaction(lab: ReceiverLab, data: bytes) -> tuple[str, bool]:
    """Return the reaction to another protocol, and whether it was quick."""
    deadline = Deadline(min(_QUICKLY_S, lab.timeout_s))
    with RawSocket(lab.connect(), lab.timeout_s) as wire:
        wire.say(data)
        answer = b""
        while piece := wire.receive(deadline):
            answer += piece
            if _HTTP1_ERROR.match(answer):
                return f"answered {answer[:12].decode()}", True
    return f"{end_words(wire.end)} after {deadline.elapsed_s():.1f} s", wire.end != "silent"


# Wrong frames.

_Abuse = Callable[[ReceiverLab, RawHttp2Client], None]


def _open_oddly(
    lab: ReceiverLab, talk: RawHttp2Client, stream_id: int, *, block: bytes = b""
) -> None:
    sent = block or encode_fields(call_fields(lab))
    talk.say(frames.header_frames(stream_id, sent, ends_stream=True))


def _say(data: bytes) -> _Abuse:
    return lambda _, talk: _said(talk, data)


def _said(talk: RawHttp2Client, data: bytes) -> None:
    talk.say(data)


def _flood_continuations(lab: ReceiverLab, talk: RawHttp2Client) -> None:
    """Send a header block that does not end, 16 MiB of it."""
    block = encode_fields(call_fields(lab))
    talk.say(frames.frame(frames.HEADERS, 0, 1, block))
    piece = frames.frame(frames.CONTINUATION, 0, 1, _PIECE)
    for _ in range(_CONTINUATIONS // 16):
        if not talk.say(piece * 16) or talk.wait_for_goaway(0.0):
            return


_ABUSES: Final[dict[str, _Abuse]] = {
    "DATA on a stream that is not open": _say(frames.data_frame(1, b"abc", ends_stream=False)),
    "a frame of 1 MiB": _say(frames.frame(frames.DATA, 0, 1, b"x" * (1 << 20))),
    "a header block that is not valid HPACK": lambda lab, talk: _open_oddly(
        lab, talk, 1, block=b"\xff\xff\xff\xff\xff\xff"
    ),
    "a stream with an even number": lambda lab, talk: _open_oddly(lab, talk, 2),
    "a window update by 0": _say(frames.window_update(0, 0)),
    "a window above 2^31 - 1": _say(frames.window_update(0, frames.MAX_WINDOW)),
    "SETTINGS of 5 bytes": _say(frames.frame(frames.SETTINGS, 0, 0, b"abcde")),
    "a PING of 3 bytes": _say(frames.frame(frames.PING, 0, 0, b"abc")),
    "CONTINUATION without HEADERS": _say(frames.frame(frames.CONTINUATION, 4, 1, b"")),
    "a header block that does not end": _flood_continuations,
}


@CASES.add(
    "grpc_connections/wrong_frames",
    "Frames that HTTP/2 forbids",
    ("OTLP-SRV-064",),
    protocols=("grpc",),
    exclusive=("receiver",),
)
def _judge_wrong_frames(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-SRV-064"
    wrong: list[str] = []
    seen: list[str] = []
    for what, abuse in _ABUSES.items():
        has_ended, ending = _abused(lab, abuse, _SOON_S)
        if not has_ended:  # a busy machine may need longer
            has_ended, ending = _abused(lab, abuse, _LONGER * _SOON_S)
        told = f"{what}: {ending}"
        (seen if has_ended else wrong).append(told)
        fall = crash_result(lab, rule, told)
        if fall is not None:
            yield fall
            return
    if wrong:
        yield failed(rule, f"{'; '.join(wrong)}", expected="a connection error")
    else:
        yield passed(rule, "; ".join(seen))


def _abused(lab: ReceiverLab, abuse: _Abuse, waited_s: float) -> tuple[bool, str]:
    """Return whether a connection that is abused ends in time, and how."""
    with grpc_talk(lab) as talk:
        talk.settle()
        abuse(lab, talk)
        has_ended = talk.wait_for_goaway(min(waited_s, lab.timeout_s))
    return has_ended, _ending(talk)


def _ending(talk: RawHttp2Client) -> str:
    if talk.goaway is not None:
        return f"GOAWAY {talk.goaway}"
    return end_words(talk.end)


# Floods.


@CASES.add(
    "grpc_connections/pings",
    "A PING, and thousands",
    ("OTLP-SRV-061",),
    protocols=("grpc",),
    flood=1,
    exclusive=("receiver",),
)
def _judge_pings(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-SRV-061"
    with grpc_talk(lab) as talk:
        first = call(lab, sample_request(lab.signals[0], lab.marker()), talk=talk)
        is_answered = talk.ping(b"otlptest", timeout_s=lab.timeout_s)
    with grpc_talk(lab) as talk:
        talk.settle()
        for number in range(_PINGS):
            talk.say(frames.frame(frames.PING, 0, 0, number.to_bytes(8, "big")))
            if number % 100 == 0 and talk.wait_for_goaway(0.0):
                break
        talk.wait_for_goaway(0.5)
    seen = f"a PING was {'answered' if is_answered else 'not answered'}; {_PINGS} PINGs: "
    seen += _ending(talk) if talk.goaway is not None or talk.end != "silent" else "tolerated"
    fall = crash_result(lab, rule, seen)
    if fall is not None:
        yield fall
    elif first.is_ok and not is_answered:
        yield failed(rule, seen, expected="an answer to a PING")
    else:
        yield passed(rule, seen)


@CASES.add(
    "grpc_connections/resets",
    "10,000 streams opened and reset at once",
    ("OTLP-SRV-062",),
    protocols=("grpc",),
    flood=1,
    expected_s=2.0,
    exclusive=("receiver",),
)
def _judge_resets(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge a call that is cut within its message, then streams reset at once (CVE-2023-44487)."""
    rule = "OTLP-SRV-062"
    # Before the flood, which may keep it busy for a while.
    cancelled = _after_a_cancel(lab)
    block = encode_fields(call_fields(lab))
    done = connections = 0
    while done < _RESETS and connections < _RESETS // _RESETS_EACH:
        connections += 1
        with grpc_talk(lab) as talk:
            talk.settle()
            while done < _RESETS and not talk.wait_for_goaway(0.0):
                ids = [talk.reserve() for _ in range(_RESETS_EACH)]
                pairs = (
                    frames.header_frames(each, block, ends_stream=False) + frames.reset(each, 8)
                    for each in ids
                )
                done += _RESETS_EACH
                if not talk.say(b"".join(pairs)):
                    break
    seen = f"{done} streams were opened and reset on {connections} connections"
    fall = crash_result(lab, rule, seen)
    if fall is not None:
        yield fall
    elif not cancelled.is_ok:
        wrong = f"after a call that was cancelled, another came to {cancelled.told()}"
        yield contrasted(
            failed(rule, wrong), lambda: plain_answer(lab, lab.signals[0]), "a plain call"
        )
    else:
        yield passed(rule, f"after a call that was cancelled, another is taken; {seen}; it goes on")


def _after_a_cancel(lab: ReceiverLab) -> GrpcAnswer:
    """Return the answer to a call on a connection where one was cancelled within its message."""
    with grpc_talk(lab) as talk:
        stream = talk.open(call_fields(lab))
        talk.body(stream, b"\x00\x00\x00\x10\x00abc", ends_stream=False)
        talk.say(frames.reset(stream, 8))
        return call(lab, sample_request(lab.signals[0], lab.marker()), talk=talk)


@CASES.add(
    "grpc_connections/on_http_port",
    "HTTP/2 on the HTTP port",
    ("OTLP-SRV-047",),
    protocols=("http/protobuf",),
)
def _judge_cleartext(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge HTTP/2 on the HTTP port, with prior knowledge or by ALPN."""
    rule = "OTLP-SRV-047"
    if lab.http is None:
        yield not_applicable(rule, "no HTTP endpoint was given")
        return
    with RawHttp2Client(lab.connect(lab.http, alpn="h2"), lab.timeout_s) as talk:
        speaks = talk.settle(timeout_s=min(_QUICKLY_S, lab.timeout_s)) and not talk.problem
    how = "by ALPN" if lab.http.is_tls else "in clear text, with prior knowledge"
    fall = crash_result(lab, rule, "the last was an HTTP/2 preface on the HTTP port")
    if fall is not None:
        yield fall
    elif speaks:
        yield passed(rule, f"the HTTP port speaks HTTP/2 {how}")
    else:
        yield not_applicable(
            rule, f"the HTTP port speaks no HTTP/2 {how}: {talk.problem}".rstrip(": ")
        )
