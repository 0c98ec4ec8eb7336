"""HTTP/1.1 on the wire: chunks, Expect, pipelines, wrong lengths, order on connections."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.cases.success import sample_body
from otlptest.conformance.receiver.exchange import (
    Answer,
    Exchange,
    answered,
    check_responses,
    crash_result,
    http_fields,
    http_talk,
    is_ok,
    is_refused,
    post,
    target_of,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.stored import unwanted_items, why_unread
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending.raw.http1_client import (
    Http1Answer,
    RawHttp1Client,
    request_bytes,
    request_head,
)

CASES: Final = ReceiverCases()


_MANY: Final = 100
_PIPELINED: Final = 5
_WAITED_FOR_CONTINUE_S: Final = 2.0
_LONGER: Final = 3
_ABORTS: Final = 1000
_CLOSES_S: Final = 1.0
# RFC 9112, 6.1: it may take such a request by its chunks, and then has to close.
_STAYED_OPEN: Final = "the connection stayed open"


def _body(lab: ReceiverLab) -> bytes:
    return sample_body(lab, lab.signals[0], lab.marker())


def _request(lab: ReceiverLab, body: bytes, *more: tuple[str, str]) -> bytes:
    return request_bytes("POST", target_of(lab), http_fields(lab, fields=more), body)


def _raw(lab: ReceiverLab, data: bytes, *, timeout_s: float | None = None) -> Http1Answer:
    """Return the answer to bytes on a connection of their own."""
    with http_talk(lab, timeout_s=timeout_s) as talk:
        talk.say(data)
        return talk.answer()


def _chunked(body: bytes, *, size: int = 16, trailers: bytes = b"") -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    parts = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return b"".join(parts) + b"0\r\n" + trailers + b"\r\n"


def _chunked_request(lab: ReceiverLab, data: bytes, *more: tuple[str, str]) -> bytes:
    """Return a request whose `data` is already chunked."""
    fields = http_fields(lab, fields=[("Transfer-Encoding", "chunked"), *more])
    return request_head("POST", target_of(lab), fields) + data


# Bodies.


@CASES.add(
    "framing/chunked",
    "Chunked bodies, trailers and unknown headers",
    ("OTLP-HTTP-044", "OTLP-SRV-059"),
    protocols=("http/protobuf",),
)
def _judge_chunked(lab: ReceiverLab) -> Iterator[CheckResult]:
    body = _body(lab)
    packed = _chunked(gzip.compress(body, mtime=0))
    in_gzip = _chunked_request(lab, packed, ("Content-Encoding", "gzip"))
    with_trailers = _chunked(body, trailers=b"X-Trailer: 1\r\n")
    tries = [
        Exchange(what="a chunked body", answer=_raw(lab, _chunked_request(lab, _chunked(body)))),
        Exchange(what="a chunked gzip body", answer=_raw(lab, in_gzip)),
    ]
    yield check_responses(lab, "OTLP-HTTP-044", tries, is_ok, "HTTP 200")
    ignored = [
        Exchange(what="trailers", answer=_raw(lab, _chunked_request(lab, with_trailers))),
        Exchange(what="unknown headers", answer=post(lab, body, fields=[("X-Unknown", "1")])),
    ]
    yield check_responses(lab, "OTLP-SRV-059", ignored, is_ok, "HTTP 200")


@CASES.add(
    "framing/expect",
    "Expect: 100-continue",
    ("OTLP-HTTP-045",),
    protocols=("http/protobuf",),
)
def _judge_expect(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-HTTP-045"
    interim, answer = _expecting(lab, _WAITED_FOR_CONTINUE_S)
    if answer.is_ok and interim is None:  # a busy machine may need longer
        interim, answer = _expecting(lab, _LONGER * _WAITED_FOR_CONTINUE_S)
    what = f"Expect: 100-continue, interim answer {interim}"
    found = check_responses(lab, rule, [Exchange(what=what, answer=answer)], is_ok, "100, then 200")
    if found.outcome == "passed" and interim is None:
        yield failed(
            rule, f"none came for a while: {found.evidence}", expected="100 before the body"
        )
    else:
        yield found


def _expecting(lab: ReceiverLab, waited_s: float) -> tuple[int | None, Http1Answer]:
    """Return the interim and the final answer to a request that waits a while before its body."""
    body = _body(lab)
    fields = http_fields(
        lab, fields=[("Expect", "100-continue"), ("Content-Length", str(len(body)))]
    )
    with http_talk(lab) as talk:
        talk.say(request_head("POST", target_of(lab), fields))
        interim = talk.interim(timeout_s=min(waited_s, lab.timeout_s))
        talk.say(body)
        return interim, talk.answer()


# Connections.


@CASES.add(
    "framing/kept_alive",
    "100 requests on one connection",
    ("OTLP-SRV-043",),
    protocols=("http/protobuf",),
)
def _judge_kept_alive(lab: ReceiverLab) -> Iterator[CheckResult]:
    with http_talk(lab) as talk:
        tries = list(_on_one(lab, talk, _MANY))
    yield check_responses(
        lab, "OTLP-SRV-043", tries, _keeps_alive, f"{_MANY} x HTTP 200, kept alive"
    )


def _on_one(lab: ReceiverLab, talk: RawHttp1Client, count: int) -> Iterator[Exchange]:
    for number in range(count):
        talk.say(_request(lab, _body(lab)))
        answer = talk.answer()
        # The last one may end it: many servers bound how many a connection may carry.
        yield Exchange(what=f"request {number + 1} of {count} on one connection", answer=answer)
        if not answer.is_whole:
            return


def _keeps_alive(answer: Answer) -> bool:
    return isinstance(answer, Http1Answer) and answer.is_ok


@CASES.add(
    "framing/in_step",
    "Good requests after bad ones on one connection",
    ("OTLP-SRV-044",),
    protocols=("http/protobuf",),
)
def _judge_in_step(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge bad, good, bad, good on one connection: the answers fit, or it is closed."""
    rule = "OTLP-SRV-044"
    plans = {
        "a malformed body": _request(lab, b"\xff\xff\xff"),
        "an unknown path": request_bytes(
            "POST", f"{target_of(lab)}/no", http_fields(lab), b"x" * 5000
        ),
        "another content type": request_bytes(
            "POST", target_of(lab), http_fields(lab, "text/plain"), b"x" * 300_000
        ),
    }
    wrong: list[str] = []
    for what, bad in plans.items():
        with http_talk(lab) as talk:
            wrong += _steps(lab, talk, what, bad)
    fall = crash_result(lab, rule, f"after {', '.join(plans)}")
    if fall is not None:
        yield fall
    elif wrong:
        yield failed(rule, "\n".join(wrong))
    else:
        seen = f"{', '.join(plans)}: a good request after it got its answer, or a close"
        yield passed(rule, seen)


def _steps(lab: ReceiverLab, talk: RawHttp1Client, what: str, bad: bytes) -> Iterator[str]:
    for _ in range(2):
        talk.say(bad)
        refused = talk.answer()
        if refused.closes or talk.end == "reset":
            return  # allowed: after an error it may hang up
        if not refused.is_whole:
            yield f"{what} was answered {refused.told()}"
            return
        talk.say(_request(lab, _body(lab)))
        answer = talk.answer()
        if answer.status is None and answer.end in {"closed", "reset"}:
            yield f"after {what} the connection was closed without saying so"
            return
        if not answer.is_ok:
            yield f"after {what} a valid request was answered {answer.told()}"
            return


@CASES.add(
    "framing/pipelined",
    "Requests back to back",
    ("OTLP-SRV-045",),
    protocols=("http/protobuf",),
)
def _judge_pipelined(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge good and bad requests back to back: the answers come in their order."""
    rule = "OTLP-SRV-045"
    with http_talk(lab) as talk:
        good, wrong_path = _request(lab, _body(lab)), f"{target_of(lab)}/no"
        unknown = request_bytes("POST", wrong_path, http_fields(lab), b"")
        order = [good, good, unknown, good, good]
        talk.say(b"".join(order))
        answers = []
        for _ in order:
            answers.append(talk.answer())
            if answers[-1].closes or not answers[-1].is_whole:
                break
    told = [answer.status for answer in answers]
    seen = f"{_PIPELINED} pipelined requests, the third to an unknown path, were answered {told}"
    if answers[-1].is_hang:
        yield failed(rule, seen, harm="hang")
    elif _is_in_order(answers):
        yield passed(rule, seen)
    elif all(answer.is_ok for answer in answers) and _says_close(answers[-1]):
        yield inconclusive(rule, f"{seen}: it said that it closes the connection then")
    else:
        yield failed(rule, seen, expected="200, 200, an error, 200, 200")


def _says_close(answer: Http1Answer) -> bool:
    return "close" in (answer.field("connection") or "").lower()


def _is_in_order(answers: Sequence[Http1Answer]) -> bool:
    """Return whether success and error come in order; after the error it may hang up."""
    expected = [True, True, False, True, True]
    error = expected.index(False)
    have = [answer.is_ok for answer in answers if answer.status is not None]
    is_all = len(have) == len(expected) or (len(have) > error and answers[-1].closes)
    return is_all and have == expected[: len(have)]


@CASES.add(
    "framing/versions",
    "HTTP/1.0, and HTTP/1.1 without Host",
    ("OTLP-SRV-048", "OTLP-SRV-058"),
    protocols=("http/protobuf",),
)
def _judge_versions(lab: ReceiverLab) -> Iterator[CheckResult]:
    body = _body(lab)
    old = _request(lab, body).replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)
    answer = _raw(lab, old)
    say = passed if answer.is_ok else not_applicable
    yield say("OTLP-SRV-048", f"an HTTP/1.0 request was answered {answer.told()}")
    fields = [each for each in http_fields(lab) if each[0] != "Host"]
    hostless = _raw(lab, request_bytes("POST", target_of(lab), fields, body))
    none = [Exchange(what="no Host", answer=hostless)]
    yield check_responses(lab, "OTLP-SRV-058", none, answered(400), "HTTP 400")


@CASES.add(
    "framing/half_closed",
    "A client that has closed its side",
    ("OTLP-SRV-055",),
    protocols=("http/protobuf",),
)
def _judge_half_closed(lab: ReceiverLab) -> Iterator[CheckResult]:
    with http_talk(lab) as talk:
        talk.say(_request(lab, _body(lab)))
        talk.shutdown_write()
        tries = [Exchange(what="a request, then half a close", answer=talk.answer())]
    yield check_responses(lab, "OTLP-SRV-055", tries, is_ok, "HTTP 200")


# Wrong lengths.


@CASES.add(
    "framing/smuggling",
    "Lengths and chunks that lie",
    ("OTLP-SRV-049", "OTLP-SRV-051"),
    protocols=("http/protobuf",),
)
def _judge_smuggling(lab: ReceiverLab) -> Iterator[CheckResult]:
    body = _body(lab)
    chunks = _chunked(body)
    bad = {
        "a chunk size that is not a number": b"zz\r\nabc\r\n0\r\n\r\n",
        "a negative chunk size": b"-1\r\nabc\r\n0\r\n\r\n",
        "a chunk longer than it says": b"2\r\nabcdef\r\n0\r\n\r\n",
    }
    tries = (
        Exchange(what=what, answer=_to_its_end(lab, _chunked_request(lab, data)))
        for what, data in bad.items()
    )
    yield check_responses(
        lab, "OTLP-SRV-049", tries, _is_refused_and_closed, "HTTP 400 and a close"
    )
    length = ("Content-Length", str(len(chunks)))
    both = _to_its_end(lab, _chunked_request(lab, chunks, length))
    tries_of_both = [Exchange(what="Content-Length with Transfer-Encoding", answer=both)]
    found = check_responses(
        lab, "OTLP-SRV-049", tries_of_both, _is_closed, "a close after the answer"
    )
    stays = found.outcome == "failed" and both.is_whole
    yield failed(found.rule, f"{found.evidence}; {_STAYED_OPEN}") if stays else found
    head = http_fields(lab)
    lengths = {
        "Content-Length: abc": [("Content-Length", "abc")],
        "Content-Length: -5": [("Content-Length", "-5")],
        "Content-Length: +5": [("Content-Length", "+5")],
        "two different Content-Lengths": [("Content-Length", "5"), ("Content-Length", "6")],
    }
    others = (
        Exchange(
            what=what,
            answer=_raw(lab, request_head("POST", target_of(lab), [*head, *more]) + b"abcde"),
        )
        for what, more in lengths.items()
    )
    yield check_responses(lab, "OTLP-SRV-051", others, _is_refused_or_closed, "HTTP 400")


def _to_its_end(lab: ReceiverLab, data: bytes) -> Http1Answer:
    """Return the answer to bytes, and whether the connection was closed soon after it."""
    with http_talk(lab) as talk:
        talk.say(data)
        answer = talk.answer()
        if answer.is_whole and not answer.closes:
            talk.wait_for_end(min(_CLOSES_S, lab.timeout_s))
        return replace(answer, end=talk.end if answer.is_whole else answer.end)


def _is_closed(answer: Answer) -> bool:
    """Return whether it is closed: then no length can be misused to smuggle (RFC 9112, 6.3)."""
    return isinstance(answer, Http1Answer) and answer.closes


def _is_refused_and_closed(answer: Answer) -> bool:
    """Return whether it was refused with a close, or cut: then nothing can be smuggled."""
    if not isinstance(answer, Http1Answer):
        return False
    return answer.closes and (answer.is_refused or answer.status is None)


def _is_refused_or_closed(answer: Answer) -> bool:
    return is_refused(answer) or (
        isinstance(answer, Http1Answer) and answer.status is None and answer.closes
    )


@CASES.add(
    "framing/aborted",
    "1,000 requests that are broken off",
    ("OTLP-SRV-050",),
    protocols=("http/protobuf",),
    flood=1,
    expected_s=2.0,
    exclusive=("receiver",),
)
def _judge_aborted(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge clients that announce more than they send, and leave; again and again."""
    rule = "OTLP-SRV-050"
    signal, marker = lab.signals[0], lab.marker()
    body = sample_body(lab, signal, marker)
    fields = http_fields(lab, fields=[("Content-Length", str(len(body) + 100))])
    request = request_head("POST", target_of(lab, signal), fields) + body
    for _ in range(_ABORTS):
        with http_talk(lab) as talk:
            talk.say(request)
    seen = f"{_ABORTS} requests were broken off"
    fall = crash_result(lab, rule, seen)
    if fall is not None:
        yield fall
        return
    stored = unwanted_items(lab, signal, marker)
    if stored is None:
        yield not_applicable(
            rule, f"{seen}, and it goes on; that nothing was stored: {why_unread(lab)}"
        )
    elif stored:
        yield failed(rule, f"{seen}, and {len(stored)} of their items were stored")
    else:
        yield passed(rule, f"{seen}, it goes on, and none of their items was stored")
