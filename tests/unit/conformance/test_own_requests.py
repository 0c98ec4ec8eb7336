"""At a port of the whole machine, what others send is told from what the command sends."""

from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.own_requests import Mark
from otlptest.model import Connection, Headers, Problem, Request

STARTED_AT = 10.0
OWN, OTHER, EARLIER = (
    Connection(number=number, endpoint="http", port=4318, opened_at=at)
    for number, at in ((1, 11.0), (2, 12.0), (3, 5.0))
)


def sent(connection: Connection, value: str = "") -> Request:
    headers = Headers((("x-otlptest-run", value),) if value else ())
    at = connection.opened_at
    return Request(number=connection.number, connection=connection, headers=headers, started_at=at)


def problem(connection: Connection) -> Problem:
    at = connection.opened_at
    return Problem(kind="tls_mismatch", rule="", message="", connection=connection, found_at=at)


def run(*requests: Request) -> Observation:
    arrived = Arrived(
        requests=requests,
        connections=(OWN, OTHER, EARLIER),
        problems=(problem(OWN), problem(OTHER), problem(EARLIER)),
    )
    return Observation(arrived=arrived, protocol="http/protobuf", started_at=STARTED_AT)


def test_only_what_has_the_mark_is_the_commands_own() -> None:
    mark = Mark()
    own = sent(OWN, mark.value)
    seen = mark.own(run(own, sent(OTHER), sent(OTHER, Mark().value)))
    assert seen.requests == (own,)
    assert seen.connections == (OWN,)
    assert [each.connection for each in seen.problems] == [OWN]


def test_what_a_command_sends_without_the_mark_counts_from_its_start_on() -> None:
    own = sent(OTHER)
    seen = Mark().own(run(sent(EARLIER), own))
    assert seen.requests == (own,)
    assert seen.connections == (OWN, OTHER)
    assert [each.connection for each in seen.problems] == [OWN, OTHER]


def test_what_came_elsewhere_counts_if_it_has_the_mark_of_the_run() -> None:
    mark = Mark()
    stray = Arrived(requests=(sent(OTHER),), connections=(OTHER,))
    assert mark.own_of(stray, run(sent(OWN, mark.value))) == Arrived()
    assert mark.own_of(stray, run()) == stray


def test_the_mark_is_told_by_the_variable_of_headers() -> None:
    mark = Mark()
    assert mark.changes == {"OTEL_EXPORTER_OTLP_HEADERS": f"x-otlptest-run={mark.value}"}
