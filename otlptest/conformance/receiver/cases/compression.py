"""Compressed bodies: valid, odd and damaged ones, and codings that OTLP does not have."""

import gzip
import zlib
from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import HTTP_PROTOCOLS, ReceiverCases
from otlptest.conformance.receiver.cases.success import sample_body
from otlptest.conformance.receiver.exchange import (
    Answer,
    Exchange,
    answered,
    check_responses,
    is_decided,
    is_ok,
    post,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.stored import (
    judged_taken,
    unwanted_items,
    why_unread,
)
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending.raw.http1_client import Http1Answer
from otlptest.wire.transport.compression import compress

CASES: Final = ReceiverCases()


_GZIP: Final = (("Content-Encoding", "gzip"),)
_LEVELS: Final = range(10)
_EXTENSIONS: Final = ("deflate", "zstd")
_NO_GZIP: Final = "it takes no gzip body at all, not even a plain valid one"
_BROKEN_RULES: Final = ("OTLP-SRV-016", "OTLP-SRV-018", "OTLP-SRV-019", "OTLP-SRV-028")
_NAME, _EXTRA, _HEADER_CRC = 0x08, 0x04, 0x02


def _body(lab: ReceiverLab, marker: str = "") -> bytes:
    return sample_body(lab, lab.signals[0], marker or lab.marker())


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


# Broken streams.


@CASES.add(
    "compression/broken",
    "Bodies that are not what their Content-Encoding says",
    _BROKEN_RULES,
    protocols=HTTP_PROTOCOLS,
)
def _judge_broken(lab: ReceiverLab) -> Iterator[CheckResult]:
    whole = _packed(_body(lab))
    if not _takes_gzip(lab):
        yield from (inconclusive(rule, _NO_GZIP) for rule in _BROKEN_RULES)
        return
    cuts = (10, len(whole) // 2)
    tries = [
        Exchange(what=f"gzip cut after {cut} of {len(whole)} bytes", answer=_send(lab, whole[:cut]))
        for cut in cuts
    ]
    yield check_responses(lab, "OTLP-SRV-016", tries, answered(400), "HTTP 400")
    plain = [Exchange(what="a plain body called gzip", answer=_send(lab, _body(lab)))]
    yield check_responses(lab, "OTLP-SRV-018", plain, answered(400), "HTTP 400")
    unlabelled = [Exchange(what="a gzip body without Content-Encoding", answer=post(lab, whole))]
    yield check_responses(lab, "OTLP-SRV-019", unlabelled, answered(400), "HTTP 400")
    nothing = [Exchange(what="an empty body called gzip", answer=_send(lab, b""))]
    yield check_responses(lab, "OTLP-SRV-028", nothing, is_decided, "HTTP 400, or success")


def _takes_gzip(lab: ReceiverLab) -> bool:
    """Return whether it takes a plain valid gzip request; another case judges that it must."""
    return _send(lab, _packed(_body(lab))).is_ok


def _send(lab: ReceiverLab, body: bytes) -> Http1Answer:
    return post(lab, body, fields=_GZIP)


@CASES.add(
    "compression/trailer",
    "gzip with a wrong, short or missing trailer",
    ("OTLP-SRV-017",),
    protocols=("http/protobuf",),
)
def _judge_trailer(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge checksum and size at the end of a gzip stream: wrong, short, missing."""
    rule = "OTLP-SRV-017"
    if not _takes_gzip(lab):
        yield inconclusive(rule, _NO_GZIP)
        return
    markers = [lab.marker() for _ in range(4)]
    wholes = [_packed(_body(lab, marker)) for marker in markers]
    flipped = wholes[0][:-8] + bytes([wholes[0][-8] ^ 1]) + wholes[0][-7:]
    size = wholes[1][:-1] + bytes([wholes[1][-1] ^ 1])
    bodies = {
        "a checksum with a flipped bit": flipped,
        "a wrong size": size,
        "gzip without its last 4 bytes": wholes[2][:-4],
        "gzip without its last 8 bytes": wholes[3][:-8],
    }
    tries = [Exchange(what=what, answer=_send(lab, body)) for what, body in bodies.items()]
    found = check_responses(lab, rule, tries, answered(400), "HTTP 400")
    stored = unwanted_items(lab, lab.signals[0], *markers)
    if found.outcome != "passed":
        yield found
    elif stored is None:
        yield not_applicable(rule, f"{found.evidence}; that nothing was stored: {why_unread(lab)}")
    elif stored:
        yield failed(rule, f"{found.evidence}; and yet {len(stored)} items were stored")
    else:
        yield passed(rule, f"{found.evidence}; nothing was stored")


# Odd but valid streams.


@CASES.add(
    "compression/odd",
    "gzip at every level and with every header field",
    ("OTLP-SRV-021", "OTLP-SRV-029"),
    protocols=("http/protobuf",),
)
def _judge_odd(lab: ReceiverLab) -> Iterator[CheckResult]:
    body = _body(lab)
    if not _takes_gzip(lab):
        yield from (inconclusive(rule, _NO_GZIP) for rule in ("OTLP-SRV-021", "OTLP-SRV-029"))
        return
    tries = [
        Exchange(
            what=f"gzip at level {level}", answer=_send(lab, gzip.compress(body, level, mtime=0))
        )
        for level in _LEVELS
    ]
    tries += [
        Exchange(what=f"gzip with {what}", answer=_send(lab, _with_header(body, flags)))
        for what, flags in (
            ("a file name", _NAME),
            ("an extra field", _EXTRA),
            ("a checksum of its header", _HEADER_CRC),
            ("all three", _NAME | _EXTRA | _HEADER_CRC),
        )
    ]
    yield check_responses(lab, "OTLP-SRV-021", tries, is_ok, "HTTP 200")
    if lab.protocol == "http/protobuf":
        nothing = [Exchange(what="gzip of no bytes", answer=_send(lab, _packed(b"")))]
        yield check_responses(lab, "OTLP-SRV-029", nothing, is_ok, "HTTP 200")


def _with_header(body: bytes, flags: int) -> bytes:
    """Return gzip with optional header fields (RFC 1952 section 2.3)."""
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\x00" * 4 + b"\x00\xff"
    head += b"\x04\x00abcd" if flags & _EXTRA else b""
    head += b"spans.bin\x00" if flags & _NAME else b""
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") if flags & _HEADER_CRC else b""
    packer = zlib.compressobj(wbits=-15)
    data = packer.compress(body) + packer.flush()
    return head + data + zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")


@CASES.add(
    "compression/members",
    "gzip of several members",
    ("OTLP-SRV-020",),
    protocols=("http/protobuf",),
)
def _judge_members(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule, signal, marker = "OTLP-SRV-020", lab.signals[0], lab.marker()
    if not _takes_gzip(lab):
        yield inconclusive(rule, _NO_GZIP)
        return
    body = _body(lab, marker)
    half = len(body) // 2
    answer = _send(lab, _packed(body[:half]) + _packed(body[half:]))
    sent = Exchange(what="gzip of two members", answer=answer)
    yield judged_taken(lab, rule, signal, marker, sent, wanted="HTTP 200")


@CASES.add(
    "compression/json",
    "JSON in gzip",
    ("OTLP-JSON-046",),
    protocols=("http/json",),
)
def _judge_packed_json(lab: ReceiverLab) -> Iterator[CheckResult]:
    tries = (
        Exchange(
            what=f"gzip JSON ({signal})",
            answer=post(
                lab, _packed(sample_body(lab, signal, lab.marker())), signal=signal, fields=_GZIP
            ),
        )
        for signal in lab.signals
    )
    yield check_responses(lab, "OTLP-JSON-046", tries, is_ok, "HTTP 200")


# Codings.


@CASES.add(
    "compression/codings",
    "Other codings, and other spellings of gzip",
    (
        "OTLP-SRV-022",
        "OTLP-SRV-023",
        "OTLP-SRV-024",
        "OTLP-SRV-025",
        "OTLP-SRV-026",
    ),
    protocols=("http/protobuf",),
)
def _judge_codings(lab: ReceiverLab) -> Iterator[CheckResult]:
    body = _body(lab)
    packed = _packed(body)
    unknown = (_coded(lab, body, name) for name in ("x-nope", "gzipp"))
    yield check_responses(lab, "OTLP-SRV-022", unknown, answered(415, 400), "HTTP 415, or 400")
    yield _judged_identity(lab, _coded(lab, body, "identity"))
    spelt = (_coded(lab, packed, name) for name in ("GZIP", "x-gzip"))
    yield check_responses(lab, "OTLP-SRV-024", spelt, answered(200, 415, 400), "HTTP 200, or 415")
    twice = [_coded(lab, _packed(packed), "gzip, gzip")]
    yield check_responses(lab, "OTLP-SRV-025", twice, is_decided, "HTTP 200, or a 4xx")
    extensions = [_coded(lab, compress(name, body), name) for name in _EXTENSIONS]
    taken = [name for name, each in zip(_EXTENSIONS, extensions, strict=True) if each.answer.is_ok]
    refused = [each.answer.told() for each in extensions if not each.answer.is_ok]
    if taken:
        yield passed("OTLP-SRV-026", f"it takes {' and '.join(taken)}")
    else:
        yield not_applicable("OTLP-SRV-026", f"neither of {', '.join(_EXTENSIONS)}: {refused[0]}")


def _judged_identity(lab: ReceiverLab, sent: Exchange) -> CheckResult:
    """Pass a refusal too: a receiver may refuse what a sender should not write."""
    rule = "OTLP-SRV-023"
    if sent.answer.is_refused:
        reason = "a sender SHOULD NOT write identity (RFC 9110, 8.4.1)"
        return not_applicable(rule, f"{sent.what}: {sent.answer.told()}; it may: {reason}")
    return check_responses(lab, rule, [sent], is_ok, "HTTP 200")


def _coded(lab: ReceiverLab, body: bytes, name: str) -> Exchange:
    answer = post(lab, body, fields=[("Content-Encoding", name)])
    return Exchange(what=f"Content-Encoding: {name}", answer=answer)


# Answers.


@CASES.add(
    "compression/answers",
    "Compressed answers only to who asks for them",
    ("OTLP-HTTP-017",),
    protocols=("http/protobuf",),
)
def _judge_answers(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge that answers are gzip only if the client asked for it, and then labelled."""
    rule = "OTLP-HTTP-017"
    body, bad = _body(lab), b"\xff\xff\xff"
    plain = [post(lab, each) for each in (body, bad)]
    asked = [post(lab, each, fields=[("Accept-Encoding", "gzip")]) for each in (body, bad)]
    problem = next(filter(None, map(_unasked, plain)), "") or next(
        filter(None, map(_mislabelled, asked)), ""
    )
    if problem:
        yield failed(rule, problem)
    elif any(_is_gzip(answer) for answer in asked):
        yield passed(rule, "answers are gzip where Accept-Encoding allows it, and labelled")
    elif not all(answer.is_whole for answer in (*plain, *asked)):
        yield inconclusive(rule, "not every request was answered")
    else:
        yield not_applicable(rule, "answers are never compressed")


def _unasked(answer: Http1Answer) -> str:
    if answer.field("content-encoding") in {None, "", "identity"} and not _is_gzip(answer):
        return ""
    return f"compressed without Accept-Encoding: {answer.told()}"


def _mislabelled(answer: Http1Answer) -> str:
    label = (answer.field("content-encoding") or "identity").lower()
    if not answer.body or (label == "gzip") == _is_gzip(answer):
        return ""
    return f"Content-Encoding is {label}, and the body is not: {answer.told()}"


def _is_gzip(answer: Answer) -> bool:
    return answer.body.startswith(b"\x1f\x8b")
