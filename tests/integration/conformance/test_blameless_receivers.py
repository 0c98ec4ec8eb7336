"""Receivers that refuse something for another reason than a case looks for are not accused."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otlptest import FakeCollector
from otlptest.conformance.case import ReceiverCase
from otlptest.conformance.receiver.cases import CASES
from otlptest.conformance.receiver.lab import ReadBack
from otlptest.conformance.receiver.read_back import ForwardReadBack
from otlptest.conformance.receiver.suite import Target
from otlptest.fuzzing.run import FuzzPlan, fuzz_receiver
from otlptest.model import Protocol, Signal
from otlptest.results import CheckResult
from tests.integration.conformance.test_wrong_receivers import BY_ID, found, lab_of
from tests.subjects.wrong_receivers.blameless import (
    BLAMELESS,
    Blameless,
    MetricsStore,
    metrics_of,
)
from tests.subjects.wrong_receivers.http_front import Change, Heard, Said, Talk, http_front
from tests.subjects.wrong_receivers.planted import ALL, Wrong, always, turned, wrong
from tests.subjects.wrong_receivers.tables import WRONG

NAMES = [f"{each.protocol} {each.case}: {each.name}" for each in BLAMELESS]
# These flood, or take long: what they find has nothing to do with the data.
FLOODS = ("bombs/", "endurance/", "sizes/", "framing/aborted", "secured/")
OVER_HTTP: Sequence[Protocol] = ("http/protobuf", "http/json")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("trait", BLAMELESS, ids=NAMES)
def test_a_trait_is_told_as_itself_alone(trait: Blameless) -> None:
    fault = wrong(
        trait.name,
        trait.case,
        change=trait.change,
        call=trait.call,
        protocol=trait.protocol,
        signals=trait.signals,
        origins=trait.origins,
    )
    with ExitStack() as stack:
        collector = stack.enter_context(FakeCollector(cors_origins=trait.origins))
        judged = found(BY_ID[trait.case], lab_of(collector, fault, stack))
    broken = {each.rule for each in judged if each.outcome == "failed"}
    assert broken == trait.broken, judged
    for rule, outcomes in trait.outcomes.items():
        assert {each.outcome for each in judged if each.rule == rule} == outcomes, judged


def cases_of(protocol: Protocol) -> list[ReceiverCase]:
    return [case for case in CASES if protocol in case.protocols and not case.id.startswith(FLOODS)]


METRICS = [
    (case, protocol)
    for protocol in OVER_HTTP
    for case in cases_of(protocol)
    if "metrics" in case.signals
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("case", "protocol"), METRICS, ids=[f"{case.id} {protocol}" for case, protocol in METRICS]
)
def test_a_store_that_refuses_old_points_is_accused_of_nothing(
    case: ReceiverCase, protocol: Protocol
) -> None:
    judged = judged_of(case, protocol, MetricsStore(), signals=("metrics",))
    assert [each for each in judged if each.outcome == "failed"] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("protocol", OVER_HTTP)
def test_one_that_takes_no_plain_request_is_accused_of_that_alone(protocol: Protocol) -> None:
    """It wants a header, or has another reason: 422 to everything."""
    wants = turned(always, status=422, body=b'{"detail":"field required"}')
    with FakeCollector() as collector, ExitStack() as stack:
        there = lab_of(collector, wrong("", "", change=wants, protocol=protocol), stack)
        judged = {case.id: found(case, there) for case in cases_of(protocol)}
    accused = {
        case: {each.rule for each in some if each.outcome == "failed"}
        for case, some in judged.items()
    }
    served = {"OTLP-HTTP-002", "OTLP-HTTP-003", "OTLP-HTTP-004"}
    wanted = {"exports/served": served} if protocol == "http/protobuf" else {}
    assert {case: rules for case, rules in accused.items() if rules} == wanted
    assert {each.outcome for some in judged.values() for each in some} <= {
        "failed",
        "inconclusive",
        "not_applicable",
        *(["passed"] if protocol == "http/protobuf" else []),  # that it speaks HTTP/1.1
    }


MESSAGES: dict[str, tuple[str, str]] = {
    "histograms are refused, of any count": (
        "OTLP-JSON-018",
        (
            "it does not take a count of 1 either (HTTP 400 application/json '{}'); "
            "expected: HTTP 200; a count of 18446744073709551615: HTTP 400 application/json '{}'"
        ),
    ),
    "identity is refused": (
        "OTLP-SRV-023",
        (
            "Content-Encoding: identity: HTTP 415 application/x-protobuf; it may: "
            "a sender SHOULD NOT write identity (RFC 9110, 8.4.1)"
        ),
    ),
    "deltas are refused in any document": (
        "OTLP-JSON-045",
        (
            "it refuses till.payments, till.amounts, till.delays in any document, and takes the "
            "rest of this one; metrics: HTTP 400 application/json '{}'"
        ),
    ),
    "no gzip at all": (
        "OTLP-SRV-016",
        "it takes no gzip body at all, not even a plain valid one",
    ),
    "a success without a media type, whatever Accept says": (
        "OTLP-SRV-035",
        "without Accept: HTTP 200, which is not application/x-protobuf",
    ),
    "1 MiB is over its limit": (
        "OTLP-LOG-039",
        (
            "a body with 1 MiB, 1048731 bytes: a limit, which is nobody's fault: "
            "HTTP 413 application/x-protobuf"
        ),
    ),
    "both lengths are taken": (
        "OTLP-SRV-049",
        (
            "expected: a close after the answer; Content-Length with Transfer-Encoding: "
            "HTTP 200 application/x-protobuf; the connection stayed open"
        ),
    ),
    "422 for one bad item": (
        "OTLP-RESP-071",
        (
            "expected: HTTP 400 for what it finds invalid; "
            "2 good items and 3 with an all-zero trace id: HTTP 422 application/x-protobuf"
        ),
    ),
    "short ids are taken": (
        "OTLP-JSON-007",
        (
            "expected: 400, or rejected; a trace id that is 6 digits (traces): "
            "HTTP 200 application/json '{}'"
        ),
    ),
    "a success of other keys": (
        "OTLP-RESP-002",
        (
            "a valid traces request was answered HTTP 200 application/json '{\"ok\":1}', and "
            "that is not a response message: it has no field of ExportTraceServiceResponse, but"
            " others"
        ),
    ),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_told(name: str) -> None:
    rule, told = MESSAGES[name]
    planted: dict[str, Blameless | Wrong] = {each.name: each for each in WRONG}
    planted |= {each.name: each for each in BLAMELESS}
    subject = planted[name]
    judged = judged_of(
        BY_ID[subject.case],
        subject.protocol,
        subject.change,
        signals=subject.signals,
        talk=getattr(subject, "talk", None),
    )
    assert told in [each.evidence for each in judged if each.rule == rule]


class LateReadBack:
    """Gives what carries a marker only when it is asked for it again."""

    name = "what it stored"

    def __init__(self, right: ReadBack) -> None:
        self._right = right
        self._asked: set[str] = set()

    def items(
        self, signal: Signal, marker: str, *, count: int = 1, timeout_s: float = 5.0
    ) -> tuple[Any, ...]:
        """See `ReadBack.items`."""
        is_first = not self._asked  # of all markers: the gzip request's
        self._asked.add(marker)
        return (
            () if is_first else self._right.items(signal, marker, count=count, timeout_s=timeout_s)
        )


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_gzip_data_that_come_late_are_not_called_lost(protocol: Protocol) -> None:
    case = BY_ID["exports/gzip_grpc" if protocol == "grpc" else "exports/gzip"]
    with FakeCollector() as collector, ExitStack() as stack:
        there = lab_of(collector, wrong("", case.id, protocol=protocol), stack)
        late = replace(there, read_back=LateReadBack(ForwardReadBack(collector)))
        judged = found(case, late)
    assert {each.outcome for each in judged} == {"passed"}, judged


def without_buckets(metric: Any) -> bool:  # noqa: ANN401 -- a generated message
    return any(not each.bucket_counts for each in metric.histogram.data_points)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("protocol", "seed"), [("http/protobuf", 2), ("http/json", 1)])
def test_fuzzing_blames_nobody_for_age_or_order(
    protocol: Protocol, seed: int, tmp_path: Path
) -> None:
    assert fuzzed(MetricsStore(), protocol, seed, tmp_path) == []


@pytest.mark.timeout(180)
def test_fuzzing_still_finds_what_such_a_store_refuses_otherwise(tmp_path: Path) -> None:
    store = MetricsStore()

    def picky(heard: Heard, said: Said) -> Said:
        is_without = any(map(without_buckets, metrics_of(heard)))
        return said.having(status=400) if is_without else store(heard, said)

    found = fuzzed(picky, "http/protobuf", 2, tmp_path)
    assert ("refused_right", ("OTLP-METRIC-030",)) in found


def fuzzed(
    change: Change, protocol: Protocol, seed: int, folder: Path
) -> list[tuple[str, tuple[str, ...]]]:
    """The signatures of the faults that fuzzing finds."""
    plan = FuzzPlan(
        payloads=400,
        seed=seed,
        folder=folder,
        signals=("metrics",),
        attempts=60,
        timeout_s=30.0,
        grace_s=0.2,
    )
    with FakeCollector() as collector, http_front(collector.http_port, change) as front:
        report = fuzz_receiver(Target(http=front.url), plan, protocols=[protocol])
    failures = [each.failure for run in report.runs for each in run.failures]
    return [(each.fault.kind, each.fault.rules) for each in failures]


def judged_of(
    case: ReceiverCase,
    protocol: Protocol,
    change: Change | None,
    *,
    signals: tuple[Signal, ...] = ALL,
    talk: Talk | None = None,
) -> Sequence[CheckResult]:
    with FakeCollector() as collector, ExitStack() as stack:
        fault = wrong("", case.id, change=change, protocol=protocol, signals=signals, talk=talk)
        return found(case, lab_of(collector, fault, stack))


def test_why_nothing_is_told_of_one_that_takes_no_plain_request() -> None:
    case = BY_ID["bad_data/framed"]
    judged = judged_of(
        case,
        "http/protobuf",
        turned(always, status=422, content_type="text/plain", body=b"no"),
        signals=("traces", "logs"),
    )
    assert [each.evidence for each in judged] == [
        (
            "nothing can be told from other requests: "
            "a plain valid traces request was answered HTTP 422 text/plain 'no'; "
            "a plain valid logs request was answered HTTP 422 text/plain 'no'"
        )
    ]
