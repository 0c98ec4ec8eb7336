"""The fake passes every receiver case; what cannot be seen of it is said, and is no pass."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from otlptest import FakeCollector
from otlptest.conformance.cases import ReceiverCase
from otlptest.conformance.read_back import ForwardReadBack
from otlptest.conformance.receiver import judged_receiver_case
from otlptest.conformance.receiver_cases import CASES
from otlptest.conformance.receiver_cases.endurance import judge_patience
from otlptest.conformance.receiver_talks import TargetLab, endpoint_of
from otlptest.conformance.running import judgements
from otlptest.conformance.verdicts import Judged
from otlptest.model import Protocol
from otlptest.wire.limits import Limits
from tests.integration.conformance.test_wrong_receivers import lab_of
from tests.support.wrong_receivers.http_connections import SLOW
from tests.support.wrong_receivers.planted import Wrong

SLOW_CASE = "endurance/patience"
RUNS = [(case, protocol) for case in CASES if case.id != SLOW_CASE for protocol in case.protocols]

# The fake rejects no items, gives no warnings and is never overloaded.
UNSEEN = {
    "OTLP-GRPC-026",
    "OTLP-GRPC-027",
    "OTLP-HTTP-032",
    "OTLP-JSON-040",
    "OTLP-RESP-011",
    "OTLP-RESP-012",
    "OTLP-RESP-013",
    "OTLP-RESP-014",
    "OTLP-RESP-019",
    "OTLP-SRV-084",
}
# Options that it does not have, or that are off.
ABSENT = {
    "OTLP-GRPC-047",
    "OTLP-HTTP-017",
    "OTLP-JSON-010",
    "OTLP-JSON-013",
    "OTLP-RESP-056",
    "OTLP-SRV-033",
    "OTLP-SRV-067",
    "OTLP-SRV-068",
    "OTLP-SRV-069",
    "OTLP-SRV-070",
    "OTLP-SRV-072",
    "OTLP-SRV-074",
    "OTLP-SRV-075",
}


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as running:
        yield running


def lab(collector: FakeCollector, protocol: Protocol) -> TargetLab:
    return TargetLab(
        protocol=protocol,
        grpc=endpoint_of(collector.grpc_endpoint, is_grpc=True),
        http=endpoint_of(collector.http_endpoint, is_grpc=False),
        read_back=ForwardReadBack(collector),
        timeout_s=20.0,
    )


def told(judged: tuple[Judged, ...], *outcomes: str) -> set[str]:
    return {each.requirement for each in judged if each.outcome in outcomes}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("case", "protocol"), RUNS, ids=[f"{case.id} {protocol}" for case, protocol in RUNS]
)
def test_the_fake_passes_a_case(
    case: ReceiverCase, protocol: Protocol, collector: FakeCollector
) -> None:
    judged = judgements(case, judged_receiver_case(case, lab(collector, protocol)))
    assert told(judged, "broken") == set(), judged
    assert told(judged, "not_observed") <= UNSEEN, judged
    assert told(judged, "lacking") <= ABSENT, judged


@pytest.mark.timeout(120)
def test_the_fake_cuts_slow_clients_off_and_keeps_idle_ones() -> None:
    with FakeCollector(limits=Limits(patience_s=1.0)) as impatient:
        judged = tuple(judge_patience(3.0)(lab(impatient, "http/protobuf")))
    assert told(judged, "held") == {"OTLP-SRV-053", "OTLP-SRV-054"}, judged


def test_that_slow_clients_are_never_cut_off_cannot_be_seen(collector: FakeCollector) -> None:
    judged = tuple(judge_patience(0.2)(lab(collector, "http/protobuf")))
    assert told(judged, "not_observed") == {"OTLP-SRV-053"}, judged
    assert told(judged, "held") == {"OTLP-SRV-054"}, judged


@pytest.mark.parametrize("fault", SLOW, ids=[each.name for each in SLOW])
def test_a_receiver_that_is_wrong_with_slow_clients_is_caught(fault: Wrong) -> None:
    with FakeCollector() as right, ExitStack() as stack:
        judged = tuple(judge_patience(0.5)(lab_of(right, fault, stack)))
    assert fault.rules <= told(judged, "broken"), judged


def test_what_web_pages_may_send_is_judged_where_they_may() -> None:
    case = next(each for each in CASES if each.id == "routes/cors")
    with FakeCollector(cors_origins=["http://localhost:3000"]) as open_to_pages:
        found = judgements(case, judged_receiver_case(case, lab(open_to_pages, "http/protobuf")))
    assert told(found, "broken") == set(), found
    assert told(found, "held") == set(case.requirements) - {"OTLP-SRV-076"}


def test_without_read_back_what_needs_it_is_no_pass(collector: FakeCollector) -> None:
    bare = TargetLab(protocol="http/json", http=endpoint_of(collector.http_endpoint, is_grpc=False))
    needing = [each for each in CASES if each.id in {"json_values/right", "json_values/ids"}]
    for case in needing:
        judged = judgements(case, judged_receiver_case(case, bare))
        assert told(judged, "held", "broken") == set(), judged
