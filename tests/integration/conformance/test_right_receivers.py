"""The fake passes every receiver case; what cannot be seen of it is said, and is no pass."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from otlptest import FakeCollector
from otlptest.conformance.case import ReceiverCase
from otlptest.conformance.receiver.cases import CASES
from otlptest.conformance.receiver.cases.endurance import judge_patience
from otlptest.conformance.receiver.read_back import ForwardReadBack
from otlptest.conformance.receiver.suite import judged_receiver_case
from otlptest.conformance.receiver.target_lab import TargetLab, endpoint_of
from otlptest.conformance.runner import judgements
from otlptest.model import Protocol
from otlptest.results import CheckResult
from otlptest.wire.transport.limits import Limits
from tests.integration.conformance.test_wrong_receivers import lab_of
from tests.subjects.wrong_receivers.data_faults import DELTA, attributes, item
from tests.subjects.wrong_receivers.grpc_front import grpc_front, success
from tests.subjects.wrong_receivers.http_connections import SLOW
from tests.subjects.wrong_receivers.http_front import Change, Said, http_front
from tests.subjects.wrong_receivers.planted import (
    GZIP,
    Wrong,
    accepts,
    answers,
    called,
    having,
    partial,
    turned,
)
from tests.subjects.wrong_receivers.tables import WRONG

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
# Of requests with bad items it refuses none over protobuf.
REFUSES_NONE = {"OTLP-RESP-071"}
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
    "OTLP-SRV-081",
    "OTLP-SRV-082",
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
        timeout_s=60.0,
    )


def told(judged: tuple[CheckResult, ...], *outcomes: str) -> set[str]:
    return {each.rule for each in judged if each.outcome in outcomes}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("case", "protocol"), RUNS, ids=[f"{case.id} {protocol}" for case, protocol in RUNS]
)
def test_the_fake_passes_a_case(
    case: ReceiverCase, protocol: Protocol, collector: FakeCollector
) -> None:
    judged = judgements(case, judged_receiver_case(case, lab(collector, protocol)))
    assert told(judged, "failed") == set(), judged
    unseen = UNSEEN | (REFUSES_NONE if case.id.startswith("partial/") else set())
    assert told(judged, "inconclusive") <= unseen, judged
    assert told(judged, "not_applicable") <= ABSENT, judged


@pytest.mark.timeout(120)
def test_the_fake_cuts_slow_clients_off_and_keeps_idle_ones() -> None:
    with FakeCollector(limits=Limits(patience_s=1.0)) as impatient:
        judged = tuple(judge_patience(3.0)(lab(impatient, "http/protobuf")))
    assert told(judged, "passed") == {"OTLP-SRV-053", "OTLP-SRV-054"}, judged


def test_that_slow_clients_are_never_cut_off_cannot_be_seen(collector: FakeCollector) -> None:
    judged = tuple(judge_patience(0.2)(lab(collector, "http/protobuf")))
    assert told(judged, "inconclusive") == {"OTLP-SRV-053"}, judged
    assert told(judged, "passed") == {"OTLP-SRV-054"}, judged


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", SLOW, ids=[each.name for each in SLOW])
def test_a_receiver_that_is_wrong_with_slow_clients_is_caught(fault: Wrong) -> None:
    with FakeCollector() as right, ExitStack() as stack:
        judged = tuple(judge_patience(3.0)(lab_of(right, fault, stack)))
    assert fault.rules <= told(judged, "failed"), judged


def test_what_web_pages_may_send_is_judged_where_they_may() -> None:
    case = next(each for each in CASES if each.id == "routes/cors")
    with FakeCollector(cors_origins=["http://localhost:3000"]) as open_to_pages:
        found = judgements(case, judged_receiver_case(case, lab(open_to_pages, "http/protobuf")))
    assert told(found, "failed") == set(), found
    assert told(found, "passed") == set(case.requirements) - {"OTLP-SRV-076"}


def test_without_read_back_what_needs_it_is_no_pass(collector: FakeCollector) -> None:
    bare = TargetLab(protocol="http/json", http=endpoint_of(collector.http_endpoint, is_grpc=False))
    needing = [each for each in CASES if each.id in {"json_values/right", "json_values/ids"}]
    for case in needing:
        judged = judgements(case, judged_receiver_case(case, bare))
        assert told(judged, "passed", "failed") == set(), judged


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"], ids=str)
def test_a_receiver_with_tls_is_judged_by_that_too(protocol: Protocol) -> None:
    with FakeCollector(tls=True) as secured:
        there = replace(lab(secured, protocol), ca_file=secured.ca_file)
        for case in (each for each in CASES if each.id.startswith("secured/")):
            judged = judgements(case, judged_receiver_case(case, there))
            assert told(judged, "passed") == set(case.requirements), judged


CAPABLE: dict[str, tuple[str, str, Change]] = {
    "other names of protobuf": (
        "routes/media_types",
        "OTLP-SRV-033",
        accepts(having("content-type", "application/octet-stream")),
    ),
    "a Status without a code": (
        "errors/bodies",
        "OTLP-RESP-056",
        turned(lambda _, said: said.status == 400, body=b"\x12\x03bad"),
    ),
    "answers in gzip": (
        "compression/answers",
        "OTLP-HTTP-017",
        lambda heard, said: (
            said.having(body=GZIP + said.body, content_encoding="gzip")
            if heard.header("accept-encoding")
            else said
        ),
    ),
}
INCAPABLE: dict[str, tuple[str, str, Change]] = {
    "no coding but gzip": (
        "compression/codings",
        "OTLP-SRV-026",
        turned(
            lambda heard, _: heard.header("content-encoding") in {"deflate", "zstd"}, status=415
        ),
    ),
    "no HTTP/1.0": (
        "framing/versions",
        "OTLP-SRV-048",
        turned(lambda heard, _: b" HTTP/1.0\r\n" in heard.head, status=505),
    ),
    "no HTTP/2 on the HTTP port": (
        "grpc_connections/on_http_port",
        "OTLP-SRV-047",
        lambda _, said: said,
    ),
}


@pytest.mark.parametrize(
    ("name", "outcome"),
    [*((name, "passed") for name in CAPABLE), *((name, "not_applicable") for name in INCAPABLE)],
    ids=[*CAPABLE, *INCAPABLE],
)
def test_options_are_reported_and_never_failed(
    name: str, outcome: str, collector: FakeCollector
) -> None:
    case_id, rule, change = {**CAPABLE, **INCAPABLE}[name]
    case = next(each for each in CASES if each.id == case_id)
    with http_front(collector.http_port, change) as front:
        there = replace(lab(collector, "http/protobuf"), http=endpoint_of(front.url, is_grpc=False))
        judged = judgements(case, judged_receiver_case(case, there))
    assert {each.outcome for each in judged if each.rule == rule} == {outcome}, judged


def test_services_beside_otlp_are_reported(collector: FakeCollector) -> None:
    case = next(each for each in CASES if each.id == "grpc/services")
    healthy = answers(called("Health"), success())
    with grpc_front(collector.grpc_port, healthy) as address:
        there = replace(lab(collector, "grpc"), grpc=endpoint_of(address, is_grpc=True))
        judged = judgements(case, judged_receiver_case(case, there))
    assert [each.outcome for each in judged] == ["passed"]


class Silence(Said):
    """No answer: the connection is closed."""

    def encoded(self, *, is_head: bool = False) -> bytes:  # noqa: ARG002 -- of `Said`
        return b""


# What a receiver need not take, or not without a word: what it does instead is right as well.
PICKY: dict[str, tuple[str, Change]] = {
    "spans that end too early are refused": (
        "data/spans",
        turned(
            item("traces", lambda span: span.end_time_unix_nano < span.start_time_unix_nano),
            status=400,
        ),
    ),
    "wrong metrics are refused": (
        "data/metrics",
        turned(item("metrics", lambda metric: not metric.WhichOneof("data")), status=400),
    ),
    "deltas are rejected in words": (
        "data/metrics",
        turned(
            item("metrics", lambda metric: metric.sum.aggregation_temporality == DELTA),
            body=partial("metrics", 1, "no deltas here"),
        ),
    ),
    "deltas are refused in words": (
        "data/metrics",
        turned(
            item("metrics", lambda metric: metric.sum.aggregation_temporality == DELTA),
            status=400,
            body=b"\x08\x03\x12\x03no.",
        ),
    ),
    "ids of zeros are refused": (
        "data/logs_protobuf",
        turned(item("logs", lambda record: record.trace_id == bytes(16)), status=400),
    ),
    "who asks for a tunnel is hung up on": (
        "routes/methods",
        lambda heard, said: Silence(closes=True) if heard.method == "CONNECT" else said,
    ),
    "many attributes are refused": (
        "data/values",
        turned(attributes(lambda pairs: len(pairs) > 500), status=400),
    ),
}


@pytest.mark.parametrize(("name", "change"), PICKY.values(), ids=PICKY)
def test_what_a_receiver_need_not_take_it_may_refuse(
    collector: FakeCollector, name: str, change: Change
) -> None:
    case = next(each for each in CASES if each.id == name)
    with http_front(collector.http_port, change) as front:
        there = replace(lab(collector, "http/protobuf"), http=endpoint_of(front.url, is_grpc=False))
        judged = judgements(case, judged_receiver_case(case, there))
    assert {each.outcome for each in judged} == {"passed"}, judged


def test_who_says_that_it_closes_after_an_answer_is_not_asked_for_more_answers(
    collector: FakeCollector,
) -> None:
    case = next(each for each in CASES if each.id == "framing/pipelined")
    with http_front(collector.http_port, lambda _, said: replace(said, closes=True)) as front:
        there = replace(lab(collector, "http/protobuf"), http=endpoint_of(front.url, is_grpc=False))
        judged = judgements(case, judged_receiver_case(case, there))
    assert {each.outcome for each in judged} == {"inconclusive"}, judged


@pytest.mark.parametrize("name", ["data/spans", "data/metrics", "data/logs_protobuf"])
def test_data_that_nobody_can_read_back_are_no_pass(collector: FakeCollector, name: str) -> None:
    case = next(each for each in CASES if each.id == name)
    there = replace(lab(collector, "grpc"), read_back=None)
    judged = judgements(case, judged_receiver_case(case, there))
    unread = {
        "OTLP-TRACE-033",
        "OTLP-METRIC-034",
        "OTLP-METRIC-061",
        "OTLP-LOG-006",
        "OTLP-LOG-023",
    }
    assert told(judged, "passed", "failed") & unread == set()
    assert told(judged, "not_applicable") >= unread & set(case.requirements)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        pytest.param("framing/kept_alive", 5, id="while it is asked"),
        pytest.param("interoperability/packed", 0, id="what it turned away, unread"),
    ],
)
def test_one_that_says_that_it_is_overloaded_is_accused_of_nothing_and_praised_for_nothing(
    collector: FakeCollector, name: str, after: int
) -> None:
    case = next(each for each in CASES if each.id == name)
    busy = turned(lambda heard, _: heard.number > after, status=429)
    with http_front(collector.http_port, busy) as front:
        there = replace(
            lab(collector, "http/protobuf"),
            http=endpoint_of(front.url, is_grpc=False),
            read_back=None,
        )
        judged = judgements(case, judged_receiver_case(case, there))
    assert {each.outcome for each in judged} == {"inconclusive"}
    assert "overloaded: HTTP 429" in judged[0].evidence


def test_every_rule_has_a_wrong_receiver_or_is_an_option() -> None:
    options = {rule for _, rule, _ in (*CAPABLE.values(), *INCAPABLE.values())}
    options |= {"OTLP-GRPC-047", "OTLP-SRV-067", "OTLP-SRV-075"}
    options |= {"OTLP-SRV-081", "OTLP-SRV-082"}  # of TLS: test_wrong_tls_receivers.py
    caught = {rule for fault in (*WRONG, *SLOW) for rule in fault.rules}
    claimed = {rule for case in CASES for rule in case.requirements}
    assert claimed - caught - options == set()
