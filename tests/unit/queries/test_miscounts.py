"""Whole messages of verdicts on absence and exact counts: each prints its evidence."""

from collections.abc import Callable

import pytest

from otlptest.errors import ExpectationError
from otlptest.model import Span
from otlptest.queries.evidence.judging import Evidence
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.span_query import SpanQuery
from tests.support.received import a_request, a_source, a_span

QUIET = Evidence(kind="quiet", what="nothing arrived for 1 s", token=99, covers_all=True)
NOBODY = Evidence(kind="exited", what="x has exited", token=99)
EARLY = Evidence(kind="quiet", what="nothing arrived for 1 s", token=1, covers_all=True)
ALL_ARRIVED = (
    "  hint:     all that the evidence covers has arrived: the others were not recorded, were"
    " dropped before they were sent (sampler, full queue), or do not meet the criteria"
)
AFTER_QUIET = "            after quiet: nothing arrived for 1 s; covers every sender"


def numbered(name: str, number: int, *, service: str = "shop", **fields: object) -> Span:
    return a_span(name, service, span_id=f"{number:016x}", **fields)


def spans(*of_requests: list[Span]) -> SpanQuery:
    return SpanQuery(a_source(*map(a_request, of_requests)))


def lines_of(call: Callable[[], object]) -> list[str]:
    with pytest.raises(ExpectationError) as caught:
        call()
    return str(caught.value).splitlines()[1:]


def test_too_few_are_told_with_evidence_and_nothing_unrelated() -> None:
    query = spans([numbered("retry", 1), numbered("connect", 2)], [numbered("retry", 3)])
    verdict = lines_of(lambda: query.expect_count(3, name="retry", service="shop", after=QUIET))
    assert verdict == [
        "wrong_count: service 'shop'",
        "  expected: exactly 3 spans named 'retry'",
        "  received: 2 spans:",
        "            'retry' (span 0000000000000001) in request 1",
        "            'retry' (span 0000000000000003) in request 2",
        "            among 3 spans in 2 requests over grpc",
        AFTER_QUIET,
        ALL_ARRIVED,
        "  explain:  otlptest explain wrong_count",
    ]


def test_what_could_have_been_meant_as_well_is_shown() -> None:
    query = spans(
        [
            numbered("retry", 1),
            numbered("retry", 2, service="payments"),
            numbered("retries", 3),
            numbered("connect", 4),
        ]
    )
    verdict = lines_of(lambda: query.expect_count(3, name="retry", service="shop", after=QUIET))
    assert verdict[5:] == [
        AFTER_QUIET,
        (
            "  closest:  'retries' (span 0000000000000003): name: expected 'retry', received"
            " 'retries'"
        ),
        (
            "            'retry' (span 0000000000000002): service: expected 'shop', received"
            " 'payments'"
        ),
        (
            "  hint:     a name much like it was received: is it misspelt, in the test or in the"
            " program?"
        ),
        "  explain:  otlptest explain wrong_count",
    ]


def test_none_at_all_shows_what_came_near() -> None:
    query = spans([numbered("retry", 1, attributes={"n": "1"})])
    verdict = lines_of(lambda: query.expect_count(1, attributes={"n": 1}, after=QUIET))
    assert verdict[2:6] == [
        "  received: none among 1 span in 1 request over grpc",
        AFTER_QUIET,
        "  closest:  'retry' (span 0000000000000001): n: expected int 1, received str '1'",
        "  hint:     attribute values compare by OTLP type: 1, 1.0, '1' and True are four values",
    ]


def test_nothing_received_says_so_and_prints_the_evidence() -> None:
    assert lines_of(lambda: spans().expect_count(1, name="a", after=QUIET))[:5] == [
        "wrong_count: this collector",
        "  expected: exactly 1 span named 'a'",
        "  received: no spans",
        "            no connection was opened",
        AFTER_QUIET,
    ]


OPEN: dict[str, tuple[Evidence, list[str]]] = {
    "a gap": (
        NOBODY,
        [
            "            after exited: x has exited; covers nobody",
            (
                "            gap: shop has sent in this test (2 requests of traces) and is"
                " not covered"
            ),
            (
                "  hint:     more may be on its way: cover each sender: after=[otlp.exited(a),"
                " otlp.fence(b)], or narrow the criteria with service="
            ),
        ],
    ),
    "stale": (
        EARLY,
        [
            AFTER_QUIET,
            ("            shop sent 1 more span after the evidence 'quiet' was taken"),
            (
                "  hint:     more may be on its way: take the evidence last, after all that the"
                " test causes"
            ),
        ],
    ),
}


@pytest.mark.parametrize(("evidence", "lines"), OPEN.values(), ids=OPEN.keys())
def test_what_the_evidence_leaves_open_is_told_where_some_are_missing(
    evidence: Evidence, lines: list[str]
) -> None:
    query = spans([numbered("a", 1)], [numbered("b", 2)])
    assert lines_of(lambda: query.expect_count(2, name="a", after=evidence))[5:-1] == lines


def test_too_many_are_told_with_evidence() -> None:
    query = spans([numbered("a", number) for number in range(1, 6)])
    assert lines_of(lambda: query.expect_count(2, name="a", after=QUIET)) == [
        "wrong_count: this collector",
        "  expected: exactly 2 spans named 'a'",
        "  received: 5 spans:",
        "            'a' (span 0000000000000001) in request 1",
        "            'a' (span 0000000000000002) in request 1",
        "            'a' (span 0000000000000003) in request 1",
        "            and 2 more",
        AFTER_QUIET,
        "  explain:  otlptest explain wrong_count",
    ]


def test_what_must_not_be_there_is_named() -> None:
    query = spans([numbered("a", 1)])
    assert lines_of(lambda: query.expect_none(name="a", after=QUIET)) == [
        "unexpected_item: this collector",
        "  expected: no span named 'a'",
        "  received: 1 span:",
        "            'a' (span 0000000000000001) in request 1",
        AFTER_QUIET,
        "  explain:  otlptest explain unexpected_item",
    ]


def test_what_was_sent_twice_is_said_to_be_that() -> None:
    span = numbered("a", 1)
    verdict = lines_of(lambda: spans([span], [span]).expect_count(1, after=QUIET))
    assert verdict[-2].startswith("  hint:     all are one and the same, sent more than once")


def test_a_request_too_few_is_counted_among_requests() -> None:
    query = RequestQuery(a_source(a_request([numbered("a", 1)])))
    verdict = lines_of(lambda: query.expect_count(2, signal="traces", after=QUIET))
    assert verdict[2:5] == [
        "  received: 1 request:",
        "            request 1 (POST /v1/traces)",
        "            among 1 request",
    ]
