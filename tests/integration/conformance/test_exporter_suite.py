"""The exporter suite over a small exporter: right, wrong, and not usable at all."""

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from otlptest import FakeCollector
from otlptest.conformance import (
    Event,
    ExporterCase,
    ExporterSuite,
    SuiteRun,
    SuiteStarted,
    conform_exporter,
)
from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import baseline as observing, cases as exporter_cases
from otlptest.conformance.exporter.baseline import look_at
from otlptest.conformance.exporter.command import Subject, default_jobs
from otlptest.conformance.exporter.command_lab import CommandLab
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.suite import judged_case
from otlptest.errors import ProcessError, UnknownNameError, UsageError
from otlptest.model import Protocol
from otlptest.processes.descendants import MARKER
from otlptest.processes.free_ports import free_port
from otlptest.results import CheckResult, passed
from tests.support.conformed import COMMAND, EXPORTER, left_over

PROTOCOLS: tuple[Protocol, ...] = ("grpc", "http/protobuf", "http/json")
# A few stand for all where the suite itself is tested; the cases of a topic have their own file.
FEW = find_cases(
    exporter_cases.CASES,
    ("environment", "transport/grpc_calls", "transport/http_requests", "transport/json_requests"),
)
QUICK = ExporterSuite(timeout_s=10.0, known_cases=FEW)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("WRONG", raising=False)
    # A silent command is looked for at OTLP's own ports, which somebody else may have here.
    monkeypatch.setattr(observing, "_GRPC_PORT", free_port())
    monkeypatch.setattr(observing, "_HTTP_PORT", free_port())
    return monkeypatch


def conform(
    protocol: Protocol = "http/protobuf",
    suite: ExporterSuite = QUICK,
    **more: Any,  # noqa: ANN401 -- options of the call
) -> SuiteRun:
    (run,) = conform_exporter(COMMAND, protocols=[protocol], suite=suite, **more).runs
    return run


def failures(run: SuiteRun) -> set[str]:
    return {result.case for result in run.results if result.verdict in {"fail", "warn"}}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=str)
def test_a_right_exporter_passes_every_case(
    environment: pytest.MonkeyPatch, protocol: Protocol
) -> None:
    run = conform(protocol)
    assert {result.verdict for result in run.results} == {"pass"}, run.results
    assert run.signals == ("traces", "metrics", "logs")
    assert run.summary["pass"] == len(run.results)
    assert all(result.evidence and result.run_again for result in run.results)


@pytest.mark.parametrize(
    ("case", "protocol"),
    [
        pytest.param(case, protocol, id=f"{case.id} over {protocol}")
        for case in FEW
        for protocol in case.protocols
    ],
)
def test_a_wrong_exporter_is_caught_by_its_case_and_no_other(
    environment: pytest.MonkeyPatch, case: ExporterCase, protocol: Protocol
) -> None:
    environment.setenv("WRONG", case.id)
    assert failures(conform(protocol)) == {case.id}


def test_an_exporter_of_one_signal_leaves_the_others_unobserved(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SIGNALS", "logs")
    case = ExporterCase(
        id="a/spans",
        title="needs spans",
        requirements=("OTLP-HTTP-001",),
        judge=_hold,
        signals=("traces",),
    )
    run = conform(suite=ExporterSuite(known_cases=(case,)))
    assert run.signals == ("logs",)
    assert [(each.verdict, each.evidence) for each in run.results] == [
        ("inconclusive", "the command emits no traces")
    ]
    assert not run.has_judged


def _hold(lab: ExporterLab) -> Iterator[CheckResult]:
    yield passed("OTLP-HTTP-001", f"with {', '.join(lab.signals)}")


def test_only_the_signals_asked_for_are_judged(environment: pytest.MonkeyPatch) -> None:
    case = ExporterCase(id="a/b", title="t", requirements=("OTLP-HTTP-001",), judge=_hold)
    run = conform(suite=ExporterSuite(known_cases=(case,), signals=("metrics", "logs")))
    assert run.results[0].evidence == "with metrics, logs"


def test_steps_are_told_as_they_happen(environment: pytest.MonkeyPatch) -> None:
    events: list[Event] = []
    conform(
        suite=ExporterSuite(cases=("transport",), known_cases=FEW),
        on_event=events.append,
        name="mine",
    )
    assert isinstance(events[0], SuiteStarted)
    assert (events[0].subject, events[0].cases) == ("mine", 1)
    assert len(events) == 3


def test_a_run_in_a_folder(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("PYTHONPATH", raising=False)
    run = conform(suite=ExporterSuite(cases=("transport",), known_cases=FEW), cwd=str(tmp_path))
    assert run.has_judged


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        pytest.param("silent", "the command sent nothing", id="emits nothing"),
        pytest.param("failing", "exited with code 1 and sent nothing", id="fails"),
        pytest.param("crashing", "was ended by SIGABRT, and must end with 0", id="crashes"),
        pytest.param("endless", "still ran after 1.5 s, and was ended", id="never exits"),
    ],
)
def test_a_command_that_cannot_be_judged_gets_one_reason(
    environment: pytest.MonkeyPatch, wrong: str, problem: str
) -> None:
    environment.setenv("WRONG", wrong)
    environment.setenv(MARKER, f"test-{wrong}")
    run = conform(suite=ExporterSuite(timeout_s=1.5, known_cases=FEW))
    assert problem in run.problem
    assert {(each.verdict, each.evidence) for each in run.results} == {
        ("inconclusive", run.problem)
    }
    assert not run.has_judged
    assert left_over(f"test-{wrong}") == []


def test_the_reason_shows_the_last_words_of_a_failing_command(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WRONG", "failing")
    assert "| no SDK here" in conform().problem


def test_a_command_that_does_not_exist_gets_one_reason() -> None:
    result = conform_exporter(["no-such-command"], suite=QUICK)
    assert "there is no command 'no-such-command' on the PATH" in result.runs[0].problem
    assert not result.has_judged


def test_a_command_may_print_without_end_of_it(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WRONG", "loud")
    environment.setenv("LINES", "50000")
    assert {each.verdict for each in conform().results} == {"pass"}


def test_a_command_that_ignores_the_endpoint_is_found_out(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WRONG", "deaf")
    port = observing._HTTP_PORT
    environment.setenv("DEAF_ENDPOINT", f"http://127.0.0.1:{port}")
    problem = f"ignores OTEL_EXPORTER_OTLP_ENDPOINT: it sent to port {port} instead"
    assert problem in conform().problem


def test_a_silent_command_is_told_without_the_ports_that_somebody_else_has(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WRONG", "silent")
    with FakeCollector() as other:
        environment.setattr(observing, "_HTTP_PORT", other.http_port)
        assert "the command sent nothing" in conform().problem


def test_what_is_no_otlp_at_all_is_told(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "garbage.py"
    program.write_text(
        "import os, socket, urllib.parse\n"
        "url = urllib.parse.urlsplit(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'])\n"
        "with socket.create_connection((url.hostname, url.port)) as wire:\n"
        "    wire.sendall(os.environ.get('GARBAGE', '').encode())\n",
        "utf-8",
    )
    silent = conform_exporter([sys.executable, str(program)], suite=QUICK)
    assert "connected to the endpoint and sent no request" in silent.runs[0].problem
    environment.setenv("GARBAGE", "HELLO\r\n\r\n")
    told = conform_exporter([sys.executable, str(program)], suite=QUICK)
    assert "nothing that the command sent is a request" in told.runs[0].problem


def test_a_protocol_that_the_command_does_not_speak_is_lacking(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ONLY", "http/protobuf")
    result = conform_exporter(COMMAND, protocols=["http/protobuf", "http/json"], suite=QUICK)
    judged, lacking = result.runs
    assert judged.has_judged
    assert lacking.is_lacking
    assert "does not speak http/json: it was told to and sent http/protobuf" in lacking.problem
    assert {each.verdict for each in lacking.results} == {"skip"}
    assert result.has_judged
    assert not result.has_failed


def test_a_protocol_in_which_a_working_command_sends_nothing_is_lacking(tmp_path: Path) -> None:
    program = tmp_path / "picky.py"
    program.write_text(
        "import os, runpy, sys\n"
        "if os.environ['OTEL_EXPORTER_OTLP_PROTOCOL'] == 'http/json':\n"
        "    sys.exit('unsupported protocol')\n"
        f"runpy.run_path({str(EXPORTER)!r}, run_name='__main__')\n",
        "utf-8",
    )
    command = [sys.executable, str(program)]
    both = conform_exporter(command, protocols=["http/protobuf", "http/json"], suite=QUICK)
    assert [run.is_lacking for run in both.runs] == [False, True]
    assert "does not offer http/json" in both.runs[1].problem
    assert both.has_judged
    alone = conform_exporter(command, protocols=["http/json"], suite=QUICK)
    assert not alone.runs[0].is_lacking
    assert not alone.has_judged


def test_a_signal_that_comes_in_another_protocol_is_not_judged_in_this_one(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WITHOUT_JSON", "metrics,logs")
    run = conform("http/json")
    assert run.signals == ("traces",)
    assert failures(run) == set()


def test_what_was_asked_for_must_exist() -> None:
    with pytest.raises(UnknownNameError, match="unknown case 'nope'"):
        conform_exporter(COMMAND, suite=ExporterSuite(cases=("nope",)))
    with pytest.raises(UnknownNameError, match="unknown protocol 'udp'"):
        conform_exporter(COMMAND, protocols=["udp"])  # type: ignore[list-item]  # the mistake
    with pytest.raises(UsageError, match="no case fits: transport/grpc_calls over http/json"):
        conform_exporter(
            COMMAND, protocols=["http/json"], suite=ExporterSuite(cases=("transport/grpc_calls",))
        )


# The lab.


@pytest.fixture
def lab(environment: pytest.MonkeyPatch) -> Iterator[CommandLab]:
    subject = Subject(COMMAND)
    look = look_at(subject, "http/protobuf", timeout_s=10.0, jobs=4)
    made = QUICK.lab(subject, "http/protobuf", look)
    assert made is not None
    yield made
    subject.close()


def test_the_lab_switches_signals_and_sets_only_standard_variables(lab: CommandLab) -> None:
    seen = lab.run({"OTEL_SERVICE_NAME": "x", "OTEL_LOGS_EXPORTER": None}, signals=("traces",))
    assert seen.arrived.signals == ("traces", "logs")
    assert set(seen.environment) == {
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_TRACES_EXPORTER",
        "OTEL_METRICS_EXPORTER",
        "OTEL_SERVICE_NAME",
    }


def test_runs_at_the_same_time_do_not_see_each_other(lab: CommandLab) -> None:
    runs = [lab.start(signals=(signal,)) for signal in ("traces", "metrics", "logs")]
    assert [run.result().arrived.signals for run in runs] == [("traces",), ("metrics",), ("logs",)]


def test_a_second_collector_takes_what_is_sent_to_it(lab: CommandLab) -> None:
    with lab.collector() as second:
        seen = lab.run({"OTEL_EXPORTER_OTLP_ENDPOINT": second.http_endpoint})
        assert seen.requests == ()
        assert len(lab.arrived(second).requests) == 3


def test_what_prepares_and_what_goes_on_beside_get_the_fake(lab: CommandLab) -> None:
    ports: list[int] = []
    seen = lab.run(
        prepare=lambda fake: ports.append(fake.http_port),
        meanwhile=lambda fake: ports.append(fake.http_port),
    )
    assert ports[0] == ports[1] == seen.requests[0].connection.port


def test_what_fails_beside_a_run_is_raised(lab: CommandLab) -> None:
    def fail(_: FakeCollector) -> None:
        raise RuntimeError("beside")

    with pytest.raises(RuntimeError, match="beside"):
        lab.run(meanwhile=fail)
    with pytest.raises(RuntimeError, match="beside"):
        lab.start(prepare=fail).result()


def test_a_closed_subject_runs_nothing_any_more(lab: CommandLab) -> None:
    lab.subject.close()
    with pytest.raises(ProcessError, match="was ended with the suite"):
        lab.run()


def test_a_subject_that_is_closed_ends_what_runs(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WRONG", "endless")
    subject = Subject(COMMAND)
    subject.allow(jobs=2, starting_s=0.1)
    made = CommandLab(
        subject=subject,
        protocol="http/protobuf",
        signals=("traces",),
        baseline=Observation(arrived=Arrived(), protocol="http/protobuf"),
        timeout_s=60.0,
        target_version=(1, 10),
    )
    run = made.start(meanwhile=lambda fake: close_after_first_request(subject, fake))
    with pytest.raises(ProcessError, match="was ended with the suite"):
        run.result(timeout=20)


def test_what_a_case_began_ends_with_it(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WRONG", "endless")
    subject = Subject(COMMAND)
    subject.allow(jobs=2, starting_s=0.1)
    lab = CommandLab(
        subject=subject,
        protocol="http/protobuf",
        signals=("traces",),
        baseline=Observation(arrived=Arrived(), protocol="http/protobuf"),
        timeout_s=60.0,
        target_version=(1, 10),
    )
    begun: list[Future[Observation]] = []
    came = threading.Event()

    def judge(given: ExporterLab) -> Iterator[CheckResult]:
        begun.append(given.start(meanwhile=lambda fake: came_to(fake, came)))
        begun.append(given.start())
        begun.append(given.start())  # waits for its turn
        assert came.wait(20.0)
        raise ProcessError("the case", "failed")

    case = ExporterCase(id="x/y", title="t", requirements=("OTLP-RESP-062",), judge=judge)
    with pytest.raises(ProcessError, match="the case failed"):
        list(judged_case(case, lab))
    for run in begun:
        with pytest.raises(ProcessError, match="was ended with its case"):
            run.result(timeout=20)
    shared = lab.shared("of all", lambda: lab.start({"WRONG": ""}))
    assert shared.result(timeout=20).ended_well  # what all cases share goes on


def came_to(fake: FakeCollector, came: threading.Event) -> None:
    fake.requests.wait_for_one(timeout_s=10.0)
    came.set()


def close_after_first_request(subject: Subject, fake: FakeCollector) -> None:
    fake.requests.wait_for_one(timeout_s=10.0)
    subject.close()


def test_heavy_commands_run_fewer_at_a_time() -> None:
    assert default_jobs() == 8 * (os.cpu_count() or 1)
    assert default_jobs(1024**4) == 2
