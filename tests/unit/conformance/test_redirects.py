"""Redirects to a page: what follows them takes the telemetry along, and no secret."""

import urllib.request

import pytest

from otlptest import faults
from otlptest.conformance.exporter.cases import redirects
from otlptest.conformance.exporter.landing_page import Landed, LandingPage
from otlptest.conformance.exporter.retries.delivery_attempts import delivery_attempts
from otlptest.model import Headers
from tests.support.recorded_lab import RecordedLab, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted

REDIRECT = faults.redirect("http://localhost:1/v1/traces", http_status=302)
MEDIA_TYPE = "application/x-protobuf"
REFUSED = observed([accepted("traces", trace_request())], output="traces: HTTP 400 failed\n")


def landed(method: str = "GET", *, body: bytes = b"", kind: str = "", secret: str = "") -> Landed:
    return Landed(method=method, path="/", content_type=kind, authorization=secret, body=body)


WHOLE = landed("POST", body=b"spans", kind=MEDIA_TYPE)


@pytest.mark.parametrize(
    ("came", "said", "told", "discreet"),
    [
        pytest.param((), "", "failed", "passed", id="not followed, and silent"),
        pytest.param((), "HTTP 302 failed", "passed", "passed", id="not followed, and told"),
        pytest.param((landed(),), "", "failed", "inconclusive", id="by GET, and silent"),
        pytest.param(
            (landed(),), "failed: no OTLP", "passed", "inconclusive", id="by GET, and told"
        ),
        pytest.param((WHOLE,), "", "passed", "passed", id="by POST"),
        pytest.param((landed("POST"),), "", "failed", "failed", id="by POST without the body"),
        pytest.param(
            (landed("POST", body=b"spans", kind="text/plain"),),
            "",
            "passed",
            "failed",
            id="by POST with another type",
        ),
        pytest.param(
            (landed(secret="Bearer otlptest-secret"),),  # noqa: S106 -- of nothing
            "",
            "failed",
            "failed",
            id="with the secret",
        ),
    ],
)
def test_a_redirect_to_a_page(
    came: tuple[Landed, ...], said: str, told: str, discreet: str
) -> None:
    request = accepted("traces", trace_request())
    request.headers = Headers((("content-type", MEDIA_TYPE),))
    seen = observed([request], output=f"{said}\n")
    lab = RecordedLab(observed([request]), REFUSED, signals=("traces",))
    each = delivery_attempts(seen, "traces", (REDIRECT,))
    assert redirects._lost_on_the_way(lab, each, came).outcome == told
    assert redirects._discreet(each, came).outcome == discreet


def test_a_page_answers_and_remembers() -> None:
    with LandingPage() as page:
        url = f"http://127.0.0.1:{page.port}/login"
        sent = urllib.request.Request(url, b"spans", {"Content-Type": MEDIA_TYPE})
        with urllib.request.urlopen(sent, timeout=10) as answer:  # noqa: S310 -- as above
            assert (answer.status, answer.read()) == (200, b"<html>ok</html>")
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.status == 200
    assert [(each.method, each.path, each.body) for each in page.landed] == [
        ("POST", "/login", b"spans"),
        ("GET", "/login", b""),
    ]
    assert page.landed[0].content_type == MEDIA_TYPE
