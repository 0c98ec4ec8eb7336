"""Whose requests a plan answers: one test's, in a block or for good, never a leftover."""

from collections.abc import Iterator
from typing import Any

import pytest

from otlptest import FakeCollector, faults, match
from otlptest.errors import ExpectationError, UsageError
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.otlp.otlp_traces import request_from_spans
from tests.support.faulted import GOOD, http_client, post
from tests.support.received import a_span


def spans_from(start_unix_nano: int, name: str = "work") -> bytes:
    span = a_span(
        name,
        start_time_unix_nano=start_unix_nano,
        end_time_unix_nano=start_unix_nano + 1,
    )
    return bytes(request_from_spans([span]).SerializeToString())


@pytest.fixture(name="fake")
def _fake() -> Iterator[FakeCollector]:
    with FakeCollector() as fake:
        yield fake


def test_replying_ends_with_its_block(fake: FakeCollector) -> None:
    with fake.replying(faults.status(429, retry_after_s=1), signal="any"):
        assert post(fake).status == 429
    assert post(fake).status == 200
    assert fake.failing_findings() == ()


def test_replying_ends_with_its_block_even_when_it_raises(fake: FakeCollector) -> None:
    with pytest.raises(ZeroDivisionError), fake.replying(faults.unavailable()):
        raise ZeroDivisionError
    assert post(fake).status == 200


def test_block_comes_before_what_was_planned_outside(fake: FakeCollector) -> None:
    fake.reply(faults.status(500))
    with fake.replying(faults.status(502)), fake.replying(faults.status(504)):
        assert post(fake).status == 504
    assert post(fake).status == 500


def test_block_whose_fault_never_fired_is_a_finding(fake: FakeCollector) -> None:
    with fake.replying(faults.unavailable(), signal="logs"):
        post(fake)
    (finding,) = fake.failing_findings()
    assert (finding.rule, finding.where) == ("fault_never_fired", "faults.unavailable()")
    assert finding.severity == "error"
    fake.allow("fault_never_fired")
    assert fake.failing_findings() == ()


def test_arguments_are_checked_where_they_are_written(fake: FakeCollector) -> None:
    with pytest.raises(UsageError, match="needs signal= or where="):
        fake.reply(faults.unavailable(), times=2)
    with pytest.raises(UsageError, match="needs signal= or where="):
        fake.replying(faults.unavailable(), times=2)
    assert fake.failing_findings() == ()


def test_predicate_sees_the_whole_request(fake: FakeCollector) -> None:
    seen: list[Any] = []

    def is_large(request: Any) -> bool:  # noqa: ANN401 -- a request
        seen.append((request.signal, request.path, request.headers["content-type"]))
        return bool(request.size > len(GOOD))

    fake.reply(faults.status(413), where=is_large)
    assert (post(fake).status, post(fake, GOOD * 2).status) == (200, 413)
    assert seen == [("traces", "/v1/traces", "application/x-protobuf")] * 2


def test_fault_of_one_test_does_not_answer_a_leftover_of_another(fake: FakeCollector) -> None:
    before = SYSTEM_CLOCK.unix_nanos()
    with http_client(fake) as old:
        post(fake, client=old)
        view = fake.view()
        view.reply(faults.unavailable(), times=1, signal="traces")
        assert post(fake, spans_from(before), client=old).status == 200
        assert post(fake, spans_from(SYSTEM_CLOCK.unix_nanos()), client=old).status == 503
    assert view.failing_findings() == ()


def test_fault_answers_requests_that_cannot_be_dated(fake: FakeCollector) -> None:
    view = fake.view()
    view.reply(faults.unavailable(), times=2, signal="any")
    assert post(fake, b"").status == 503  # no items
    assert post(fake, spans_from(0)).status == 503  # no times


def test_what_a_fault_refused_is_dated_by_its_items(fake: FakeCollector) -> None:
    with http_client(fake) as old:
        post(fake, client=old)
        view = fake.view()
        view.reply(faults.unavailable(), times=1, signal="traces")
        post(fake, spans_from(SYSTEM_CLOCK.unix_nanos()), client=old)
        (request,) = view.requests.all()
    assert request.is_discarded


def test_nothing_that_a_view_planned_outlives_its_end(fake: FakeCollector) -> None:
    view = fake.view()
    view.reply(faults.unavailable())
    other = fake.view()
    assert other.findings() == ()
    view.end_faults()
    assert post(fake).status == 200
    assert [finding.rule for finding in view.failing_findings()] == ["fault_never_fired"]


def test_wait_that_runs_out_says_what_faults_refused(fake: FakeCollector) -> None:
    fake.reply(faults.unavailable())
    post(fake)
    with pytest.raises(ExpectationError) as caught:
        fake.spans.wait_for_one(name="good", timeout_s=0.05)
    (finding,) = caught.value.findings
    assert "1 request not received because of faults.unavailable(), and" in finding.received
    assert finding.hint.startswith(
        "this test planned faults.unavailable(): 503 is retryable, so a right exporter sends again"
    )


def test_description_counts_what_faults_answered(fake: FakeCollector) -> None:
    fake.reply(faults.unavailable())
    post(fake)
    post(fake)
    assert fake.describe().splitlines()[:3] == [
        "2 requests (2 refused) over 2 connections",
        "answered by planned faults:",
        "       2  faults.unavailable()",
    ]


def test_queries_select_requests_by_their_reply(fake: FakeCollector) -> None:
    fake.reply(faults.unavailable(), times=1, signal="any")
    post(fake)
    post(fake)
    refused = fake.requests.where(reply_fault="faults.unavailable()")
    assert [request.number for request in refused.all()] == [1]
    usual = fake.requests.where(reply_fault=match.absent())
    assert [request.number for request in usual.all()] == [2]
