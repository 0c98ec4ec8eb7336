"""Reuse of connections, and the number of requests under way at a time.

The environment asks for small and frequent batches. For the second question each answer is delayed,
so that a request that does not wait for the one before overlaps with it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCase, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import own_requests
from otlptest.conformance.exporter.shared_runs import (
    ANSWERED_AFTER_S,
    MANY_EXPORTS,
    slow_run,
)
from otlptest.model import Request, Signal
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_ENOUGH: Final = 2  # of requests that could have used an open connection


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """The requests that had one before them, by the connection they came over.

    Attributes:
        again: Over a connection that their signal had used.
        fresh: Over another one, though no earlier request of their signal was still under way.
        shared: Over a connection that another signal had used.
    """

    again: int
    fresh: int
    shared: int


def _judge_reuse(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-GRPC-039" if lab.protocol == "grpc" else "OTLP-HTTP-033"
    seen = lab.run(MANY_EXPORTS)
    requests = _own(lab, seen)
    closing = [each for each in requests if _says_close(each)]
    use = _use_of(requests)
    connections = len({each.connection.number for each in requests})
    told = f"{len(requests)} requests over {connections} connections\n{seen.describe(requests)}"
    if closing:
        yield failed(rule, f"Connection: close in {len(closing)} requests", exchanges=told)
    elif use.fresh >= _ENOUGH and use.fresh > use.again + use.shared:
        yield failed(
            rule, f"{use.fresh} requests opened a connection that need not have", exchanges=told
        )
    elif use.again + use.shared:
        yield passed(
            rule, f"{use.again + use.shared} requests came over a used connection", exchanges=told
        )
    else:
        yield inconclusive(rule, "too few requests of one signal", exchanges=told)


def _judge_parallel(lab: ExporterLab) -> Iterator[CheckResult]:
    seen = slow_run(lab)
    requests = _own(lab, seen)
    own = {signal: [each for each in requests if each.signal == signal] for signal in lab.signals}
    most = {signal: _most_at_once(each) for signal, each in own.items()}
    counts = ", ".join(f"{signal}: {most[signal]} of {len(own[signal])}" for signal in own)
    slow = f"answers after {ANSWERED_AFTER_S:g} s; requests at once, {counts}"
    told = f"{slow}\n{seen.describe(requests)}"
    yield _sequential(told, own, most)
    optional = "OTLP-GRPC-029" if lab.protocol == "grpc" else "OTLP-HTTP-037"
    is_wanted = (lab.protocol == "grpc") == (max(most.values(), default=0) <= 1)
    if max(map(len, own.values()), default=0) < _ENOUGH:
        yield inconclusive(optional, "too few requests of one signal", exchanges=told)
    else:
        yield passed(optional, told) if is_wanted else failed(optional, told)


def _sequential(
    told: str, own: Mapping[Signal, Sequence[Request]], most: Mapping[Signal, int]
) -> CheckResult:
    """Judge sequential requests; parallel ones prove nothing, there may be several exporters."""
    rule = "OTLP-CFG-070"
    parallel = [signal for signal, number in most.items() if number > 1]
    if parallel:
        why = "the exporter may send in parallel by itself, or there are several"
        return inconclusive(rule, f"{why} for {', '.join(parallel)}", exchanges=told)
    if max(map(len, own.values()), default=0) < _ENOUGH:
        return inconclusive(rule, "too few requests of one signal", exchanges=told)
    return passed(rule, told)


def _most_at_once(requests: Sequence[Request]) -> int:
    """Return the largest number of requests under way at a time."""
    return max((sum(_overlap(one, other) for other in requests) for one in requests), default=0)


def _overlap(one: Request, other: Request) -> bool:
    """Return whether `other` was under way when `one` began.

    Its answer may have come before it is known to have been sent, but not before it was due.
    """
    is_due = one.started_at >= other.received_at + ANSWERED_AFTER_S
    return other.started_at <= one.started_at and not (is_due or _is_over(other, one.started_at))


def _own(lab: ExporterLab, seen: Observation) -> tuple[Request, ...]:
    own = (each for each in own_requests(lab, seen) if each.is_accepted)
    return tuple(sorted(own, key=lambda each: each.started_at))


def _says_close(request: Request) -> bool:
    words = request.headers.get("connection", "").lower().split(",")
    return "close" in [word.strip() for word in words]


def _use_of(requests: Iterable[Request]) -> _Use:
    """Count the use; the first request of a signal may open a connection, parallel ones too."""
    again = fresh = shared = 0
    earlier: list[Request] = []
    for request in requests:
        own = [each for each in earlier if each.signal == request.signal]
        number = request.connection.number
        if any(each.connection.number == number for each in own):
            again += 1
        elif any(each.connection.number == number for each in earlier):
            shared += 1
        elif own and all(_is_over(each, request.started_at) for each in own):
            fresh += 1
        earlier.append(request)
    return _Use(again=again, fresh=fresh, shared=shared)


def _is_over(request: Request, at: float) -> bool:
    return request.replied_at is not None and request.replied_at <= at


_FOLLOWING: Final = "Several exports in a row: over one connection"
_PARALLEL: Final = "Exports while answers are slow: how many at a time"

CASES.append(
    ExporterCase(
        id="connections/grpc_reuse",
        title=_FOLLOWING,
        requirements=("OTLP-GRPC-039",),
        judge=_judge_reuse,
        protocols=("grpc",),
    )
)
CASES.append(
    ExporterCase(
        id="connections/http_keep_alive",
        title=_FOLLOWING,
        requirements=("OTLP-HTTP-033",),
        judge=_judge_reuse,
        protocols=HTTP_PROTOCOLS,
    )
)
CASES.append(
    ExporterCase(
        id="connections/grpc_parallel",
        title=_PARALLEL,
        requirements=("OTLP-CFG-070", "OTLP-GRPC-029"),
        judge=_judge_parallel,
        protocols=("grpc",),
        expected_s=3.0,
    )
)
CASES.append(
    ExporterCase(
        id="connections/http_parallel",
        title=_PARALLEL,
        requirements=("OTLP-CFG-070", "OTLP-HTTP-037"),
        judge=_judge_parallel,
        protocols=HTTP_PROTOCOLS,
        expected_s=3.0,
    )
)
