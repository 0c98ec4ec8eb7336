"""Which planned fault answers which request."""

from collections.abc import Sequence
from typing import Any

import pytest

from otlptest import faults
from otlptest.errors import UsageError
from otlptest.faults import ReplyFault
from otlptest.faults.reply_rules import ReplyRule, ReplyRules
from otlptest.model import Request, Signal
from tests.support.received import a_request

BUSY = faults.unavailable()
FULL = faults.resource_exhausted()
SOME = faults.partial_success(rejected=1)
GOOD = faults.ok()


def a_script(*plans: ReplyRule) -> ReplyRules:
    script = ReplyRules()
    for plan in plans:
        script.add(plan)
    return script


def of(signal: Signal | None = "traces", **fields: Any) -> Request:  # noqa: ANN401 -- passed on
    return a_request(body=b"", signal=signal, **fields)


def answers(script: ReplyRules, requests: Sequence[Request]) -> list[ReplyFault | None]:
    return [script.fault_for(request) for request in requests]


@pytest.mark.parametrize(
    ("planned", "times", "expected"),
    [
        ([BUSY], None, [BUSY, BUSY, BUSY, BUSY, BUSY]),
        ([BUSY], 2, [BUSY, BUSY, None, None, None]),
        ([BUSY, SOME], None, [BUSY, SOME, SOME, SOME, SOME]),
        ([BUSY, SOME, GOOD], None, [BUSY, SOME, GOOD, GOOD, GOOD]),
        ([BUSY, SOME], 1, [BUSY, SOME, None, None, None]),
        ([BUSY, SOME], 2, [BUSY, SOME, BUSY, SOME, None]),
    ],
    ids=["for-good", "counted", "last-stays", "back-to-good", "once", "twice"],
)
def test_sequence_is_played(
    planned: list[ReplyFault], times: int | None, expected: list[ReplyFault | None]
) -> None:
    script = a_script(ReplyRule(planned, times=times, signal="traces"))
    assert answers(script, [of()] * 5) == expected


def test_plan_is_for_its_signal_alone() -> None:
    script = a_script(ReplyRule([BUSY], times=1, signal="logs"))
    requests = [of("traces"), of("metrics"), of("logs"), of("logs")]
    assert answers(script, requests) == [None, None, BUSY, None]


@pytest.mark.parametrize("signal", ["any", None])
def test_plan_for_any_signal_is_for_all(signal: str | None) -> None:
    script = a_script(ReplyRule([BUSY], signal=signal))
    assert answers(script, [of("traces"), of("logs")]) == [BUSY, BUSY]


def test_plan_is_for_requests_that_its_predicate_takes() -> None:
    plan = ReplyRule([BUSY], times=1, where=lambda request: request.headers.get("tenant") == "a")
    requests = [of(), of(headers=[("tenant", "b")]), of(headers=[("Tenant", "a")])]
    assert answers(a_script(plan), requests) == [None, None, BUSY]


def test_plan_is_for_requests_that_belong_to_its_test() -> None:
    plan = ReplyRule([BUSY], belongs=lambda request: request.wire_size > 1)
    assert answers(a_script(plan), [of(wire_size=1), of(wire_size=2)]) == [None, BUSY]


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        pytest.param(
            [ReplyRule([BUSY], times=1, signal="any"), ReplyRule([FULL], times=1, signal="any")],
            [BUSY, FULL, None],
            id="counted-ones-by-age",
        ),
        pytest.param(
            [ReplyRule([BUSY]), ReplyRule([FULL])], [FULL, FULL, FULL], id="endless-newest-first"
        ),
        pytest.param(
            [ReplyRule([BUSY]), ReplyRule([FULL], times=2, signal="any")],
            [FULL, FULL, BUSY],
            id="counted-before-endless",
        ),
        pytest.param(
            [
                ReplyRule([BUSY], times=1, signal="any"),
                ReplyRule([FULL], times=1, signal="any", is_scoped=True),
                ReplyRule([SOME], times=1, signal="any", is_scoped=True),
            ],
            [SOME, FULL, BUSY],
            id="innermost-block-first",
        ),
    ],
)
def test_plans_come_in_their_order(
    plans: list[ReplyRule], expected: list[ReplyFault | None]
) -> None:
    assert answers(a_script(*plans), [of()] * 3) == expected


def test_script_forgets_plans_that_are_over_or_removed() -> None:
    counted = ReplyRule([BUSY], times=1, signal="any")
    endless = ReplyRule([FULL])
    script = a_script(counted, endless)
    script.fault_for(of())
    assert list(script.plans) == [endless]
    script.remove(counted, endless)
    assert not script.plans
    assert script.fault_for(of()) is None


def test_same_seed_picks_the_same_requests() -> None:
    def picked(seed: int) -> list[bool]:
        script = a_script(ReplyRule([BUSY], rate=0.3, seed=seed))
        return [script.fault_for(of()) is not None for _ in range(1000)]

    assert picked(7) == picked(7) != picked(8)
    assert 200 < sum(picked(7)) < 400


def test_rate_of_one_spares_nobody() -> None:
    assert answers(a_script(ReplyRule([BUSY], rate=1)), [of()] * 3) == [BUSY] * 3


def test_fault_that_never_fired_is_a_finding() -> None:
    plan = ReplyRule([BUSY, SOME, GOOD], signal="logs")
    script = a_script(plan)
    script.fault_for(of("logs"))
    (finding,) = plan.findings()
    assert str(finding) == (
        "fault_never_fired: faults.partial_success(rejected=1)\n"
        "  expected: that it acts on requests: logs\n"
        "  received: 1 such request, answered by what was planned before it\n"
        "  hint:     check signal= and where=, wait for what should be hit, or plan fewer faults\n"
        "  explain:  otlptest explain fault_never_fired"
    )
    script.fault_for(of("logs"))
    assert plan.findings() == ()


@pytest.mark.parametrize(
    ("plan", "requests", "received"),
    [
        (ReplyRule([BUSY], signal="logs"), 0, "no such request while it was planned"),
        (
            ReplyRule([BUSY], rate=1e-9, signal="logs"),
            2,
            "2 such requests, all spared by chance",
        ),
    ],
    ids=["none", "spared"],
)
def test_finding_says_what_came_instead(plan: ReplyRule, requests: int, received: str) -> None:
    answers(a_script(plan), [of("logs")] * requests)
    assert [finding.received for finding in plan.findings()] == [received]


def test_good_answer_that_never_came_is_no_finding() -> None:
    assert ReplyRule([GOOD]).findings() == ()


def test_predicate_that_raises_says_no_and_is_told() -> None:
    def by_tenant(request: Request) -> bool:
        return request.headers["tenant"] == "a"

    plan = ReplyRule([BUSY], where=by_tenant)
    assert answers(a_script(plan), [of(), of()]) == [None, None]
    never, failed = plan.findings()
    assert never.rule == "fault_never_fired"
    assert (failed.rule, failed.received) == (
        "fault_predicate_failed",
        "MissingAttributeError: there is no header 'tenant'",
    )
    assert failed.where == "the faults planned for any signal, where by_tenant"


@pytest.mark.parametrize(
    ("planned", "options", "message"),
    [
        ([], {}, "no fault was given"),
        ([faults.unavailable], {}, "is not a reply\n  hint: call it: faults.unavailable()"),
        (
            [[faults.ok()]],
            {},
            "[faults.ok()] is not a reply\n  hint: a sequence is given as arguments",
        ),
        (["ok"], {}, "'ok' is not a reply\n  hint: write a call, e.g. faults.unavailable()"),
        ([faults.goaway()], {}, "faults.goaway() is not a reply\n  hint: faults of the wire go to"),
        ([BUSY], {"times": 2}, 'times=2 needs signal= or where=\n  hint: signal="traces", or'),
        ([BUSY, FULL], {}, "a sequence of faults needs signal= or where="),
        ([BUSY], {"times": 0, "signal": "any"}, "times must be a whole number from 1"),
        ([BUSY], {"signal": "trace"}, "did you mean 'traces'?"),
        ([BUSY], {"where": "traces"}, "where must be a function of a request and is 'traces'"),
        ([BUSY], {"rate": 0}, "rate must be above 0 and at most 1 and is 0"),
        ([BUSY], {"rate": True}, "rate must be above 0 and at most 1 and is True"),
        ([BUSY], {"seed": "x"}, "seed must be a whole number from 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_meant_is_refused(
    planned: list[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        ReplyRule(planned, **options)
    assert message in str(caught.value)
