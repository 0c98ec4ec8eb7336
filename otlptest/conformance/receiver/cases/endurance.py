"""Clients that are many, slow, silent or do not read: they must not affect others."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

from otlptest.conformance.case import ReceiverCase, ReceiverCases
from otlptest.conformance.receiver.cases.success import sample_body
from otlptest.conformance.receiver.exchange import (
    FLOOD_PATIENCE_S,
    Exchange,
    check_responses,
    crash_result,
    http_fields,
    http_talk,
    is_ok,
    post,
    stop_at_timeout,
    target_of,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.sending.raw.http1_client import (
    Http1Answer,
    RawHttp1Client,
    request_bytes,
    request_head,
)
from otlptest.timing import Deadline

CASES: Final = ReceiverCases()


_PARALLEL: Final = 100
_SLOW: Final = 200
_DEAF: Final = 20
_DEAF_REQUESTS: Final = 2000
_PROMPT_S: Final = 2.0
_LOOKS: Final = 3
_BURST: Final = 50
_BURST_EACH: Final = 20
_OVERLOADED: Final = frozenset({429, 503})
_IDLE_S: Final = 30.0
_DROP_EVERY_S: Final = 1.0


def _request(lab: ReceiverLab, signal: Signal | None = None) -> bytes:
    chosen = signal or lab.signals[0]
    body = sample_body(lab, chosen, lab.marker())
    return request_bytes("POST", target_of(lab, chosen), http_fields(lab), body)


def _others_served(lab: ReceiverLab, rule: str, meanwhile: str) -> CheckResult:
    """Judge whether others are served promptly meanwhile, by the best of some requests."""
    times: list[float] = []
    for _ in range(_LOOKS):
        took = Deadline(lab.timeout_s)
        condition = lab.condition()
        if condition.health == "busy":
            return inconclusive(rule, f"with {meanwhile} {condition}")
        if not condition.is_well:
            return failed(rule, f"with {meanwhile} {condition}", harm=condition.harm)
        times.append(took.elapsed_s())
        if times[-1] <= _PROMPT_S:
            break
    text = f"with {meanwhile} a valid request took {min(times):.2f} s"
    if min(times) > _PROMPT_S:
        return failed(rule, text, expected=f"within {_PROMPT_S:g} s")
    return passed(rule, text)


# Many.


@CASES.add(
    "endurance/parallel",
    "100 connections at once",
    ("OTLP-SRV-046",),
    protocols=("http/protobuf",),
    flood=1,
    exclusive=("receiver",),
)
def _judge_parallel(lab: ReceiverLab) -> Iterator[CheckResult]:
    with ExitStack() as stack:
        talks = [stack.enter_context(http_talk(lab)) for _ in range(_PARALLEL)]
        for talk in talks:
            talk.say(_request(lab))
        tries = stop_at_timeout(
            Exchange(what=f"connection {number} of {_PARALLEL}", answer=talk.answer())
            for number, talk in enumerate(talks, 1)
        )
    yield check_responses(lab, "OTLP-SRV-046", tries, is_ok, "HTTP 200 on each connection")


@CASES.add(
    "endurance/overload",
    "A burst, and what comes after",
    ("OTLP-SRV-084",),
    protocols=("http/protobuf",),
    flood=1,
    expected_s=2.0,
    exclusive=("receiver",),
)
def _judge_overload(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge a burst: refused clients get an answer, and afterwards all is well."""
    rule = "OTLP-SRV-084"
    with ThreadPoolExecutor(_BURST) as pool:
        found = [each for some in pool.map(_burst, [lab] * _BURST) for each in some]
    counts = Counter(answer.status for answer in found)
    statuses = set(counts)
    told = ", ".join(
        f"{count} {f'HTTP {status}' if status else 'no answer'}"
        for status, count in sorted(counts.items(), key=lambda each: each[0] or 0)
    )
    seen = f"{len(found)} requests on {_BURST} connections at once came to: {told}"
    fall = crash_result(lab, rule, seen, patience_s=FLOOD_PATIENCE_S)
    if fall is not None:
        yield fall
    elif any(answer.is_hang for answer in found):
        yield failed(rule, seen, expected="an answer to each", harm="hang")
    elif statuses - _OVERLOADED - {200}:
        yield failed(rule, seen, expected="200, or 429 or 503 for the overload")
    elif statuses & _OVERLOADED:
        yield passed(rule, f"{seen}; afterwards all is well")
    else:
        yield inconclusive(rule, f"{seen}: that was no overload")


def _burst(lab: ReceiverLab) -> Sequence[Http1Answer]:
    answers: list[Http1Answer] = []
    with http_talk(lab) as talk:
        for _ in range(_BURST_EACH):
            talk.say(_request(lab))
            answers.append(talk.answer())
            if answers[-1].closes or not answers[-1].is_whole:
                break
    return answers


@CASES.add(
    "endurance/apart",
    "Bad requests of one signal beside good ones of another",
    ("OTLP-SRV-088",),
    protocols=("http/protobuf",),
)
def _judge_apart(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge bad requests of one signal alongside good ones of another."""
    rule = "OTLP-SRV-088"
    bad, good = lab.signals[0], lab.signals[-1]
    stop = threading.Event()

    def flood() -> int:
        sent = 0
        while not stop.is_set():
            post(lab, b"\xff\xff\xff", signal=bad)
            sent += 1
        return sent

    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(flood)
        try:
            tries = stop_at_timeout(
                Exchange(
                    what=f"{good} beside malformed {bad}",
                    answer=post(lab, sample_body(lab, good, lab.marker()), signal=good),
                )
                for _ in range(20)
            )
        finally:
            stop.set()
        sent = flooding.result()
    found = check_responses(lab, rule, tries, is_ok, "HTTP 200")
    yield found if sent else inconclusive(rule, "no bad request got through meanwhile")


# Slow, silent, deaf.


def judge_patience(idle_s: float) -> Callable[[ReceiverLab], Iterator[CheckResult]]:
    """Return the case about slow and idle connections, which watches them for some seconds."""

    def judge(lab: ReceiverLab) -> Iterator[CheckResult]:
        watched = Deadline(idle_s)
        with ExitStack() as stack:
            idle = stack.enter_context(http_talk(lab))
            idle.say(_request(lab))
            first = idle.answer()
            slow = [stack.enter_context(http_talk(lab)) for _ in range(_SLOW)]
            body = sample_body(lab, lab.signals[0], lab.marker())
            rests = _begin_slowly(lab, slow, body)
            served = _others_served(lab, "OTLP-SRV-053", f"{_SLOW} slow connections")
            yield _slow(served, _drip(slow, rests, watched), idle_s)
            yield _idle(lab, idle, first, watched.elapsed_s())

    return judge


_PARTS: Final = ("body", "head")


def _slow(served: CheckResult, cut: dict[str, float], watched_s: float) -> CheckResult:
    if served.outcome != "passed":
        return served
    told = "; ".join(
        f"the first that was slow in its {part} was cut off after {cut[part]:.0f} s"
        if part in cut
        else f"none that was slow in its {part} was cut off within {watched_s:g} s, it may be later"
        for part in _PARTS
    )
    say = passed if len(cut) == len(_PARTS) else inconclusive
    return say(served.rule, f"{served.evidence}; {told}")


def _begin_slowly(
    lab: ReceiverLab, slow: Sequence[RawHttp1Client], body: bytes
) -> tuple[bytes, ...]:
    """Begin slow requests, half of them stop in the body, others in the head; return the rests."""
    fields = http_fields(lab, fields=[("Content-Length", str(len(body)))])
    head = request_head("POST", target_of(lab), fields)
    for number, talk in enumerate(slow):
        talk.say(head[:20] if number % 2 else head + body[:1])
    return body[1:-1], head[20:-1]


def _drip(
    slow: Sequence[RawHttp1Client], rests: Sequence[bytes], watched: Deadline
) -> dict[str, float]:
    """Send a byte a second on each connection; return when the first of each part was cut off."""
    cut: dict[str, float] = {}
    sent = 0
    while watched.pause(_DROP_EVERY_S):
        for number, talk in enumerate(slow):
            part = _PARTS[number % 2]
            talk.say(rests[number % 2][sent : sent + 1])
            if part not in cut and (talk.receive(Deadline(0)) or talk.end in {"closed", "reset"}):
                cut[part] = watched.elapsed_s()
        sent += 1
    return cut


def _idle(
    lab: ReceiverLab, idle: RawHttp1Client, first: Http1Answer, waited_s: float
) -> CheckResult:
    rule = "OTLP-SRV-054"
    if not first.is_ok or first.closes:
        return inconclusive(rule, f"the first request on the connection came to {first.told()}")
    idle.say(_request(lab))
    answer = idle.answer()
    seen = f"after {waited_s:.0f} s without a request"
    if answer.is_ok:
        return passed(rule, f"{seen} a connection was used again: {answer.told()}")
    if answer.is_hang:
        return failed(rule, f"{seen} a request on it got no answer", harm="hang")
    return failed(rule, f"{seen} a request on it came to {answer.told()}", expected="HTTP 200")


@CASES.add(
    "endurance/deaf",
    "Clients that never read their answers",
    ("OTLP-SRV-056",),
    protocols=("http/protobuf",),
    flood=1,
    expected_s=3.0,
    exclusive=("receiver",),
)
def _judge_deaf(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge clients that send request after request and never read."""
    with ExitStack() as stack:
        talks = [stack.enter_context(http_talk(lab, timeout_s=0.2)) for _ in range(_DEAF)]
        request = _request(lab) * _DEAF_REQUESTS
        for talk in talks:
            talk.say(request)
        yield _others_served(lab, "OTLP-SRV-056", f"{_DEAF} clients that never read")


CASES.append(
    ReceiverCase(
        id="endurance/patience",
        title="200 slow connections and an idle one",
        requirements=("OTLP-SRV-053", "OTLP-SRV-054"),
        judge=judge_patience(_IDLE_S),
        protocols=("http/protobuf",),
        flood=1,
        expected_s=_IDLE_S + 1.0,
        exclusive=("receiver",),
    )
)
