"""Browsers: preflights, and answers that the page may read."""

import pytest

from otlptest import FakeCollector
from otlptest.collector.server.cors import CorsPolicy
from otlptest.errors import ExpectationError, UsageError
from tests.support.http2_talk import call, talk2
from tests.support.receiving import JSON, http1, receiving, talk

PAGE = "http://localhost:3000"
ASKING = (
    ("Origin", PAGE),
    ("Access-Control-Request-Method", "POST"),
    ("Access-Control-Request-Headers", "content-type,x-tenant"),
)
POLICY = CorsPolicy(origins=(PAGE,), headers=("x-tenant",))


def fields_of(answer: bytes) -> dict[str, str]:
    lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}


def test_a_preflight_is_answered_and_is_no_request() -> None:
    with receiving(cors=POLICY) as (receiver, heard):
        answer = talk(receiver.http_port, http1(method="OPTIONS", headers=ASKING))
    fields = fields_of(answer)
    assert answer.startswith(b"HTTP/1.1 204 No Content")
    assert fields["access-control-allow-origin"] == PAGE
    assert fields["access-control-allow-methods"] == "POST"
    allowed = fields["access-control-allow-headers"].split(", ")
    assert allowed == ["content-type", "content-encoding", "authorization", "x-tenant"]
    assert fields["access-control-max-age"] == "600"
    assert fields["vary"] == "Origin"
    assert "content-length" not in fields
    assert (heard.requests, heard.problems) == ([], [])
    assert heard.connections[0].requests == 1


def test_a_preflight_over_http_2_is_answered_too() -> None:
    preflight = (
        (":method", "OPTIONS"),
        (":scheme", "http"),
        (":path", "/v1/traces"),
        ("origin", PAGE),
        ("access-control-request-method", "POST"),
    )
    with receiving(cors=POLICY) as (receiver, heard):
        answer = talk2(receiver.http_port, call(fields=preflight, body=b"")).answers[1]
    assert (answer[":status"], answer["access-control-allow-origin"]) == ("204", PAGE)
    assert heard.kinds() == []


ANSWERS = {
    "success": (http1(b"{}", content_type=JSON, headers=(("Origin", PAGE),)), 200),
    "malformed": (http1(b"{", content_type=JSON, headers=(("Origin", PAGE),)), 400),
    "wrong path": (http1(b"{}", path="/", headers=(("Origin", PAGE),)), 404),
    "wrong type": (http1(b"{}", content_type="a/b", headers=(("Origin", PAGE),)), 415),
    "no host": (http1(headers=(("Origin", PAGE),)).replace(b"Host", b"Hots"), 400),
}


@pytest.mark.parametrize(("sent", "status"), ANSWERS.values(), ids=ANSWERS)
def test_the_page_may_read_every_answer(sent: bytes, status: int) -> None:
    with receiving(cors=POLICY) as (receiver, _):
        answer = talk(receiver.http_port, sent)
    fields = fields_of(answer)
    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert fields["access-control-allow-origin"] == PAGE
    assert fields["access-control-expose-headers"] == "Retry-After"
    assert fields["vary"] == "Origin"


def test_another_origin_gets_no_permission() -> None:
    foreign = (("Origin", "http://evil.invalid"), *ASKING[1:])
    with receiving(cors=POLICY) as (receiver, _):
        asked = fields_of(talk(receiver.http_port, http1(method="OPTIONS", headers=foreign)))
        sent = fields_of(talk(receiver.http_port, http1(headers=foreign[:1])))
    for fields in (asked, sent):
        assert not [name for name in fields if name.startswith("access-control")]
        assert fields["vary"] == "Origin"


@pytest.mark.parametrize(
    ("policy", "page"),
    [(None, PAGE), (POLICY, "http://127.0.0.1:3000")],
    ids=["no policy", "another origin"],
)
def test_a_refused_preflight_is_told_with_what_allows_it(
    policy: CorsPolicy | None, page: str
) -> None:
    asking = (("Origin", page), *ASKING[1:])
    with receiving(cors=policy) as (receiver, heard):
        answer = talk(receiver.http_port, http1(method="OPTIONS", headers=asking))
    assert answer.startswith(b"HTTP/1.1 405")
    assert b"Access-Control" not in answer
    assert heard.kinds() == ["wrong_method"]
    problem = heard.requests[0].problem
    assert problem is not None
    assert problem.message == f"the origin '{page}' is not allowed: a browser's preflight"
    assert problem.expected == "an origin of cors_origins= (otlptest serve --cors-origin)"
    assert not heard.requests[0].is_probe


def test_options_that_are_no_preflight_are_another_mistake() -> None:
    with receiving() as (receiver, heard):
        talk(receiver.http_port, http1(method="OPTIONS", headers=ASKING[1:]))
        talk(receiver.http_port, http1(method="OPTIONS", headers=ASKING[:1]))
    messages = [request.problem.message for request in heard.requests if request.problem]
    assert messages == ["a request by 'OPTIONS'"] * 2


def test_a_wait_names_the_option_and_absence_is_not_proven_after_a_refused_preflight() -> None:
    with FakeCollector() as otlp:
        talk(otlp.http_port, http1(method="OPTIONS", headers=ASKING))
        with pytest.raises(ExpectationError) as missed:
            otlp.spans.wait_for_one(name="click", timeout_s=0)
        with pytest.raises(ExpectationError, match="not_proven"):
            otlp.spans.expect_none(name="click", after=otlp.quiet(0.1))
    (finding,) = missed.value.findings
    assert finding.hint == (
        "the page's browser sends nothing until its origin is allowed:"
        " FakeCollector(cors_origins=[…]), otlptest serve --cors-origin ORIGIN"
    )
    assert finding.received == (
        "no spans, within 0.0 s\nrefused (preflight): the origin 'http://localhost:3000' is not"
        " allowed: a browser's preflight (OPTIONS /v1/traces)"
    )


def test_any_origin_may_be_allowed() -> None:
    with receiving(cors=CorsPolicy(origins=("*",))) as (receiver, _):
        from_page = fields_of(talk(receiver.http_port, http1(headers=(("Origin", PAGE),))))
        from_program = fields_of(talk(receiver.http_port, http1()))
    assert from_page["access-control-allow-origin"] == "*"
    assert "vary" not in from_page
    assert "access-control-allow-origin" not in from_program


def test_credentials_are_allowed_where_the_policy_says_so() -> None:
    policy = CorsPolicy(origins=(PAGE,), allows_credentials=True)
    with receiving(cors=policy) as (receiver, _):
        fields = fields_of(talk(receiver.http_port, http1(headers=(("Origin", PAGE),))))
    assert fields["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(
    "policy",
    [
        {"origins": ("*",), "allows_credentials": True},
        {"origins": ("*", PAGE)},
    ],
    ids=["with credentials", "beside another"],
)
def test_a_star_that_browsers_would_refuse_is_refused(policy: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="stands for all"):
        CorsPolicy(**policy)  # type: ignore[arg-type]  # a table of two shapes
