"""Receivers with one harmless habit, or with one fault alone: one cause, one accusation."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from otlptest.conformance import (
    CaseStarted,
    Event,
    ReceiverCase,
    ReceiverSuite,
    SuiteRun,
    Target,
    conform_receiver,
)
from otlptest.conformance.receiver.cases import CASES
from otlptest.conformance.receiver.exchange import post
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.read_back import FileReadBack
from otlptest.conformance.receiver.sample_requests import sample_item, wrapped
from otlptest.conformance.receiver.target_lab import TargetLab, endpoint_of
from otlptest.fuzzing.run import FuzzPlan, fuzz_receiver, replay_payload
from otlptest.model import Protocol, Signal
from otlptest.results import CheckResult, passed
from otlptest.timing import Deadline
from tests.subjects.wrong_receivers.small_receivers import MANY, small_receiver
from tests.support.receivers import grpc_receiver

pytestmark = pytest.mark.timeout(240)

BY_ID = {case.id: case for case in CASES}
TRACES: tuple[Signal, ...] = ("traces",)


def judged(
    url: str,
    *cases: str,
    protocols: tuple[Protocol, ...] = ("http/protobuf",),
    on_event: Any = None,  # noqa: ANN401 -- an event sink
    **more: Any,  # noqa: ANN401 -- fields of a target or of a suite
) -> tuple[SuiteRun, ...]:
    there = {name: more.pop(name) for name in ("headers", "read_back") if name in more}
    suite = ReceiverSuite(cases=cases, **{"signals": TRACES, **more})
    target = Target(http=url, **there)
    return conform_receiver(target, protocols=protocols, suite=suite, on_event=on_event).runs


def verdicts(run: SuiteRun) -> dict[str, str]:
    return {result.id: result.verdict for result in run.results}


def accused(run: SuiteRun) -> dict[str, str]:
    return {rule: word for rule, word in verdicts(run).items() if word in {"fail", "warn"}}


# Overload, and floods.


def test_a_receiver_that_a_flood_keeps_busy_is_accused_of_nothing() -> None:
    with small_receiver("busy", "60") as url:
        events: list[Event] = []
        cases = ("bombs/longest_answer", "exports", "interoperability", "bad_data/random_bytes")
        (run,) = judged(url, *cases, on_event=events.append)
        (again,) = judged(url, "exports", "bad_data/random_bytes")
    started = [each.case for each in events if isinstance(each, CaseStarted)]
    assert started[-1] == "bombs/longest_answer"
    assert accused(run) == {}
    assert verdicts(run)["OTLP-SRV-002"] == "pass"
    assert again.problem == "it says that it is overloaded: traces got HTTP 503 'at capacity'"
    assert set(verdicts(again).values()) == {"inconclusive"}
    assert not again.has_judged


def test_floods_come_after_all_protocols() -> None:
    events: list[Event] = []
    with small_receiver("right") as url:
        judged(
            url,
            *("endurance/parallel", "errors/bodies"),
            protocols=("http/protobuf", "http/json"),
            on_event=events.append,
        )
    started = [each.case for each in events if isinstance(each, CaseStarted)]
    assert started == ["errors/bodies", "endurance/parallel"]


def _flood(lab: ReceiverLab) -> Iterator[CheckResult]:
    """So many items that a slow store writes them for seconds; their answer is not waited for."""
    items = [sample_item("traces", lab.marker())] * (MANY + 1)
    post(lab, wrapped(*items), signal="traces", timeout_s=0.5)
    yield passed("OTLP-SRV-085", "sent")


def test_a_receiver_that_works_off_a_flood_is_waited_for() -> None:
    flood = ReceiverCase(
        id="a/flood", title="any", requirements=("OTLP-SRV-085",), judge=_flood, flood=1
    )
    after = replace(BY_ID["exports/served"], flood=2)
    with small_receiver("slow_store", "5") as url:
        (run,) = judged(url, known_cases=(flood, after), timeout_s=1.0)
    assert verdicts(run)["OTLP-HTTP-002"] == "pass"
    assert accused(run) == {}


def test_a_slow_store_is_not_called_dead() -> None:
    with small_receiver("slow_store", "4") as url:
        (run,) = judged(
            url, "bombs/longest_answer", "framing/kept_alive", "sizes/headers", "errors/bodies"
        )
    assert set(accused(run)) <= {"OTLP-RESP-059"}
    assert "crash" not in {result.harm for result in run.results}


def test_a_receiver_that_stays_busy_after_a_flood_makes_no_green_run() -> None:
    flood = ReceiverCase(
        id="a/flood", title="any", requirements=("OTLP-SRV-085",), judge=_flood, flood=0
    )
    rest = tuple(replace(case, flood=1) for case in CASES if case.id.startswith("bad_data/"))
    with small_receiver("busy", "600") as url:
        (run,) = judged(url, known_cases=(flood, *rest), timeout_s=2.0)
    assert run.summary["fail"] == run.summary["warn"] == 0
    assert not run.has_judged
    lost = run.summary["inconclusive"]
    assert run.shortfall == (
        f"nothing can be told about {lost} of {lost + 1} requirements: "
        "it says that it is overloaded: HTTP 503 application/x-protobuf '\\x12\\x0bat capacity', "
        "since the case a/flood"
    )


# Death, and silence.


def test_a_receiver_that_dies_of_bad_data_fails_the_case_that_killed_it() -> None:
    with small_receiver("dying") as url:
        (run,) = judged(url, "bad_data", "exports")
    (failed,) = run.failing
    assert (failed.id, failed.harm, failed.case) == (
        "OTLP-SRV-002",
        "crash",
        "bad_data/random_bytes",
    )
    assert failed.evidence.startswith("nothing listens there any more; the last was ")
    told = {each.evidence for each in run.results if each.verdict == "inconclusive"}
    assert told <= {
        "nothing listens there any more, since the case bad_data/random_bytes",
        "the receiver died before, in this case",
    }
    assert not run.has_judged  # 3 for most of it, if there were no failure


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param(
            {"timeout_s": 1.0}, "it answers no plain valid request in time", id="given up"
        ),
        pytest.param(
            {"budget_s": 6.0}, "no time was left: the whole run ends after 6 s", id="out of time"
        ),
    ],
)
def test_a_receiver_that_answers_nobody_any_more_is_given_up(
    more: dict[str, Any],  # fields of a suite
    reason: str,
) -> None:
    took = Deadline(120.0)
    with small_receiver("silent", "20") as url:
        (run,) = judged(
            url,
            *("exports", "bad_data", "data", "errors", "framing", "interoperability", "routes"),
            **more,
        )
    assert took.elapsed_s() < 75.0
    assert reason in run.shortfall
    assert run.shortfall.startswith("nothing can be told about ")
    assert not run.has_judged


# One encoding, one header, one loss.


@pytest.mark.parametrize("name", ["traces_only", "no_json"])
def test_a_receiver_without_json_gets_one_warning(name: str) -> None:
    with small_receiver(name) as url:
        protobuf, json = judged(
            url,
            *("routes/both_encodings", "json_values", "json", "bad_data/malformed"),
            protocols=("http/protobuf", "http/json"),
            signals=(),
        )
        (alone,) = judged(url, "json_values", protocols=("http/json",), signals=())
    assert accused(protobuf) == {"OTLP-HTTP-039": "warn"}
    assert json.is_lacking
    assert set(verdicts(json).values()) == {"skip"}
    assert accused(alone) == {"OTLP-HTTP-039": "warn"}
    (warned,) = [each for each in alone.results if each.verdict == "warn"]
    assert warned.run_again == f"otlptest conform receiver --http {url} --protocol http/json"
    status = 415 if name == "traces_only" else 400
    assert json.problem.startswith(f"it takes no JSON: traces got HTTP {status}")
    assert json.problem.endswith("; it takes protobuf")


def test_a_receiver_that_wants_a_header_is_judged_with_it_and_else_accused_of_nothing() -> None:
    cases = ("exports", "interoperability", "data/spans", "compression", "errors/bodies")
    with small_receiver("guarded", "acme") as url:
        (without,) = judged(url, *cases)
        (run,) = judged(url, *cases, headers={"X-Tenant": "acme", "Authorization": "Bearer s3cret"})
    assert set(verdicts(without).values()) == {"inconclusive"}
    assert without.problem.endswith("; a header that it wants is given with --header 'NAME: VALUE'")
    assert verdicts(run)["OTLP-HTTP-002"] == verdicts(run)["OTLP-HTTP-053"] == "pass"
    assert "fail" not in verdicts(run).values()
    again = next(each.run_again for each in run.results if each.id == "OTLP-HTTP-002")
    assert again == (
        f"otlptest conform receiver --http {url} --protocol http/protobuf"
        " --header 'X-Tenant: acme' --header \"Authorization: $AUTHORIZATION\""
        " --case exports/served --signal traces"
    )
    assert "s3cret" not in str(run) + repr(Target(http=url, headers={"a": "s3cret"}))


def test_headers_go_as_metadata_over_grpc() -> None:
    def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
        metadata = dict(context.invocation_metadata())
        if metadata.get("x-tenant") != "acme":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no tenant")
        return b""

    suite = ReceiverSuite(cases=("exports/served_grpc", "success/answer_grpc"))
    with grpc_receiver(answer) as (address, _):
        (without,) = conform_receiver(Target(grpc=address), suite=suite).runs
        target = Target(grpc=address, headers={"X-Tenant": "acme"})
        (run,) = conform_receiver(target, suite=suite).runs
    assert without.problem.startswith("it refuses plain valid requests: traces got gRPC status 16")
    assert set(verdicts(without).values()) == {"inconclusive"}
    assert {verdicts(run)[f"OTLP-GRPC-00{number}"] for number in (1, 2, 3)} == {"pass"}
    assert verdicts(run)["OTLP-RESP-001"] == "pass"


def test_a_success_that_cannot_be_decoded_is_told_as_that() -> None:
    suite = ReceiverSuite(cases=("success/answer_grpc",))
    with grpc_receiver(lambda _body, _context: b"\xff\xff\xff") as (address, _):
        (run,) = conform_receiver(Target(grpc=address), suite=suite).runs
    assert run.problem == ""
    assert accused(run) == {"OTLP-RESP-001": "fail"}


def test_a_receiver_that_loses_the_last_span_of_each_request_is_accused_of_that_alone(
    tmp_path: Path,
) -> None:
    took = Deadline(120.0)
    file = tmp_path / "stored.jsonl"
    with small_receiver("losing", str(file)) as url:
        (run,) = judged(
            url,
            *("success/kept", "exports", "interoperability", "partial", "compression/members"),
            read_back=FileReadBack(file),
        )
    assert accused(run) == {"OTLP-RESP-010": "warn"}
    assert took.elapsed_s() < 110.0


# Fuzzing.


def test_one_fault_of_plain_data_is_one_accusation(tmp_path: Path) -> None:
    plan = FuzzPlan(payloads=500, seed=1, folder=tmp_path, signals=TRACES, attempts=100)
    with small_receiver("bytes500") as url:
        report = fuzz_receiver(Target(http=url), plan, protocols=["http/protobuf"])
        (found,) = report.runs[0].failures
        again = replay_payload(Target(http=url), found.file, plan=plan)
    (run,) = report.conformance.runs
    assert accused(run) == {"OTLP-HTTP-002": "fail"}
    assert again.has_failed
    (result,) = run.failing
    lines = result.evidence.splitlines()
    assert lines[:2] == [
        "it answered as if the fault were its own: HTTP 500: bytes",
        "nothing is odd about the payload; requests with other data may be taken",
    ]
    assert found.failure.payload.validity == "valid"


def test_fuzzing_keeps_the_headers(tmp_path: Path) -> None:
    plan = FuzzPlan(payloads=60, seed=1, folder=tmp_path, signals=TRACES)
    with small_receiver("guarded", "acme") as url:
        target = Target(http=url, headers={"x-tenant": "acme"})
        report = fuzz_receiver(target, plan, protocols=["http/protobuf"])
    (run,) = report.conformance.runs
    assert accused(run) == {}
    assert "--header 'x-tenant: acme' --fuzz 60 --seed 1" in run.results[0].run_again


# Messages, whole.


def _judge(case: str, url: str, timeout_s: float) -> list[tuple[str, str, str]]:
    lab = TargetLab(
        protocol="http/protobuf",
        signals=TRACES,
        http=endpoint_of(url, is_grpc=False),
        timeout_s=timeout_s,
    )
    return [(each.rule, each.outcome, each.evidence) for each in BY_ID[case].judge(lab)]


def test_no_answer_to_many_bad_items_is_told_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otlptest.conformance.receiver.cases.bombs.FLOOD_PATIENCE_S", 0.5)
    with small_receiver("silent", "0") as url:
        judged_so = _judge("bombs/longest_answer", url, 0.5)
    assert judged_so == [
        (
            "OTLP-HTTP-032",
            "inconclusive",
            "100,000 bad items got no answer that can be measured: no answer: nothing came",
        )
    ]


def test_a_burst_is_told_in_numbers() -> None:
    with small_receiver("right") as url:
        ((rule, outcome, evidence),) = _judge("endurance/overload", url, 60.0)
    assert (rule, outcome) == ("OTLP-SRV-084", "inconclusive")
    assert evidence == (
        "1000 requests on 50 connections at once came to: 1000 HTTP 200: that was no overload"
    )
