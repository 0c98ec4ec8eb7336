"""What an answer to a fuzzed payload says, and what it does not; no sockets."""

from typing import Any

import pytest

from otlptest.conformance.verdicts import Policy, Result
from otlptest.fuzzing.client import Answer
from otlptest.fuzzing.examine import Examination
from otlptest.fuzzing.fuzz_results import fuzz_results, replay_results
from otlptest.fuzzing.fuzz_session import Failure, FuzzCounts
from otlptest.fuzzing.oracle import FAULT_TITLES, Fault, fallen, fault_of
from otlptest.strategies import Payload
from otlptest.wire.otlp.fields_of_time import shift_times
from otlptest.wire.otlp.message_classes import message_classes
from tests.support.right_requests import START, metric_request, trace_request

KINDS: dict[str, dict[str, Any]] = {
    "right": {"validity": "valid", "expected": "must_accept", "rule": "OTLP-HTTP-002"},
    "odd": {"validity": "borderline", "expected": "may_refuse", "rule": "OTLP-SRV-003"},
    "odd data": {"validity": "borderline", "expected": "may_refuse", "rule": "OTLP-JSON-024"},
    "unknown field": {"validity": "borderline", "expected": "must_accept", "rule": "OTLP-HTTP-053"},
    "broken": {"validity": "invalid", "expected": "must_refuse", "rule": "OTLP-SRV-001"},
}


def payload(kind: str, **given: Any) -> Payload:  # noqa: ANN401 -- fields of a payload
    fields: dict[str, Any] = {
        "signal": "traces",
        "protocol": "http/protobuf",
        "body": b"\x0a",
        "fault": kind,
        **KINDS[kind],
        **given,
    }
    return Payload(**fields)


def answer(kind: Any, status: int | None = None, **given: Any) -> Answer:  # noqa: ANN401 -- fields of an answer
    return Answer(kind=kind, told=f"status {status}", status=status, **given)


@pytest.mark.parametrize(
    ("sent", "came", "kind", "rules"),
    [
        pytest.param("right", answer("taken", 200), None, (), id="right and taken"),
        pytest.param("right", answer("taken_in_part", 200), None, (), id="taken in part"),
        pytest.param("right", answer("overloaded", 429), None, (), id="load"),
        pytest.param(
            "right", answer("refused", 400), "refused_right", ("OTLP-HTTP-002",), id="refused"
        ),
        pytest.param(
            "right", answer("failed", 500), "server_error", ("OTLP-HTTP-002",), id="right, 500"
        ),
        pytest.param("odd", answer("taken", 200), None, (), id="odd and taken"),
        pytest.param("odd", answer("refused", 400), None, (), id="odd and refused"),
        pytest.param("odd", answer("refused", 415), None, (), id="odd and refused otherwise"),
        pytest.param(
            "odd",
            answer("failed", 500),
            "server_error",
            ("OTLP-SRV-003", "OTLP-SRV-014"),
            id="odd, 500",
        ),
        pytest.param(
            "odd data",
            answer("failed", 500),
            "server_error",
            ("OTLP-SRV-014",),
            id="a MUST about data is not broken by a 500",
        ),
        pytest.param(
            "odd",
            answer("refused", 400, is_otlp_error=False),
            "wrong_error_body",
            ("OTLP-RESP-055",),
            id="no Status",
        ),
        pytest.param(
            "unknown field",
            answer("refused", 400),
            "refused_right",
            ("OTLP-HTTP-053",),
            id="unknown field refused",
        ),
        pytest.param("broken", answer("refused", 400), None, (), id="broken and refused"),
        pytest.param("broken", answer("overloaded", 413), None, (), id="broken and too large"),
        pytest.param("broken", answer("taken_in_part", 200), None, (), id="items rejected"),
        pytest.param(
            "broken", answer("taken", 200), "took_garbage", ("OTLP-SRV-001",), id="broken, taken"
        ),
        pytest.param(
            "broken",
            answer("failed", 500),
            "server_error",
            ("OTLP-SRV-001", "OTLP-RESP-071"),
            id="broken, 500",
        ),
        pytest.param(
            "broken", answer("refused", 422), "wrong_status", ("OTLP-RESP-071",), id="broken, 422"
        ),
        pytest.param(
            "broken",
            answer("cut_off"),
            "cut_off",
            ("OTLP-SRV-001", "OTLP-RESP-071"),
            id="cut off",
        ),
        pytest.param("odd", answer("late"), "hang", ("OTLP-SRV-003", "OTLP-RESP-087"), id="late"),
        pytest.param("right", answer("garbage"), "garbage", ("OTLP-RESP-002",), id="garbage"),
    ],
)
def test_an_answer_is_judged_by_what_was_sent(
    sent: str, came: Answer, kind: str | None, rules: tuple[str, ...]
) -> None:
    fault = fault_of(payload(sent), came, takes_plain=True)
    assert (fault and fault.kind, fault.rules if fault else ()) == (kind, rules)
    assert fault is None or fault.kind in FAULT_TITLES


@pytest.mark.parametrize("sent", ["right", "unknown field"])
def test_what_is_refused_plain_too_is_no_fault(sent: str) -> None:
    assert fault_of(payload(sent), answer("refused", 400), takes_plain=False) is None


def test_over_grpc_any_refusal_of_what_is_no_request_is_right() -> None:
    broken = payload("broken", protocol="grpc", rule="OTLP-SRV-010")
    assert fault_of(broken, answer("refused", 13), takes_plain=True) is None
    fault = fault_of(broken, answer("failed", 14), takes_plain=True)
    assert fault is not None
    assert fault.rules == ("OTLP-SRV-010",)
    garbage = fault_of(broken, answer("garbage"), takes_plain=True)
    assert garbage is not None
    assert garbage.rules == ("OTLP-RESP-001",)


@pytest.mark.parametrize(
    ("sent", "rules"),
    [
        pytest.param("right", ("OTLP-HTTP-002", "OTLP-SRV-088"), id="right"),
        pytest.param("odd", ("OTLP-SRV-003", "OTLP-SRV-088"), id="odd"),
        pytest.param("odd data", ("OTLP-SRV-088",), id="a MUST about data"),
        pytest.param("broken", ("OTLP-SRV-001", "OTLP-SRV-088"), id="broken"),
    ],
)
def test_a_fall_is_told_apart_from_a_hang(sent: str, rules: tuple[str, ...]) -> None:
    crash = fallen(payload(sent), is_late=False, told="nothing")
    assert (crash.kind, crash.harm, crash.rules) == ("crash", "crash", rules)
    hang = fallen(payload(sent), is_late=True, told="nothing")
    assert (hang.kind, hang.rules[-1]) == ("hang", "OTLP-RESP-087")


# Results.


def results(
    tallies: dict[str, FuzzCounts], failures: list[tuple[Failure, str]] | None = None
) -> dict[str, Result]:
    examples = dict.fromkeys(tallies, "an example")
    found = fuzz_results(tallies, failures or [], examples, Policy(), run_again="again")
    return {result.id: result for result in found}


def test_a_requirement_holds_when_enough_payloads_showed_it() -> None:
    found = results(
        {
            "OTLP-SRV-001": FuzzCounts(refused=10),
            "OTLP-SRV-002": FuzzCounts(refused=9, overloaded=100),
            "OTLP-HTTP-053": FuzzCounts(taken=1000),  # whether the rest was kept, is not seen here
        }
    )
    assert {rule: result.verdict for rule, result in found.items()} == {
        "OTLP-SRV-001": "pass",
        "OTLP-SRV-002": "inconclusive",
    }
    assert found["OTLP-SRV-001"].evidence == "payloads, e.g. an example: 10 refused"
    assert "9 refused, 100 refused for load or size" in found["OTLP-SRV-002"].evidence
    assert found["OTLP-SRV-001"].run_again == "again"


def test_a_failure_is_the_verdict_whatever_else_was_seen() -> None:
    fault = Fault(kind="crash", rules=("OTLP-SRV-001", "OTLP-SRV-088"), told="nothing came")
    failure = Failure(fault=fault, payload=payload("broken"), first=payload("broken"), times=3)
    failure.note = "not shrunk"
    found = results({"OTLP-SRV-001": FuzzCounts(refused=1000)}, [(failure, "replay it")])
    assert {rule: result.verdict for rule, result in found.items()} == {
        "OTLP-SRV-001": "fail",
        "OTLP-SRV-088": "fail",
    }
    assert found["OTLP-SRV-088"].harm == "crash"
    assert found["OTLP-SRV-088"].evidence.splitlines() == [
        "it answered no more: nothing came",
        "payload: invalid traces over http/protobuf (1 byte): broken",
        "bytes: '\\n'",
        "seen 3 times; send it again: replay it",
        "not shrunk",
    ]


def test_a_tally_tells_what_there_is() -> None:
    assert str(FuzzCounts()) == "none"
    assert str(FuzzCounts(taken=1200, taken_in_part=1, aged=2)) == (
        "1,200 taken, 1 taken in part, 2 refused for the age of their data"
    )


def test_a_replay_holds_or_breaks_what_the_payload_is_about() -> None:
    sent = payload("broken")
    seen = Examination(answer=answer("refused", 400))
    (held,) = replay_results(sent, seen, Policy(), run_again="again")
    assert (held.id, held.verdict) == ("OTLP-SRV-001", "pass")
    busy = Examination(answer=answer("overloaded", 503))
    (unseen,) = replay_results(sent, busy, Policy(), run_again="again")
    assert unseen.verdict == "inconclusive"
    taken = answer("taken", 200)
    fault = fault_of(sent, taken, takes_plain=True)
    wrong = Examination(answer=taken, fault=fault)
    (broken,) = replay_results(sent, wrong, Policy(), run_again="again")
    assert (broken.verdict, broken.run_again) == ("fail", "again")


# What both stand on.


def test_times_are_moved_wherever_they_are() -> None:
    request = trace_request()
    shift_times(request, 5)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    assert (span.start_time_unix_nano, span.events[0].time_unix_nano) == (START + 5, START + 5)
    shift_times(request, -(2**64))
    assert request.resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano == 0
    points = metric_request()
    shift_times(points, 7)
    gauge = points.resource_metrics[0].scope_metrics[0].metrics[0].gauge
    assert gauge.data_points[0].start_time_unix_nano == START + 7


def test_the_classes_of_a_signal_are_found_by_their_names() -> None:
    found = message_classes("metrics")
    assert {"Metric", "Sum", "Buckets", "AnyValue", "Resource"} <= set(found)
    assert "Span" not in found
    assert found["Metric"](name="x").DESCRIPTOR.name == "Metric"


# One root cause, one accusation.


def test_a_right_request_that_fails_has_a_reason_without_what_varies() -> None:
    def reason(message: str) -> str:
        fault = fault_of(
            payload("right"),
            Answer(kind="failed", told=f"HTTP 500: {message}", status=500),
            takes_plain=True,
        )
        assert fault is not None
        return fault.reason

    assert reason('invalid temporality for metric "n.0.0"') == (
        "failed 500 invalid temporality for metric …"
    )
    assert reason('invalid temporality for metric "n.1"') == reason(
        'invalid temporality for metric "a"'
    )
    assert reason("span 12 is bad") == reason("span 7f3a9 is bad") == "failed 500 span … is bad"
    assert reason("other") != reason("another")
    odd = fault_of(payload("odd"), answer("failed", 500), takes_plain=True)
    assert odd is not None
    assert odd.reason == ""


def test_payloads_that_failed_are_counted_in_words() -> None:
    found = results({"OTLP-SRV-001": FuzzCounts(faulty=177), "OTLP-SRV-003": FuzzCounts(alike=3)})
    assert found["OTLP-SRV-001"].evidence == (
        "too few to tell: payloads, e.g. an example: "
        "177 failed, which is reported as a failure of its own"
    )
    assert found["OTLP-SRV-003"].evidence == (
        "too few to tell: payloads, e.g. an example: "
        "3 failed as the same telemetry without the oddity does"
    )


@pytest.mark.parametrize(
    ("protocol", "size", "shown"),
    [
        pytest.param("http/json", 499, 499, id="JSON, whole"),
        pytest.param("http/json", 600, 500, id="JSON, cut"),
        pytest.param("http/protobuf", 499, 64, id="protobuf"),
    ],
)
def test_json_is_shown_whole_if_it_is_short(protocol: str, size: int, shown: int) -> None:
    sent = payload("broken", protocol=protocol, body=b"x" * size)
    seen = Examination(
        answer=answer("taken", 200),
        fault=fault_of(sent, answer("taken", 200), takes_plain=True),
    )
    (broken,) = replay_results(sent, seen, Policy(), run_again="again")
    (line,) = [each for each in broken.evidence.splitlines() if each.startswith("bytes: ")]
    more = "" if shown == size else f"… ({size} bytes)"
    assert line == f"bytes: '{'x' * shown}'{more}"
