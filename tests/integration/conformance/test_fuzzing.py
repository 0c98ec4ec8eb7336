"""Fuzzing finds planted faults, makes them small, and accuses no right receiver."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.receiver.suite import Target
from otlptest.errors import UnknownNameError, UsageError
from otlptest.fuzzing.fuzz_session import Failure, FuzzFailed
from otlptest.fuzzing.run import FuzzPlan, FuzzReport, fuzz_receiver, replay_payload
from otlptest.model import Protocol, Signal
from otlptest.timing import SYSTEM_CLOCK
from tests.support.fuzzed_receivers import (
    PROTOBUF,
    Fuzzed,
    GrpcPlanted,
    Planted,
    Reply,
    attributes_of,
    grpc_fuzzed,
    http_fuzzed,
)
from tests.support.receivers import closed_port, grpc_receiver

pytestmark = pytest.mark.timeout(180)


def plan(folder: Path, **given: Any) -> FuzzPlan:  # noqa: ANN401 -- fields of a plan
    chosen: dict[str, Any] = {
        "payloads": 300,
        "seed": 1,
        "folder": folder,
        "signals": ("traces",),
        "attempts": 150,
        "timeout_s": 30.0,
        "grace_s": 0.2,
        **given,
    }
    return FuzzPlan(**chosen)


def fuzzed(
    url: str,
    folder: Path,
    *,
    protocol: Protocol = "http/protobuf",
    **given: Any,  # noqa: ANN401 -- as above
) -> FuzzReport:
    target = Target(grpc=url) if protocol == "grpc" else Target(http=url)
    return fuzz_receiver(target, plan(folder, **given), protocols=[protocol])


def failures_of(report: FuzzReport) -> list[Failure]:
    return [found.failure for run in report.runs for found in run.failures]


def kinds_of(report: FuzzReport) -> set[str]:
    return {failure.fault.kind for failure in failures_of(report)}


def verdicts_of(report: FuzzReport) -> dict[str, str]:
    return {result.id: result.verdict for run in report.conformance.runs for result in run.results}


# What is right.


def test_the_fake_passes_whole_in_every_protocol(tmp_path: Path) -> None:
    with FakeCollector() as fake:
        target = Target(grpc=fake.grpc_endpoint, http=fake.http_endpoint)
        report = fuzz_receiver(target, plan(tmp_path, payloads=1500, signals=()))
    assert [(run.protocol, run.sent) for run in report.runs] == [
        ("grpc", 500),
        ("http/protobuf", 500),
        ("http/json", 500),
    ]
    assert failures_of(report) == []
    assert set(verdicts_of(report).values()) <= {"pass", "inconclusive", "skip"}
    assert not list(tmp_path.iterdir())
    results = [result for run in report.conformance.runs for result in run.results]
    passed = {result.id for result in results if result.verdict == "pass"}
    assert {"OTLP-SRV-001", "OTLP-SRV-010", "OTLP-JSON-036", "OTLP-HTTP-002"} <= passed


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"], ids=str)
def test_a_right_receiver_is_not_accused(protocol: Protocol, tmp_path: Path) -> None:
    with http_fuzzed() as url:
        report = fuzzed(url, tmp_path, protocol=protocol)
    assert failures_of(report) == []


def test_a_right_receiver_of_another_library_is_not_accused_over_grpc(tmp_path: Path) -> None:
    with grpc_fuzzed() as address:
        report = fuzzed(address, tmp_path, protocol="grpc")
    assert failures_of(report) == []
    assert verdicts_of(report)["OTLP-SRV-010"] == "pass"


# What is wrong.


def _crash(self: Fuzzed, _signal: Signal, _body: bytes, message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    if any(attribute.key == "otlptest.twice" for attribute in attributes_of(message)):
        self.is_down = True
        return Reply(status=None)
    return reply


def _hang(self: Fuzzed, _signal: Signal, _body: bytes, message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    if any(not attribute.HasField("value") for attribute in attributes_of(message)):
        self.hold.wait()
    return reply


def _server_error(_self: Fuzzed, _s: Signal, _body: bytes, message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    if any(not attribute.HasField("value") for attribute in attributes_of(message)):
        return Reply(status=500, body=b"")
    return reply


def _takes_all(_self: Fuzzed, _signal: Signal, _body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    return Reply(status=200, body=b"{}" if "json" in reply.content_type else b"")


def _strict(_self: Fuzzed, _signal: Signal, body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    tags = [b"\xf8\x7c", b"\xf9\x7c", b"\xfa\x7c", b"\xfd\x7c"]  # of field 1999
    if reply.status == 200 and any(tag in body for tag in tags):
        return Reply(status=400, body=b"")
    return reply


def _other_status(_self: Fuzzed, _s: Signal, _body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    return Reply(status=422, body=reply.body) if reply.status == 400 else reply


def _plain_text(_self: Fuzzed, _s: Signal, _body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    if reply.status == 400:
        return Reply(status=400, body=b"bad", content_type="text/plain")
    return reply


def _cut_off(_self: Fuzzed, _s: Signal, _body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    return Reply(status=None) if reply.status == 400 else reply


def _html(_self: Fuzzed, _signal: Signal, body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    if not body:
        return Reply(status=200, body=b"<html>", content_type="text/html")
    return reply


@pytest.mark.parametrize(
    ("planted", "kind", "rule"),
    [
        pytest.param(_crash, "crash", "OTLP-SRV-088", id="crash"),
        pytest.param(_server_error, "server_error", "OTLP-COMMON-010", id="500"),
        pytest.param(_takes_all, "took_garbage", "OTLP-SRV-002", id="takes_garbage"),
        pytest.param(_strict, "refused_right", "OTLP-HTTP-053", id="refuses_unknown"),
        pytest.param(_other_status, "wrong_status", "OTLP-RESP-071", id="422"),
        pytest.param(_plain_text, "wrong_error_body", "OTLP-RESP-055", id="text_body"),
        pytest.param(_cut_off, "cut_off", "OTLP-SRV-002", id="cut_off"),
        pytest.param(_html, "garbage", "OTLP-RESP-002", id="html"),
    ],
)
def test_a_planted_fault_is_found_and_made_small(
    planted: Planted, kind: str, rule: str, tmp_path: Path
) -> None:
    with http_fuzzed(planted) as url:
        report = fuzzed(url, tmp_path, attempts=60 if kind == "crash" else 200)
        assert verdicts_of(report)[rule] == "fail"
        found = next(
            each
            for run in report.runs
            for each in run.failures
            if each.failure.fault.kind == kind and rule in each.failure.fault.rules
        )
        failure = found.failure
        assert failure.is_shrunk or "smallest" in failure.note
        assert len(failure.payload.body) <= min(_SMALL, len(failure.first.body))
        assert found.file.read_bytes() == failure.payload.body
        again = replay_payload(Target(http=url), found.file, plan=plan(tmp_path))
    assert again.has_failed
    assert {each.id for run in again.runs for each in run.results} == set(failure.fault.rules)


_SMALL = 400  # bytes; most first ones are larger


def test_a_hang_is_found_and_its_payload_kept(tmp_path: Path) -> None:
    with http_fuzzed(_hang) as url:
        report = fuzzed(url, tmp_path, attempts=2, timeout_s=1.5, payloads=300)
    assert kinds_of(report) == {"hang"}
    assert verdicts_of(report)["OTLP-COMMON-010"] == "fail"


def test_a_receiver_that_stays_away_ends_the_run_with_what_was_sent(tmp_path: Path) -> None:
    with http_fuzzed(_crash, revives=False) as url:
        report = fuzzed(url, tmp_path, restart_s=0.3)
    (run,) = report.runs
    assert run.ended_early.startswith("the receiver answers no more after")
    (found,) = run.failures
    assert found.failure.note.startswith("not shrunk: the receiver did not come back")
    assert found.file.exists()
    assert verdicts_of(report)["OTLP-SRV-088"] == "fail"


def _poisoned(self: Fuzzed, _s: Signal, _body: bytes, message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    """Fails on everything once it has seen a key twice."""
    if any(attribute.key == "otlptest.twice" for attribute in attributes_of(message)):
        self.hold.set()
    return Reply(status=500, body=b"") if self.hold.is_set() else reply


def test_a_receiver_that_fails_on_everything_afterwards_has_fallen(tmp_path: Path) -> None:
    with http_fuzzed(_poisoned) as url:
        report = fuzzed(url, tmp_path, restart_s=0.3)
    (failure,) = failures_of(report)
    assert failure.fault.kind == "crash"
    assert failure.fault.told.endswith("it fails on plain requests too")
    assert verdicts_of(report)["OTLP-SRV-088"] == "fail"


def _gateway(_self: Fuzzed, _s: Signal, _body: bytes, message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    if any(not attribute.HasField("value") for attribute in attributes_of(message)):
        return Reply(status=502, body=b"", headers={"Retry-After": "0"})
    return reply


def test_a_gateway_that_fails_on_one_payload_only_is_not_busy(tmp_path: Path) -> None:
    with http_fuzzed(_gateway) as url:
        report = fuzzed(url, tmp_path, attempts=2)
    assert kinds_of(report) == {"server_error"}


# What is nobody's fault.


def _ages(_self: Fuzzed, signal: Signal, _body: bytes, message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    """Refuses spans of yesterday."""
    yesterday = SYSTEM_CLOCK.unix_nanos() - 86_400 * 10**9
    if message is not None and signal == "traces":
        for holder in message.resource_spans:
            for scope in holder.scope_spans:
                if any(0 < span.start_time_unix_nano < yesterday for span in scope.spans):
                    return Reply(status=400, body=b"")
    return reply


def _busy(self: Fuzzed, _signal: Signal, _body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    if self.requests > 10 and self.requests % 7 < 2:
        return Reply(status=429 + 74 * (self.requests % 2), headers={"Retry-After": "0"})
    return reply


def _limited(_self: Fuzzed, _s: Signal, body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    return Reply(status=413, body=b"") if len(body) > 1000 else reply


def _drops(self: Fuzzed, _signal: Signal, _body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    return Reply(status=None) if self.requests > 10 and self.requests % 17 == 0 else reply


def _partial(_self: Fuzzed, _s: Signal, body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    """Takes a part of what has ids of other lengths."""
    refused = b"\x0a\x06\x08\x01\x12\x02no"
    if reply.status == 200 and len(body) % 3 == 0 and body:
        return Reply(status=200, body=refused)
    return reply


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(_ages, id="refuses_old_data"),
        pytest.param(_busy, id="is_busy_now_and_then"),
        pytest.param(_limited, id="has_a_small_limit"),
        pytest.param(_drops, id="closes_connections"),
        pytest.param(_partial, id="takes_a_part"),
    ],
)
def test_a_receiver_with_limits_is_not_accused(planted: Planted, tmp_path: Path) -> None:
    with http_fuzzed(planted) as url:
        report = fuzzed(url, tmp_path, payloads=60 if planted is _busy else 200)
    assert failures_of(report) == []
    assert "fail" not in verdicts_of(report).values()


def test_a_receiver_without_signals_is_not_judged(tmp_path: Path) -> None:
    report = fuzzed(f"http://127.0.0.1:{closed_port()}", tmp_path)
    assert report.runs == ()
    assert not report.conformance.has_judged
    assert "it cannot be reached" in report.conformance.runs[0].problem


def _plain_successes(_r: Fuzzed, _s: Signal, _body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    return replace(reply, body=b"", content_type=PROTOBUF) if reply.status == 200 else reply


def _takes_all_plainly(_r: Fuzzed, _s: Signal, _body: bytes, _m: Any, _reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    return Reply(status=200, body=b"{}", content_type="text/plain")


@pytest.mark.parametrize(
    ("planted", "broken"),
    [
        pytest.param(_plain_successes, False, id="right but for that"),
        pytest.param(_takes_all_plainly, True, id="takes garbage too"),
    ],
)
def test_successes_that_are_no_otlp_are_one_fault_and_the_rest_is_judged_by_the_status(
    planted: Planted, *, broken: bool, tmp_path: Path
) -> None:
    with http_fuzzed(planted) as url:
        report = fuzzed(url, tmp_path, protocol="http/json")
    (run,) = report.conformance.runs
    (result,) = [each for each in run.results if each.id == "OTLP-JSON-039"]
    said = "text/plain, not as application/json: '{}'"
    assert run.problem == ""
    assert result.evidence == (
        "it takes a plain valid request, but it answers success as "
        + (said if broken else "application/x-protobuf, not as application/json: ''")
    )
    verdicts = verdicts_of(report)
    assert verdicts["OTLP-JSON-039"] == "fail"
    assert verdicts["OTLP-JSON-036"] == ("fail" if broken else "pass")


def test_what_refuses_every_request_is_not_fuzzed(tmp_path: Path) -> None:
    def refuse(_r: Fuzzed, _s: Signal, _body: bytes, _message: Any, _reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
        return Reply(status=401, body=b"")

    with http_fuzzed(refuse) as url:
        report = fuzzed(url, tmp_path)
    assert report.conformance.runs[0].problem.startswith("it refuses plain valid requests")


# gRPC.


def _internal(message: Any, context: grpc.ServicerContext) -> None:  # noqa: ANN401 -- a generated message
    if any(not attribute.HasField("value") for attribute in attributes_of(message)):
        context.abort(grpc.StatusCode.UNKNOWN, "oops")


def _unavailable(message: Any, context: grpc.ServicerContext) -> None:  # noqa: ANN401 -- a generated message
    if any(not attribute.HasField("value") for attribute in attributes_of(message)):
        context.abort(grpc.StatusCode.UNAVAILABLE, "try again")


@pytest.mark.parametrize(
    "planted", [pytest.param(_internal, id="unknown"), pytest.param(_unavailable, id="unavailable")]
)
def test_an_error_of_its_own_is_found_over_grpc(planted: GrpcPlanted, tmp_path: Path) -> None:
    with grpc_fuzzed(planted) as address:
        report = fuzzed(address, tmp_path, protocol="grpc", attempts=4)
    assert kinds_of(report) == {"server_error"}
    assert verdicts_of(report)["OTLP-COMMON-010"] == "fail"


def test_what_takes_every_message_is_found_over_grpc(tmp_path: Path) -> None:
    with grpc_receiver(lambda _body, _context: b"") as (address, _):
        report = fuzzed(address, tmp_path, protocol="grpc")
    assert verdicts_of(report)["OTLP-SRV-010"] == "fail"


# Seeds, files, arguments.


def test_a_seed_gives_one_result(tmp_path: Path) -> None:
    def seen() -> list[tuple[object, ...]]:
        with http_fuzzed(_takes_all) as url:
            report = fuzzed(url, tmp_path, payloads=150)
        return [
            (each.fault.signature, each.first.body, each.payload.body, each.times)
            for each in failures_of(report)
        ]

    seen()  # imports and what Hypothesis learns from them
    first = seen()
    assert first
    assert seen() == first


def test_failures_and_progress_are_told(tmp_path: Path) -> None:
    told: list[object] = []
    with http_fuzzed(_takes_all) as url:
        fuzz_receiver(Target(http=url), plan(tmp_path, payloads=60), on_event=told.append)
    failed = [each for each in told if isinstance(each, FuzzFailed)]
    assert {each.is_shrunk for each in failed} == {True, False}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param({"payloads": 0}, "number of payloads must be 1 or more", id="none"),
        pytest.param({"shrink_s": -1.0}, "shrink_s must be a number of seconds", id="negative"),
        pytest.param({"signals": ("spans",)}, "unknown signal 'spans'", id="signal"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        FuzzPlan(**given)


def test_an_endpoint_is_needed() -> None:
    with pytest.raises(UsageError, match="no endpoint was given"):
        fuzz_receiver(Target())
    with pytest.raises(UnknownNameError, match="unknown protocol 'udp'"):
        fuzz_receiver(Target(http="http://127.0.0.1:1"), protocols=["udp"])  # type: ignore[list-item]  # the mistake
