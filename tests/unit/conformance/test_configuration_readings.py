"""What cases of configuration say of runs that show little, or are odd."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from otlptest.conformance.case import ExporterCase, find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.cases import endpoints, protocols, sdk, tls
from otlptest.conformance.exporter.cases.intervals import silence_s
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.readings import (
    find_log_line,
    lost_signals,
    output_tail,
    start_until_stable,
    transports_used,
)
from otlptest.errors import ProcessError
from otlptest.model import Connection, Headers, Problem, Protocol, Request, Signal
from otlptest.processes.free_ports import free_port
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import START, log_request, metric_request, trace_request
from tests.support.validated import accepted

SECOND = 1_000_000_000
MESSAGES: dict[Signal, Callable[[], Any]] = {
    "traces": trace_request,
    "metrics": metric_request,
    "logs": log_request,
}
MEDIA_TYPES: dict[Protocol, str] = {
    "grpc": "application/grpc",
    "http/protobuf": "application/x-protobuf",
    "http/json": "application/json",
}
TOLD = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


def request(
    signal: Signal, protocol: Protocol = "http/protobuf", *, at: float = 0.0, is_tls: bool = False
) -> Request:
    made = accepted(signal, MESSAGES[signal]())
    made.signal, made.protocol = signal, protocol
    made.started_at = made.received_at = made.replied_at = at
    made.headers = Headers((("content-type", MEDIA_TYPES[protocol]),))
    made.connection = Connection(number=1, endpoint="http", port=4318, is_tls=is_tls)
    return made


def everything(protocol: Protocol = "http/protobuf", *, is_tls: bool = False) -> Observation:
    requests = [request(signal, protocol, is_tls=is_tls) for signal in MESSAGES]
    return observed(requests, protocol=protocol, environment=TOLD)


def case(name: str) -> ExporterCase:
    (found,) = find_cases(exporter_cases.CASES, [name])
    return found


# A command that sends nothing any more, whatever is changed, and ends well or badly: what each case
# makes of it. Of rules that are not named it says nothing.
SILENT = {
    "environment/base_url": ("CFG-004 CFG-005", "CFG-004 CFG-005"),
    "environment/headers": ("CFG-026",) * 2,
    "environment/service_name": ("", ""),
    "environment/resource_attributes": ("", ""),
    "endpoints/default_http": ("CFG-001", ""),
    "endpoints/default_grpc": ("CFG-002", ""),
    "endpoints/as_is": ("", ""),
    "endpoints/unchanged": ("", ""),
    "endpoints/url": ("", ""),
    "endpoints/standard_port": ("", ""),
    "endpoints/precedence": ("CFG-009", "CFG-009"),
    "grpc_endpoints/schemes": ("CFG-016", "CFG-016"),
    "grpc_endpoints/bare": ("CFG-017", "CFG-017"),
    "headers/spelling": ("", ""),
    "headers/grpc_spelling": ("", ""),
    "headers/own": ("", ""),
    "headers/framing": ("", ""),
    "headers/repeated": ("", ""),
    "compression/values": ("CFG-035 CFG-036 CFG-038",) * 2,
    "compression/own": ("", ""),
    "tls/trust": ("", ""),
    "tls/client_certificate": ("", ""),
    "tls/own_certificates": ("", ""),
    "tls/insecure_over_http": ("", ""),
    "protocols/values": ("CFG-047", ""),
    "protocols/own": ("", ""),
    "empty_values/general": ("CFG-054", "CFG-054"),
    "empty_values/own": ("", ""),
    "sdk/disabled": ("CFG-055", ""),
    "sdk/exporters": ("CFG-064", ""),
    "sdk/config_file": ("", ""),
    "sdk/undecodable_attributes": ("", ""),
    "intervals/metrics": ("", ""),
}


# How a command ended, told twice in a row.
TWICE = re.compile(r"(it exited with code \d+ after [\d.]+ s)\W+\1")


class SteadyLab(RecordedLab):
    """One in which the command, run without changes, sends all."""

    def run(self, changes: object = None, **options: object) -> Observation:
        if not changes and not options:
            return self.baseline
        return super().run({}, **options)


@pytest.fixture
def own_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "HTTP_PORT", free_port())
    monkeypatch.setattr(endpoints, "GRPC_PORT", free_port())


@pytest.mark.usefixtures("own_ports")
@pytest.mark.parametrize(
    ("name", "exit_code"),
    [
        pytest.param(name, code, id=f"{name}, exit code {code}")
        for name in SILENT
        for code in (0, 1)
    ],
)
def test_a_command_that_sends_nothing_any_more(name: str, exit_code: int) -> None:
    protocol = case(name).protocols[0]
    words = "it is broken" if exit_code else ""
    silent = observed(protocol=protocol, environment=TOLD, exit_code=exit_code, output=words)
    found = judged(case(name), SteadyLab(everything(protocol), silent))
    broken = {rule for rule, each in found.items() if each.outcome == "failed"}
    assert broken == {f"OTLP-{rule}" for rule in SILENT[name][exit_code].split()}
    assert all(each.evidence for each in found.values())
    assert [each for each in found.values() if TWICE.search(each.evidence)] == []


def test_what_is_refused_in_each_run_is_no_loss() -> None:
    """A receiver that refuses all for what it is shows no switch that is heeded in part."""
    refused = everything()
    for each in refused.requests:
        each.problem = Problem(kind="malformed", rule="OTLP-HTTP-008", message="bad")
    lab = RecordedLab(refused)
    assert lost_signals(lab, refused) == ()
    assert lost_signals(lab, observed()) == ("traces", "metrics", "logs")
    found = judged(case("sdk/disabled"), lab)["OTLP-CFG-065"]
    assert (found.outcome, found.evidence) == (
        "inconclusive",
        (
            "OTEL_SDK_DISABLED unset; it sent; the program sets its exporters up in code: "
            "OTEL_<S>_EXPORTER=none changes nothing"
        ),
    )


def test_a_wrong_header_is_told_with_what_came_instead() -> None:
    wrong = everything()
    for each in wrong.requests:
        each.headers = Headers((*each.headers.pairs, ("x-otlptest-plain", "1")))
    lab = RecordedLab(everything(), wrong)
    found = judged(case("headers/own"), lab)["OTLP-CFG-032"]
    assert found.outcome == "failed"
    assert "; received no x-otlptest-both with traces:\n" in found.evidence


# Readings.


def test_last_words_leave_out_the_frames_of_a_stack() -> None:
    output = (
        "one\nConfigurationException: Unsupported protocol\n\tat a.B.c(B.java:1)\n\t... 17 more\n"
        '  File "x.py", line 1\n    ~~~^^^\n\nKeyError: 1\n'
    )
    assert output_tail(observed(output=output, exit_code=1)) == (
        "it exited with code 1 after 1.0 s\n"
        "| one\n| ConfigurationException: Unsupported protocol\n| KeyError: 1"
    )


def test_a_mention_is_a_line_that_the_observing_run_had_not() -> None:
    lab = RecordedLab(observed(output="brotli is fine\n"))
    seen = observed(output="brotli is fine\n  brotli is unknown \n")
    assert find_log_line(lab, seen, ["brotli"]) == "brotli is unknown"
    assert find_log_line(lab, observed(output="brotli is fine"), ["brotli"]) == ""


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param("OTLP-SRV-063", {"tls"}, id="TLS to a plaintext port"),
        pytest.param("OTLP-SRV-080", {"tls"}, id="a handshake that failed"),
        pytest.param("OTLP-SRV-081", {"plaintext"}, id="plaintext to a TLS port"),
        pytest.param("OTLP-HTTP-008", set(), id="something else"),
    ],
)
def test_what_is_spoken_is_told_by_problems_too(rule: str, expected: set[str]) -> None:
    assert transports_used(with_problem(rule)) == expected


def with_problem(rule: str, *, message: str = "so it is") -> Observation:
    problem = Problem(kind="tls_mismatch", rule=rule, message=message)
    seen = observed(environment=TOLD)
    return Observation(
        arrived=Arrived(problems=(problem,)),
        protocol=seen.protocol,
        environment=TOLD,
        exit_code=0,
    )


def test_signals_that_are_lost_without_a_change_are_no_sign() -> None:
    lab = RecordedLab(everything(), observed())
    run = start_until_stable(lab, {"OTEL_EXPORTER_OTLP_HEADERS": "a=1"})
    with pytest.raises(ProcessError, match="does not send traces, metrics, logs in each run"):
        run()


def test_one_unlucky_run_does_not_count() -> None:
    lab = RecordedLab(everything(), observed(), everything())
    assert lost_signals(lab, start_until_stable(lab, {"OTEL_SDK_DISABLED": ""})()) == ()


# Intervals.


def measured(*times: float, duration_s: float = 60.0) -> Observation:
    """Exports of metrics at these seconds after the start of their series."""
    requests = []
    for number, at in enumerate(times, start=1):
        made = accepted("metrics", metric_request(export=number))
        made.signal = "metrics"
        made.started_at = made.received_at = at
        made.received_unix_nano = START + int(at * SECOND)
        requests.append(made)
    return observed(requests, environment=TOLD, ended_at=duration_s)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(measured(1.0, 2.0, 3.1, 3.2), "passed", id="each second"),
        pytest.param(measured(0.4, 2.4, 2.6, 3.6, 3.7), "passed", id="late, then early"),
        pytest.param(measured(1.0, 1.1), "inconclusive", id="too short a life"),
        pytest.param(measured(0.1, 0.2, 0.3, 0.4), "inconclusive", id="flushed all the time"),
        pytest.param(measured(20.0), "failed", id="once, at the end"),
        pytest.param(measured(1.0, 21.0), "failed", id="once, and at the end"),
        pytest.param(
            measured(20.0, duration_s=2.0), "inconclusive", id="a start before the process"
        ),
        pytest.param(observed(environment=TOLD), "inconclusive", id="nothing"),
    ],
)
def test_intervals(seen: Observation, expected: str) -> None:
    lab = SetUpLab(everything(), seen, signals=("metrics",))
    assert judged(case("intervals/metrics"), lab)["OTLP-CFG-067"].outcome == expected


def test_intervals_of_a_reader_that_is_set_up_in_code_accuse_nobody() -> None:
    lab = RecordedLab(everything(), measured(20.0), signals=("metrics",))
    assert judged(case("intervals/metrics"), lab)["OTLP-CFG-067"].outcome == "inconclusive"


def test_intervals_that_are_the_same_without_the_variable_show_nothing() -> None:
    each_second = measured(1.0, 2.0, 3.1, 3.2)
    lab = SetUpLab(each_second, each_second, signals=("metrics",))
    found = judged(case("intervals/metrics"), lab)["OTLP-CFG-067"]
    assert found.outcome == "inconclusive"
    assert found.evidence.endswith("nothing shows that the variable is read")


class SetUpLab(RecordedLab):
    """One of a command that is silent where every exporter is `none`."""

    def run(self, changes: Any = None, **options: Any) -> Observation:  # noqa: ANN401 -- as in the lab
        return observed() if options.get("signals") == () else super().run(changes, **options)


def test_there_is_no_silence_where_nothing_is_measured() -> None:
    assert silence_s(observed()) == 0.0


# Protocols.

JSON: Protocol = "http/json"
GRPC: Protocol = "grpc"
HTTP: Protocol = "http/protobuf"


@pytest.mark.parametrize(
    ("untold", "told_http", "expected"),
    [
        pytest.param(everything(HTTP), HTTP, "passed", id="http/protobuf"),
        pytest.param(everything(GRPC), HTTP, "inconclusive", id="grpc, for compatibility"),
        pytest.param(everything(JSON), HTTP, "failed", id="JSON, though it can do otherwise"),
        pytest.param(everything(JSON), JSON, "inconclusive", id="JSON whatever it is told"),
        pytest.param(observed(), HTTP, "inconclusive", id="nothing"),
    ],
)
def test_the_default_protocol(untold: Observation, told_http: Protocol, expected: str) -> None:
    seen = {HTTP: everything(told_http)}
    assert protocols._judged_default(seen, untold).outcome == expected


@pytest.mark.parametrize(
    ("had", "expected"),
    [
        pytest.param((GRPC, HTTP), ("passed", "passed"), id="both"),
        pytest.param((HTTP,), ("passed", "inconclusive"), id="http/protobuf alone"),
        pytest.param((GRPC,), ("passed", "inconclusive"), id="grpc alone"),
        pytest.param((JSON,), ("inconclusive", "inconclusive"), id="JSON alone"),
        pytest.param((), ("inconclusive", "inconclusive"), id="none that is known"),
    ],
)
def test_the_choice_of_protocols(had: tuple[Protocol, ...], expected: tuple[str, str]) -> None:
    seen = {each: everything(each) for each in had}
    found = [each.outcome for each in protocols._judged_choice(seen)]
    assert tuple(found) == expected


@pytest.mark.parametrize(
    ("is_connected", "outcome"),
    [
        pytest.param(False, "failed", id="it does nothing at all"),
        pytest.param(True, "inconclusive", id="it speaks what the port does not"),
    ],
)
def test_who_connects_has_ignored_a_protocol_that_it_does_not_have(
    *, is_connected: bool, outcome: str
) -> None:
    connection = Connection(number=1, endpoint="http", port=4318)
    silent = Observation(
        arrived=Arrived(connections=(connection,) if is_connected else ()), protocol=GRPC
    )
    lab = RecordedLab(everything(GRPC))
    seen = {GRPC: everything(GRPC), HTTP: silent}
    found = protocols._judged_values(lab, seen, everything(GRPC), is_set_up=True)
    assert found.outcome == outcome


# Switches.


def from_file(*, is_marked: bool) -> Observation:
    """Requests whose resource has what the configuration file says, or not."""
    message = trace_request()
    if is_marked:
        pair = message.resource_spans[0].resource.attributes.add()
        pair.key, pair.value.string_value = "otlptest.from_file", "yes"
    made = accepted("traces", message)
    made.signal = "traces"
    return observed([made], environment=TOLD)


@pytest.mark.parametrize(
    ("seen", "by_file", "expected"),
    [
        pytest.param(observed(), everything().arrived, "passed", id="to the file's endpoint"),
        pytest.param(from_file(is_marked=True), Arrived(), "failed", id="read, and not heeded"),
        pytest.param(from_file(is_marked=False), Arrived(), "not_applicable", id="not read"),
        pytest.param(everything(), everything().arrived, "inconclusive", id="to both"),
        pytest.param(observed(), Arrived(), "inconclusive", id="nothing"),
    ],
)
def test_the_configuration_file(seen: Observation, by_file: Arrived, expected: str) -> None:
    assert sdk._judged_file(seen, by_file).outcome == expected


# TLS.


def closed_in_handshake() -> Observation:
    """A client that goes away once it has seen the server's certificate."""
    connection = Connection(
        number=1,
        endpoint="http",
        port=1,
        is_tls=True,
        bytes_received=500,
        close_reason="closed by the client",
    )
    return Observation(
        arrived=Arrived(connections=(connection,)), protocol=HTTP, environment=TOLD, exit_code=0
    )


REFUSED = with_problem("OTLP-SRV-080", message="the TLS handshake failed: TLSV1_ALERT_UNKNOWN_CA")
UNSHOWN = with_problem("OTLP-SRV-080", message="failed: PEER_DID_NOT_RETURN_A_CERTIFICATE")
PLAINTEXT = with_problem("OTLP-SRV-081")
ALL = everything(is_tls=True)


@pytest.mark.parametrize(
    ("taken", "refused", "expected"),
    [
        pytest.param(ALL, REFUSED, "passed", id="trusted by its authority"),
        pytest.param(ALL, closed_in_handshake(), "passed", id="refused without a word"),
        pytest.param(ALL, ALL, "failed", id="trusted whatever it shows"),
        pytest.param(REFUSED, REFUSED, "failed", id="never trusted"),
        pytest.param(observed(environment=TOLD), REFUSED, "inconclusive", id="not connected"),
        pytest.param(PLAINTEXT, PLAINTEXT, "inconclusive", id="no TLS at all"),
        pytest.param(ALL, observed(environment=TOLD), "inconclusive", id="not tried"),
    ],
)
def test_the_authority(taken: Observation, refused: Observation, expected: str) -> None:
    lab = RecordedLab(everything())
    assert tls._judged_authority(lab, taken, refused).outcome == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(ALL, "passed", id="shown"),
        pytest.param(UNSHOWN, "failed", id="trusted the server and showed nothing"),
        pytest.param(REFUSED, "inconclusive", id="does not trust the server"),
    ],
)
@pytest.mark.parametrize("is_needed", [True, False])
def test_the_client_certificate(seen: Observation, expected: str, *, is_needed: bool) -> None:
    lab = RecordedLab(everything())
    assert tls._judged_certificate(lab, seen, is_needed=is_needed).outcome == expected


@pytest.mark.parametrize(
    ("works", "seen", "expected"),
    [
        pytest.param(True, ALL, "passed", id="own files"),
        pytest.param(True, REFUSED, "failed", id="the general ones"),
        pytest.param(False, REFUSED, "inconclusive", id="no TLS works"),
    ],
)
def test_own_certificates(seen: Observation, expected: str, *, works: bool) -> None:
    lab = RecordedLab(everything())
    found = tls._judged_own("OTLP-CFG-025", lab, seen, [], works=works)
    assert found.outcome == expected


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("endpoints/as_is", "OTLP-CFG-006"),
        ("endpoints/as_is", "OTLP-CFG-007"),
        ("endpoints/as_is", "OTLP-CFG-008"),
        ("endpoints/unchanged", "OTLP-CFG-013"),
        ("endpoints/precedence", "OTLP-CFG-009"),
    ],
)
def test_signals_that_never_come_to_their_path_are_not_missed_elsewhere(
    name: str, rule: str
) -> None:
    astray = request("traces")
    astray.signal, astray.path = None, "/export"
    found = judged(case(name), RecordedLab(observed([astray], environment=TOLD)))
    assert found[rule].outcome == "inconclusive"
