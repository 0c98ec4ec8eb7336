"""What an answer to a plain valid request says about a receiver, and which headers it may want."""

import pytest

from otlptest.conformance.receiver.headers import header_words, parsed_headers
from otlptest.conformance.receiver.health import (
    Condition,
    condition_of_answer,
    condition_of_failure,
    is_overload,
)
from otlptest.conformance.receiver.suite import Target
from otlptest.conformance.verdicts import Policy, result_of
from otlptest.errors import SendError, UsageError
from otlptest.results import failed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import Http1Answer


def http(status: int) -> Http1Answer:
    return Http1Answer(status=status, is_whole=True)


def grpc(status: int) -> GrpcAnswer:
    return GrpcAnswer(blocks=(((":status", "200"), ("grpc-status", str(status))),), is_ended=True)


@pytest.mark.parametrize(
    ("answer", "words", "harm"),
    [
        pytest.param(http(200), "it takes plain valid requests", None, id="200"),
        pytest.param(http(503), "it says that it is overloaded: HTTP 503", None, id="503"),
        pytest.param(http(429), "it says that it is overloaded: HTTP 429", None, id="429"),
        pytest.param(
            http(500), "it refuses plain valid requests: HTTP 500", "server_error", id="500"
        ),
        pytest.param(http(400), "it refuses plain valid requests: HTTP 400", None, id="400"),
        pytest.param(
            Http1Answer(end="silent"),
            "it answers no plain valid request in time",
            "hang",
            id="silence",
        ),
        pytest.param(
            Http1Answer(end="closed"),
            "it closes the connection of each plain valid request without an answer",
            "hang",
            id="cut",
        ),
        pytest.param(grpc(0), "it takes plain valid requests", None, id="OK"),
        pytest.param(
            grpc(14),
            "it says that it is overloaded: gRPC status UNAVAILABLE (14)",
            None,
            id="UNAVAILABLE",
        ),
        pytest.param(
            grpc(8),
            "it says that it is overloaded: gRPC status RESOURCE_EXHAUSTED (8)",
            None,
            id="RESOURCE_EXHAUSTED",
        ),
        pytest.param(
            grpc(13),
            "it refuses plain valid requests: gRPC status INTERNAL (13)",
            "server_error",
            id="INTERNAL",
        ),
    ],
)
def test_an_answer_to_a_plain_request_is_a_condition(
    answer: Http1Answer | GrpcAnswer, words: str, harm: str | None
) -> None:
    condition = condition_of_answer(answer)
    assert (str(condition), condition.harm) == (words, harm)
    assert condition.is_well == (words == "it takes plain valid requests")
    assert is_overload(answer) == (condition.health == "busy")


@pytest.mark.parametrize(
    ("cause", "health", "harm"),
    [
        pytest.param(ConnectionRefusedError(), "down", "crash", id="refused"),
        pytest.param(TimeoutError(), "late", "hang", id="late"),
        pytest.param(ConnectionResetError(), "cut", "hang", id="reset"),
    ],
)
def test_only_a_refused_connection_is_a_crash(cause: OSError, health: str, harm: str) -> None:
    problem = SendError("http://127.0.0.1:1", "why")
    problem.__cause__ = cause
    condition = condition_of_failure(problem)
    assert (condition.health, condition.harm) == (health, harm)
    assert str(Condition(health="down")) == "nothing listens there any more"


@pytest.mark.parametrize("rule", ["OTLP-RESP-059", "OTLP-SRV-003", "OTLP-SRV-033"])
def test_what_a_receiver_dies_of_fails_at_every_level(rule: str) -> None:
    crash = failed(rule, "it died", harm="crash")
    assert result_of(rule, [("a/b", crash)], Policy()).verdict == "fail"
    assert result_of(rule, [("a/b", failed(rule, "not"))], Policy()).verdict != "fail"


# Headers.


def test_headers_are_parsed_and_printed_again_without_secrets() -> None:
    headers = parsed_headers(["X-Tenant: a b", "Authorization:Bearer x:y", "x-api-key: 1"])
    assert headers == {"X-Tenant": "a b", "Authorization": "Bearer x:y", "x-api-key": "1"}
    assert header_words(headers) == (
        " --header 'X-Tenant: a b'"
        ' --header "Authorization: $AUTHORIZATION"'
        ' --header "x-api-key: $X_API_KEY"'
    )
    assert header_words({}) == ""


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        pytest.param(
            ["secret"],
            "a --header is not of the form 'NAME: VALUE'"
            "\n  hint: e.g. --header 'Authorization: Bearer abc'",
            id="no colon",
        ),
        pytest.param(
            ["a: 1", "A: 2"],
            "two --header options name 'A'\n  hint: give each name once",
            id="twice",
        ),
        pytest.param(
            ["a b: 1"],
            "the header 'a b' cannot be sent"
            "\n  hint: its name must be one word and its value one line of printable ASCII",
            id="a name of two words",
        ),
        pytest.param(
            ["Content-Type: text/plain"],
            "the header 'Content-Type' is set by the suite itself"
            "\n  hint: give only headers that the receiver wants, as Authorization or a tenant",
            id="ours",
        ),
    ],
)
def test_a_header_that_cannot_be_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        parsed_headers(texts)
    assert str(refused.value) == message


def test_a_target_checks_its_headers() -> None:
    with pytest.raises(UsageError, match="the header 'a' must be text and is 1"):
        Target(http="http://127.0.0.1:1", headers={"a": 1})  # type: ignore[dict-item]  # the mistake
