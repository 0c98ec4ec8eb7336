"""Which wire faults are in force: how often, how long, and what is told of them afterwards."""

import pytest

from otlptest import faults
from otlptest.errors import UsageError
from otlptest.faults.injection.injections import Injector, WirePlan


def injector() -> tuple[Injector, list[str]]:
    """An injector, and a list that grows with each change of its plan."""
    changes: list[str] = []
    return Injector(WirePlan(lambda: changes.append("changed")), "the proxy"), changes


def test_fault_fires_as_often_as_asked_and_tells_when_and_where() -> None:
    one, _ = injector()
    injection = one.inject(faults.reset(), 2)
    assert repr(injection) == "<faults.reset(), fired 0 of 2 times>"
    assert [injection.take(7, 3, 1.5), injection.take(8, None, 2.0)] == [True, True]
    assert not injection.take(9, None, 3.0)
    assert not injection.is_in_force
    assert injection.fired == 2
    first, second = injection.firings
    assert (first.fault, first.connection, first.stream_id, first.at) == (faults.reset(), 7, 3, 1.5)
    assert (second.connection, second.stream_id) == (8, None)


def test_fault_ends_with_its_block_also_when_the_block_fails() -> None:
    one, changes = injector()
    scope = one.injecting(faults.reset(), None)
    injection = scope.__enter__()
    assert injection.is_in_force
    assert not scope.__exit__(KeyError, KeyError(), None)
    assert injection.is_ended
    assert not injection.take(1, None, 0.0)
    assert changes == ["changed", "changed"]


def test_end_ends_what_was_injected_here_and_nothing_else() -> None:
    plan = WirePlan(lambda: None)
    mine, other = Injector(plan, "a"), Injector(plan, "b")
    gone = mine.inject(faults.reset(), None)
    stays = other.inject(faults.refuse(), None)
    mine.end()
    mine.end()
    assert (gone.is_ended, stays.is_ended) == (True, False)
    assert plan.injections == (stays,)


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (faults.reset(), "nothing came by that it could act on"),
        (faults.goaway(), "it needs HTTP/2"),
        (faults.reset(after_bytes=1000), "no connection passed 1000 bytes from the client"),
        (
            faults.truncate(after_bytes=5, direction="down"),
            "no connection passed 5 bytes to the client",
        ),
    ],
    ids=repr,
)
def test_fault_that_never_fired_is_a_finding(fault: faults.WireFault, hint: str) -> None:
    one, _ = injector()
    one.inject(fault, None)
    one.inject(faults.refuse(), None).take(1, None, 0.0)
    (finding,) = one.findings()
    assert finding.rule == "fault_never_fired"
    assert (finding.where, finding.severity) == ("the proxy", "error")
    assert finding.expected == f"{fault!r} acts at least once"
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("fault", "times", "problem"),
    [
        (faults.unavailable(), None, "inject() takes a wire fault, and got faults.unavailable()"),
        ("reset", None, "inject() takes a wire fault, and got 'reset'"),
        (faults.reset, None, "inject() takes a wire fault, and got <function reset"),
        (faults.reset(), 0, "times must be a whole number"),
        (faults.reset(), True, "times must be a whole number"),
    ],
    ids=["a reply fault", "a name", "no call", "0 times", "no number"],
)
def test_what_is_no_wire_fault_is_refused(fault: object, times: int, problem: str) -> None:
    one, _ = injector()
    with pytest.raises(UsageError) as raised:
        one.inject(fault, times)  # type: ignore[arg-type]  # that is the point
    assert problem in str(raised.value)
