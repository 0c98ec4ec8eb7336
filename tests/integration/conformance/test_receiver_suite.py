"""The receiver suite over our own fake, over wrong receivers, and over what is none."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from otlptest import FakeCollector
from otlptest.conformance import (
    CaseFinished,
    Event,
    ReceiverCase,
    ReceiverSuite,
    SuiteRun,
    SuiteStarted,
    Target,
    conform_receiver,
)
from otlptest.conformance.receiver.lab import Endpoint, ReceiverLab
from otlptest.conformance.receiver.memory import resident_bytes_at
from otlptest.conformance.receiver.probes import probe_request
from otlptest.conformance.receiver.read_back import FileReadBack, ForwardReadBack
from otlptest.conformance.receiver.target_lab import TargetLab, endpoint_of
from otlptest.conformance.verdicts import Policy
from otlptest.errors import SendError, UnknownNameError, UsageError
from otlptest.model import Protocol, Signal
from otlptest.results import CheckResult, failed, passed
from otlptest.timing import Deadline
from otlptest.wire.otlp.otlp_file_writing import OtlpFileWriter
from otlptest.wire.otlp.signals import request_class

STRICT = ReceiverSuite(
    cases=("exports", "bad_data/random_bytes"), policy=Policy(is_strict=True), timeout_s=5.0
)
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as running:
        yield running


def target(collector: FakeCollector, **more: Any) -> Target:  # noqa: ANN401 -- its fields
    return Target(grpc=collector.grpc_endpoint, http=collector.http_endpoint, **more)


Answer = Callable[[str, bytes], int]
"""The status for a path and a body."""


@contextmanager
def receiver(answer: Answer, media_type: str = "application/x-protobuf") -> Iterator[str]:
    """The URL of an HTTP receiver that answers as it is told, with empty bodies."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def judge(url: str, suite: ReceiverSuite = STRICT) -> SuiteRun:
    (run,) = conform_receiver(Target(http=url), protocols=["http/protobuf"], suite=suite).runs
    return run


def verdicts(run: SuiteRun) -> dict[str, str]:
    return {result.id: result.verdict for result in run.results}


def test_the_fake_passes_its_own_suite_strictly(collector: FakeCollector) -> None:
    stored = ForwardReadBack(collector)
    result = conform_receiver(target(collector, read_back=stored), suite=STRICT)
    assert {each.verdict for run in result.runs for each in run.results} == {"pass"}
    assert [run.protocol for run in result.runs] == ["grpc", "http/protobuf"]
    assert result.has_judged
    assert not result.has_failed


def test_without_read_back_what_needs_it_is_skipped(collector: FakeCollector) -> None:
    run = judge(collector.http_endpoint)
    assert verdicts(run)["OTLP-HTTP-014"] == "skip"
    (result,) = [each for each in run.results if each.id == "OTLP-HTTP-014"]
    assert "can only be read back" in result.evidence


def is_protobuf(body: bytes) -> bool:
    return body[:1] == b"\n"


@pytest.mark.parametrize(
    ("answer", "rule", "verdict"),
    [
        pytest.param(lambda *_: 200, "OTLP-SRV-002", "fail", id="takes random bytes"),
        pytest.param(
            lambda path, _: 400 if "logs" in path else 200,
            "OTLP-HTTP-004",
            "fail",
            id="refuses valid logs",
        ),
        pytest.param(
            lambda path, _: 503 if "logs" in path else 200,
            "OTLP-HTTP-004",
            "inconclusive",
            id="is overloaded with logs",
        ),
        pytest.param(
            lambda path, _: 404 if "logs" in path else 200,
            "OTLP-HTTP-004",
            "skip",
            id="serves no logs",
        ),
        pytest.param(
            lambda _, body: 200 if is_protobuf(body) else 415,
            "OTLP-HTTP-014",
            "fail",
            id="refuses gzip",
        ),
        pytest.param(
            lambda _, body: 200 if is_protobuf(body) else 500,
            "OTLP-SRV-002",
            "fail",
            id="fails at random bytes",
        ),
    ],
)
def test_a_wrong_receiver_is_caught(answer: Answer, rule: str, verdict: str) -> None:
    with receiver(answer) as url:
        assert verdicts(judge(url))[rule] == verdict


def test_one_that_answers_to_bytes_that_it_never_unpacked_is_caught_by_reading_back(
    collector: FakeCollector,
) -> None:
    def forward(path: str, body: bytes) -> int:
        if is_protobuf(body):
            lab.send(body, signal=path.rsplit("/", 1)[1])  # type: ignore[arg-type]  # a signal
        return 200

    lab = TargetLab(
        protocol="http/protobuf", http=endpoint_of(collector.http_endpoint, is_grpc=False)
    )
    suite = ReceiverSuite(cases=("exports/gzip",), signals=("traces",), timeout_s=1.0)
    with receiver(forward) as url:
        stored = Target(http=url, read_back=ForwardReadBack(collector))
        (run,) = conform_receiver(stored, protocols=["http/protobuf"], suite=suite).runs
    assert verdicts(run) == {"OTLP-HTTP-014": "fail"}
    assert "only a plain one like it" in run.results[0].evidence


def test_a_receiver_that_is_down_gets_one_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    run = judge(f"http://127.0.0.1:{port}")
    assert run.problem == f"it cannot be reached at http://127.0.0.1:{port}: Connection refused"
    assert {each.verdict for each in run.results} == {"inconclusive"}
    assert not run.has_judged


@contextmanager
def speaking(words: bytes) -> Iterator[int]:
    """The port of a server that says the same to everybody, and hangs up."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                wire, _ = server.accept()
            except OSError:
                return
            with wire:
                wire.sendall(words)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"], ids=str)
def test_what_speaks_something_else_gets_one_reason(protocol: Protocol) -> None:
    with speaking(b"220 mail.example ESMTP\r\n") as port:
        there = Target(grpc=f"127.0.0.1:{port}", http=f"http://127.0.0.1:{port}")
        (run,) = conform_receiver(there, protocols=[protocol], suite=STRICT).runs
    assert f"it does not speak {protocol}" in run.problem
    assert not run.has_judged


def test_a_web_server_that_serves_no_otlp_gets_one_reason() -> None:
    with receiver(lambda *_: 404, media_type="text/html") as url:
        run = judge(url)
    assert f"nothing at {url} serves OTLP over http/protobuf: traces got HTTP 404" in run.problem


def test_a_receiver_that_names_its_protobuf_otherwise_is_judged_by_that() -> None:
    with receiver(lambda *_: 200, media_type="application/octet-stream") as url:
        found = verdicts(judge(url, ReceiverSuite(cases=("success/media_type",))))
    assert (found["OTLP-HTTP-018"], found["OTLP-HTTP-019"]) == ("fail", "fail")


def test_a_web_server_that_has_a_page_for_every_path_speaks_no_otlp() -> None:
    with receiver(lambda *_: 200, media_type="text/html") as url:
        run = judge(url)
    assert "it does not speak http/protobuf" in run.problem


def test_a_receiver_that_fails_on_every_valid_request_is_accused_of_that_alone() -> None:
    with receiver(lambda *_: 500) as url:
        run = judge(url)
    assert run.problem == (
        "it refuses plain valid requests: traces got HTTP 500, metrics got HTTP 500, "
        "logs got HTTP 500"
    )
    failed = {rule for rule, verdict in verdicts(run).items() if verdict != "inconclusive"}
    assert failed == {"OTLP-HTTP-002", "OTLP-HTTP-003", "OTLP-HTTP-004"}
    assert {each.evidence for each in run.failing} == {
        f"a plain valid {signal} request was answered HTTP 500" for signal in SIGNALS
    }


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_receiver_that_wants_something_else_is_accused_of_nothing(status: int) -> None:
    with receiver(lambda *_: status) as url:
        run = judge(url)
    assert run.problem == (
        f"it refuses plain valid requests: traces got HTTP {status}, metrics got HTTP {status}, "
        f"logs got HTTP {status}; a header that it wants is given with --header 'NAME: VALUE'"
    )
    assert set(verdicts(run).values()) == {"inconclusive"}
    assert not run.has_judged


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_is_overloaded_at_the_first_look_is_accused_of_nothing(
    status: int,
) -> None:
    with receiver(lambda *_: status) as url:
        run = judge(url)
    assert run.problem == (
        f"it says that it is overloaded: traces got HTTP {status}, metrics got HTTP {status}, "
        f"logs got HTTP {status}"
    )
    assert set(verdicts(run).values()) == {"inconclusive"}


def test_a_receiver_that_is_overloaded_for_a_moment_is_waited_for() -> None:
    until = Deadline(1.5)
    with receiver(lambda *_: 200 if until.has_passed() else 503) as url:
        assert verdicts(judge(url))["OTLP-HTTP-002"] == "pass"


def hold(lab: ReceiverLab) -> Iterator[CheckResult]:
    yield passed("OTLP-JSON-002", f"with {', '.join(lab.signals)}")


JSON_CASE = ReceiverCase(
    id="json/any",
    title="any",
    requirements=("OTLP-JSON-002",),
    judge=hold,
    protocols=("http/json",),
)


def test_a_receiver_without_json_lacks_it() -> None:
    suite = ReceiverSuite(known_cases=(JSON_CASE,))
    with receiver(lambda *_: 415) as url:
        result = conform_receiver(Target(http=url), suite=suite)
    assert result.runs[0].is_lacking
    assert {each.verdict for each in result.runs[0].results} == {"skip"}
    assert not result.has_judged


def case(
    name: str,
    judge_it: Callable[[ReceiverLab], Iterator[CheckResult]] = hold,
    **more: Any,  # noqa: ANN401 -- options of the call
) -> ReceiverCase:
    return ReceiverCase(
        id=name,
        title="any",
        requirements=("OTLP-JSON-002",),
        judge=judge_it,
        **more,
    )


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        pytest.param(case("a/b", needs=("read_back",)), "cannot be read back", id="read-back"),
        pytest.param(case("a/b", needs=("grpc",)), "no gRPC endpoint was given", id="gRPC"),
    ],
)
def test_a_case_that_needs_what_is_not_there_is_skipped(
    collector: FakeCollector, chosen: ReceiverCase, reason: str
) -> None:
    run = judge(collector.http_endpoint, ReceiverSuite(known_cases=(chosen,)))
    assert [(each.verdict, reason in each.evidence) for each in run.results] == [("skip", True)]


def test_a_case_that_needs_http_is_skipped_without_it(collector: FakeCollector) -> None:
    suite = ReceiverSuite(known_cases=(case("a/b", needs=("http",)),))
    (run,) = conform_receiver(Target(grpc=collector.grpc_endpoint), suite=suite).runs
    assert run.results[0].evidence == "no HTTP endpoint was given"


def test_only_the_signals_asked_for_are_sent(collector: FakeCollector) -> None:
    chosen = ReceiverSuite(
        known_cases=(case("a/b", signals=("traces", "logs")),), signals=("logs",)
    )
    assert judge(collector.http_endpoint, chosen).results[0].evidence == "with logs"


def test_a_signal_that_the_receiver_does_not_take_is_skipped() -> None:
    suite = ReceiverSuite(known_cases=(case("a/b", signals=("logs",)),))
    with receiver(lambda path, _: 404 if "logs" in path else 200) as url:
        assert judge(url, suite).results[0].evidence == "the receiver takes no logs"


def test_the_case_that_made_a_receiver_fall_is_blamed_alone() -> None:
    fallen = threading.Event()

    def topple(_: ReceiverLab) -> Iterator[CheckResult]:
        fallen.set()
        yield failed("OTLP-JSON-002", "it fell", harm="crash")

    cases = (
        case("a/first", expected_s=9.0),
        case("a/topple", topple, expected_s=5.0),
        case("a/after", expected_s=1.0),
    )
    with receiver(lambda *_: 503 if fallen.is_set() else 200) as url:
        run = judge(url, ReceiverSuite(known_cases=cases))
    (result,) = run.results
    assert result.case == "a/topple"
    assert (result.verdict, result.cases) == ("fail", ("a/first", "a/topple", "a/after"))


def test_after_a_fall_nothing_more_is_observed(collector: FakeCollector) -> None:
    def close(_: ReceiverLab) -> Iterator[CheckResult]:
        collector.close()
        yield passed("OTLP-JSON-002", "closed")

    cases = (case("a/close", close, expected_s=5.0), case("a/after"))
    events: list[Event] = []
    conform_receiver(
        Target(http=collector.http_endpoint),
        protocols=["http/protobuf"],
        suite=ReceiverSuite(known_cases=cases, timeout_s=2.0),
        on_event=events.append,
    )
    assert isinstance(events[0], SuiteStarted)
    last = events[-1]
    assert isinstance(last, CaseFinished)
    assert last.judged[0].evidence == "nothing listens there any more, since the case a/close"


def test_what_was_asked_for_must_exist(collector: FakeCollector) -> None:
    with pytest.raises(UsageError, match="no endpoint was given"):
        conform_receiver(Target())
    with pytest.raises(UsageError, match="no endpoint was given for grpc"):
        conform_receiver(Target(http=collector.http_endpoint), protocols=["grpc"])
    with pytest.raises(UnknownNameError, match="unknown case 'nope'"):
        conform_receiver(target(collector), suite=ReceiverSuite(cases=("nope",)))
    with pytest.raises(UsageError, match="no case fits: exports/served over grpc"):
        conform_receiver(
            target(collector),
            protocols=["grpc"],
            suite=ReceiverSuite(cases=("exports/served",)),
        )


def test_a_command_to_run_one_case_again_has_all_that_it_needs(collector: FakeCollector) -> None:
    result = conform_receiver(target(collector, name="mine"), suite=STRICT)
    assert result.runs[0].subject == "mine"
    assert result.runs[0].results[0].run_again == (
        f"otlptest conform receiver --grpc {collector.grpc_endpoint}"
        f" --http {collector.http_endpoint} --protocol grpc --case exports/served_grpc"
        " --timeout 5 --strict"
    )


# The lab, and reading back.


@pytest.mark.parametrize(
    ("text", "is_grpc", "endpoint"),
    [
        pytest.param("h:1", True, Endpoint(host="h", port=1), id="host and port"),
        pytest.param("h", True, Endpoint(host="h", port=4317), id="gRPC's default port"),
        pytest.param("h", False, Endpoint(host="h", port=4318), id="HTTP's default port"),
        pytest.param("http://h/", False, Endpoint(host="h", port=80), id="http"),
        pytest.param(
            "https://h/a/", False, Endpoint(host="h", port=443, path="/a", is_tls=True), id="https"
        ),
        pytest.param("http://[::1]:2", False, Endpoint(host="::1", port=2), id="IPv6"),
    ],
)
def test_endpoints_are_urls_or_host_and_port(
    text: str, *, is_grpc: bool, endpoint: Endpoint
) -> None:
    assert endpoint_of(text, is_grpc=is_grpc) == endpoint


def test_endpoints_say_what_they_are() -> None:
    endpoint = Endpoint(host="::1", port=2, path="/a", is_tls=True)
    assert (endpoint.url, endpoint.authority) == ("https://[::1]:2/a", "[::1]:2")
    assert Endpoint(host="h", port=2).url == "http://h:2"


@pytest.mark.parametrize("text", ["ftp://h", "http://h:port", "http://", "http://h?x=1"], ids=str)
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"'(ftp|http)://.*': (it is not an http or https URL|Port could not)"
    ):
        endpoint_of(text, is_grpc=False)


@pytest.mark.parametrize("kind", ["grpc", "http"], ids=str)
def test_a_raw_connection_speaks_tls_where_the_endpoint_does(kind: str) -> None:
    with FakeCollector(tls=True) as secured:
        lab = TargetLab(
            protocol="grpc" if kind == "grpc" else "http/protobuf",
            grpc=endpoint_of(secured.grpc_endpoint, is_grpc=True),
            http=endpoint_of(secured.http_endpoint, is_grpc=False),
            ca_file=secured.ca_file,
        )
        with lab.connect() as wire:
            assert isinstance(wire, ssl.SSLSocket)
            assert wire.selected_alpn_protocol() == ("h2" if kind == "grpc" else "http/1.1")
        assert lab.is_alive()
        untrusting = TargetLab(protocol="grpc", grpc=lab.grpc)
        with pytest.raises(SendError, match="no TLS connection"):
            untrusting.connect()


def test_a_receiver_that_is_gone_is_not_alive(collector: FakeCollector) -> None:
    lab = TargetLab(
        protocol="http/protobuf", http=endpoint_of(collector.http_endpoint, is_grpc=False)
    )
    assert lab.is_alive()
    collector.close()
    assert not lab.is_alive()
    with pytest.raises(SendError, match="Connection refused"):
        lab.connect()


def test_memory_of_a_local_receiver_is_known(collector: FakeCollector) -> None:
    lab = TargetLab(protocol="grpc", grpc=endpoint_of(collector.grpc_endpoint, is_grpc=True))
    resident = lab.resident_bytes()
    assert resident is not None
    assert resident > 1_000_000
    assert resident_bytes_at("127.0.0.1", 1) is None
    assert resident_bytes_at("192.0.2.1", collector.grpc_port) is None
    assert resident_bytes_at("no-such-host.invalid", 1) is None


@pytest.mark.parametrize("signal", SIGNALS, ids=str)
def test_a_file_is_read_back_while_it_grows(tmp_path: Path, signal: Signal) -> None:
    path = tmp_path / "out.jsonl"
    stored = FileReadBack(path)
    assert stored.items(signal, "a", timeout_s=0.0) == ()
    with OtlpFileWriter(path) as file:
        message = request_class(signal).FromString(probe_request(signal, "a"))
        timer = threading.Timer(0.1, file.append, [[(signal, message)]])
        timer.start()
        assert len(stored.items(signal, "a")) == 1
        timer.join()
        assert stored.items(signal, "b", timeout_s=0.0) == ()
    assert stored.name == str(path)


@pytest.mark.parametrize("signal", SIGNALS, ids=str)
def test_what_was_forwarded_is_read_back(collector: FakeCollector, signal: Signal) -> None:
    stored = ForwardReadBack(collector)
    lab = TargetLab(protocol="grpc", grpc=endpoint_of(collector.grpc_endpoint, is_grpc=True))
    for marker in ("a", "a", "b"):
        lab.send(probe_request(signal, marker), signal=signal)
    assert len(stored.items(signal, "a", count=2)) == 2
    assert len(stored.items(signal, "b")) == 1
