"""What cases of encodings, connections and lifecycle say of runs that show little or are odd."""

import gzip
import socket
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from otlptest.conformance.case import ExporterCase, find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.cases import lifecycle
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.model import Connection, Headers, Problem, Protocol, Request, Signal
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import any_value, log_request, metric_request, trace_request
from tests.support.validated import accepted

GRPC: Protocol = "grpc"
FOLDERS = {
    *("transport", "encoding", "connections", "http_versions", "json", "text"),
    *("attribute_limits", "data"),
}
MESSAGES: dict[Signal, Callable[[], Any]] = {
    "traces": trace_request,
    "metrics": metric_request,
    "logs": log_request,
}


def case(name: str) -> ExporterCase:
    (found,) = find_cases(exporter_cases.CASES, [name])
    return found


def outcome(name: str, rule: str, *runs: Observation) -> str:
    """What a case finds about a rule; the first run is the baseline."""
    return judged(case(name), RecordedLab(*runs))[f"OTLP-{rule}"].outcome


def request(
    signal: Signal = "traces",
    *,
    at: float = 0.0,
    took_s: float = 0.1,
    connection: int = 1,
    protocol: Protocol = "http/protobuf",
    headers: Iterable[tuple[str, str]] = (),
    problem: str = "",
    rule: str = "OTLP-HTTP-008",
    is_of_a_signal: bool = True,
    **more: Any,  # noqa: ANN401 -- fields of a request
) -> Request:
    """A request with a span, a point or a record."""
    made = accepted(signal, MESSAGES[signal]())
    made.signal = signal if is_of_a_signal else None
    made.protocol = protocol
    made.started_at = made.received_at = at
    made.replied_at = at + took_s
    made.headers = Headers(tuple(headers))
    made.encoding = made.headers.get("content-encoding", "identity")  # as the receiver has it
    made.connection = Connection(number=connection, endpoint="http", port=4318, protocol="http/1.1")
    if problem:
        made.problem = Problem(kind=problem, rule=rule, message="it is bad")
    for name, value in more.items():
        setattr(made, name, value)
    return made


NOTHING = observed()


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        pytest.param(each.id, protocol, id=f"{each.id} over {protocol}")
        for each in exporter_cases.CASES
        if each.id.split("/")[0] in FOLDERS or each.id == "lifecycle/shutdown_flush"
        for protocol in each.protocols
    ],
)
def test_a_run_in_which_nothing_came_shows_nothing(name: str, protocol: Protocol) -> None:
    found = judged(case(name), RecordedLab(observed(protocol=protocol)))
    assert {each.outcome for each in found.values()} == {"inconclusive"}
    assert all(each.evidence for each in found.values())


@pytest.mark.parametrize(
    ("name", "rule", "runs", "expected"),
    [
        pytest.param(
            "encoding/http_gzip",
            "HTTP-012",
            [observed([request()])],
            "inconclusive",
            id="it does not compress",
        ),
        pytest.param(
            "encoding/http_gzip",
            "HTTP-012",
            [observed([request(headers=[("Content-Encoding", "gzip, gzip")])])],
            "failed",
            id="compressed twice",
        ),
        pytest.param(
            "encoding/http_gzip",
            "HTTP-012",
            [
                observed(
                    [
                        request(
                            headers=[("Content-Encoding", "gzip")],
                            problem="wrong_method",
                            body=gzip.compress(b""),
                        )
                    ]
                )
            ],
            "inconclusive",
            id="refused before it is inflated",
        ),
        pytest.param(
            "encoding/grpc_gzip",
            "GRPC-011",
            [
                observed(
                    [
                        request(
                            protocol=GRPC,
                            headers=[("grpc-encoding", "gzip")],
                            encoding="gzip",
                            wire_size=len(trace_request().SerializeToString()),
                        )
                    ],
                    protocol=GRPC,
                )
            ],
            "inconclusive",
            id="a message that stays as it is in a gzip call",
        ),
        pytest.param(
            "encoding/http_identity",
            "HTTP-013",
            [
                observed([request()]),
                observed([request(headers=[("Content-Encoding", "gzip")], encoding="gzip")]),
            ],
            "inconclusive",
            id="it compresses all the same",
        ),
        pytest.param(
            "encoding/http_identity",
            "HTTP-013",
            [observed([request(headers=[("Content-Encoding", "br")], problem="unknown_encoding")])],
            "failed",
            id="it names a coding that nobody knows",
        ),
        pytest.param(
            "encoding/http_identity",
            "HTTP-013",
            [observed([request(headers=[("Content-Encoding", "identity")])])],
            "passed",
            id="it says identity",
        ),
        pytest.param(
            "transport/grpc_calls",
            "GRPC-007",
            [
                observed(
                    [request(protocol=GRPC, problem="wrong_path", is_of_a_signal=False)],
                    protocol=GRPC,
                )
            ],
            "inconclusive",
            id="a body behind a wrong path",
        ),
        pytest.param(
            "transport/http_requests",
            "HTTP-008",
            [observed([request(is_of_a_signal=False)])],
            "passed",
            id="a body of no signal",
        ),
        pytest.param(
            "text/protobuf",
            "HTTP-052",
            [observed([request()]), observed([request(problem="malformed")])],
            "inconclusive",
            id="refused for something else",
        ),
    ],
)
def test_headers_and_bodies(name: str, rule: str, runs: list[Observation], expected: str) -> None:
    assert outcome(name, rule, *runs) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param("protocol_error", "failed", id="what no strict parser takes"),
        pytest.param("cut_request", "inconclusive", id="what ended early"),
        pytest.param("tls_mismatch", "passed", id="what is none of its matter"),
    ],
)
def test_framing_by_what_was_no_request(kind: str, expected: str) -> None:
    problem = Problem(kind=kind, rule="OTLP-SRV-050", message="it is bad")
    good = request(headers=[("Host", "localhost:4318")])
    seen = Observation(
        arrived=Arrived(requests=(good,), problems=(problem,)), protocol="http/protobuf"
    )
    assert outcome("transport/http_framing", "HTTP-055", seen) == expected


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        pytest.param([request()], "inconclusive", id="one request"),
        pytest.param(
            [request(at=n, connection=n) for n in (1, 2)], "inconclusive", id="two may be chance"
        ),
        pytest.param(
            [request(at=n, connection=n) for n in (1, 2, 3)], "failed", id="a connection for each"
        ),
        pytest.param(
            [request(at=1.0, took_s=9.0, connection=n) for n in (1, 2, 3)],
            "inconclusive",
            id="all at once",
        ),
        pytest.param([request(at=n) for n in (1, 2)], "passed", id="the same connection"),
        pytest.param([request(), request("logs", at=1.0)], "passed", id="shared by two signals"),
        pytest.param(
            [request(at=n, connection=min(n, 3)) for n in (1, 2, 3, 4, 5)],
            "passed",
            id="opened anew now and then",
        ),
        pytest.param(
            [request(headers=[("Connection", "keep-alive, Close")])], "failed", id="says close"
        ),
    ],
)
def test_reuse_of_connections(requests: list[Request], expected: str) -> None:
    seen = observed(requests)
    assert outcome("connections/http_keep_alive", "HTTP-033", seen) == expected


def test_requests_at_once_are_not_held_against_the_processor() -> None:
    seen = observed([request(at=1.0, took_s=1.0), request(at=1.1)])
    assert outcome("connections/http_parallel", "CFG-070", seen) == "inconclusive"
    assert outcome("connections/http_parallel", "HTTP-037", seen) == "passed"


def test_an_answer_that_was_due_may_have_been_there() -> None:
    seen = observed([request(at=1.0, took_s=0.3), request(at=1.25)])
    assert outcome("connections/http_parallel", "CFG-070", seen) == "passed"


def test_requests_one_by_one_are_sequential() -> None:
    seen = observed([request(at=1.0, protocol=GRPC), request(at=2.0, protocol=GRPC)], protocol=GRPC)
    assert outcome("connections/grpc_parallel", "CFG-070", seen) == "passed"
    assert outcome("connections/grpc_parallel", "GRPC-029", seen) == "passed"


# The shutdown.


def spans(*names: str) -> list[Request]:
    """A request for each span."""
    found = []
    for number, name in enumerate(names):
        message = trace_request()
        (scope,) = message.resource_spans[0].scope_spans
        del scope.spans[1:]
        scope.spans[0].name = name
        scope.spans[0].span_id = bytes([number + 1]) * 8
        found.append(accepted("traces", message, number=number))
    return found


def log_request_of(body: object) -> Any:  # noqa: ANN401 -- a generated class
    """A record with that body."""
    message = log_request()
    message.resource_logs[0].scope_logs[0].log_records[0].body.CopyFrom(any_value(body))
    return message


def flush(*runs: list[Request]) -> str:
    """What is found; the runs are the baseline, at once, no timer, at once, no timer."""
    return outcome("lifecycle/shutdown_flush", "CFG-071", *map(observed, runs))


def test_what_comes_without_a_timer_was_flushed() -> None:
    all_spans = spans("a", "b")
    assert flush(all_spans, all_spans, all_spans) == "passed"


def test_the_order_of_keys_makes_no_other_record() -> None:
    one, other = (
        accepted("logs", log_request_of({name: {name: 1} for name in names}))
        for names in (("a", "b"), ("b", "a"))
    )
    assert flush([one], [one], [other]) == "passed"


def test_what_never_comes_without_a_timer_was_lost() -> None:
    both, one = spans("a", "b"), spans("a")
    assert flush(one, both, one, both, one) == "failed"


def test_what_a_command_that_fails_does_not_send_is_not_missed() -> None:
    both, none = observed(spans("a", "b")), observed(exit_code=1)
    runs = both, both, none, both, none
    assert outcome("lifecycle/shutdown_flush", "CFG-071", *runs) == "inconclusive"


def test_what_is_lost_once_may_be_chance() -> None:
    both, one = spans("a", "b"), spans("a")
    assert flush(both, both, one, both, both) == "inconclusive"


def test_what_is_not_emitted_each_time_is_not_missed() -> None:
    assert flush(spans("a"), spans("a", "b"), spans("a"), spans("a"), spans("a")) == "inconclusive"


def test_what_came_twice_counts_once() -> None:
    one = spans("a")
    assert flush(one, [*one, *one], one) == "passed"


def test_a_signal_that_was_not_asked_for_is_left_alone() -> None:
    requests = [request(), request("logs"), request("metrics")]
    lab = RecordedLab(observed(requests), signals=("traces",))
    judged(case("lifecycle/shutdown_flush"), lab)
    assert [options["signals"] for _, options in lab.asked] == [("traces",)] * 2


def connecting(endpoint: str) -> None:
    host, _, port = endpoint.removeprefix("http://").partition(":")
    socket.create_connection((host, int(port))).close()


class Connecting(RecordedLab):
    """Goes where the endpoint says, and ends."""

    def run(self, changes: Any = None, **options: Any) -> Observation:  # noqa: ANN401 -- as in the lab
        connecting(changes["OTEL_EXPORTER_OTLP_ENDPOINT"])
        return super().run(changes, **options)


@pytest.mark.parametrize(
    ("lab", "expected"),
    [
        pytest.param(RecordedLab(NOTHING), "inconclusive", id="it goes elsewhere"),
        pytest.param(Connecting(NOTHING), "passed", id="it ends"),
        pytest.param(
            Connecting(NOTHING, observed(has_timed_out=True)), "failed", id="it never ends"
        ),
    ],
)
def test_a_dead_endpoint(lab: RecordedLab, expected: str) -> None:
    found = judged(case("lifecycle/dead_endpoint"), lab)
    assert found["OTLP-CFG-074"].outcome == expected
    assert lab.asked[0][1]["timeout_s"] == lifecycle._FOR_EVER_S
