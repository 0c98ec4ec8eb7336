"""The suites as pytest classes that a maintainer adds to their own tests, one test per case.

    # tests/test_conformance.py
    from otlptest.conformance import exporter_suite

    TestExporter = exporter_suite(["python", "emit.py"], protocol="grpc")

A case with a failing requirement fails and shows its findings. One with nothing to judge is
skipped with the reason. Warnings are pytest warnings, or failures with `strict=True`.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import pytest

from otlptest.conformance.case import ALL_PROTOCOLS, AnyCase, checked_choice
from otlptest.conformance.exporter.baseline import look_at
from otlptest.conformance.exporter.command import Subject
from otlptest.conformance.exporter.suite import ExporterSuite, judged_case
from otlptest.conformance.receiver.first_look import ReceiverLook, look_at_receiver
from otlptest.conformance.receiver.suite import ReceiverSuite, Target, judged_receiver_case
from otlptest.conformance.receiver.watch import ReceiverWatch
from otlptest.conformance.results import results_of
from otlptest.conformance.runner import judgements
from otlptest.conformance.verdicts import Policy, Result
from otlptest.errors import ExpectationError, Finding, UsageError
from otlptest.model import SIGNALS, Protocol, Signal
from otlptest.processes import Command
from otlptest.results import CheckResult
from otlptest.timing import checked_timeout

CaseJudge: TypeAlias = Callable[[Any], Iterable[CheckResult]]
"""A function that runs a case of either kind."""


class ConformanceWarning(UserWarning):
    """A fault that does not fail the test of its case."""


def exporter_suite(
    command: Command,
    *,
    protocol: Protocol = "http/protobuf",
    signals: Sequence[Signal] = (),
    cases: Sequence[str] = (),
    strict: bool = False,
    timeout_s: float = 60.0,
    cwd: str | None = None,
) -> type:
    """Return a class of tests that judge a command, one test per case.

    Give it a name that pytest collects: `TestExporter = exporter_suite([...])`.

    Args:
        command: The program, which emits some telemetry, shuts its SDK down and exits.
        protocol: The protocol to use.
        signals: Only these signals; all if empty.
        cases: Ids of cases or requirements, or folders of cases; all if empty.
        strict: Also fail on failed SHOULD requirements.
        timeout_s: Kill a run of the command after this many seconds.
        cwd: The folder to run it in.

    Raises:
        UsageError: `command` is not a list of words, or `timeout_s` is not a number of seconds.
        UnknownNameError: A protocol, signal or case does not exist.
    """
    checked_timeout(timeout_s)
    checked_choice("protocol", [protocol], ALL_PROTOCOLS)
    checked_choice("signal", signals, SIGNALS)
    suite = ExporterSuite(
        cases=tuple(cases),
        signals=tuple(signals),
        policy=Policy(is_strict=strict),
        timeout_s=timeout_s,
    )

    def lab() -> Iterator[CaseJudge]:
        subject = Subject(command, cwd=cwd)
        try:
            look = look_at(subject, protocol, timeout_s=timeout_s)
            made = suite.lab(subject, protocol, look)
            if made is None:
                yield _skipping(look.problem)
            else:
                yield lambda case: judged_case(case, made)
        finally:
            subject.close()

    Subject(command, cwd=cwd)  # an invalid command is reported at once
    return _suite_class(suite.chosen(protocol), suite.policy, lab)


def receiver_suite(
    target: Target,
    *,
    protocol: Protocol = "http/protobuf",
    signals: Sequence[Signal] = (),
    cases: Sequence[str] = (),
    strict: bool = False,
    timeout_s: float = 10.0,
) -> type:
    """Return a class of tests that judge a receiver, one test per case.

    Args:
        target: The receiver's address; it must be up when the tests run.
        protocol: The protocol to use.
        signals: Only these signals; all if empty.
        cases: Ids of cases or requirements, or folders of cases; all if empty.
        strict: Also fail on failed SHOULD requirements.
        timeout_s: Seconds to wait for each answer.

    Raises:
        UsageError: `target` is not a target, has no endpoint for the protocol, or `timeout_s` is
            not a number of seconds.
        UnknownNameError: A protocol, signal or case does not exist.
    """
    if not isinstance(target, Target):
        raise UsageError(
            f"a receiver is given as a Target and not as {target!r}",
            'Target(http="http://127.0.0.1:4318"), from otlptest.conformance',
        )
    checked_timeout(timeout_s)
    checked_choice("protocol", [protocol], ALL_PROTOCOLS)
    checked_choice("signal", signals, SIGNALS)
    suite = ReceiverSuite(
        cases=tuple(cases),
        signals=tuple(signals),
        policy=Policy(is_strict=strict),
        timeout_s=timeout_s,
    )
    made = target.lab(protocol, suite)
    _ = made.endpoint

    def lab() -> Iterator[CaseJudge]:
        look = look_at_receiver(made, wait_s=target.wait_s, wanted=suite.signals)
        if look.problem:
            yield _unjudging(look)
        else:
            yield ReceiverWatch(look.lab(made), judged_receiver_case).judge

    return _suite_class(suite.chosen(protocol), suite.policy, lab)


def _unjudging(look: ReceiverLook) -> CaseJudge:
    """Return a judge that yields accusations for the cases that claim them, and skips others."""
    accused = {each.rule: each for each in look.accusations}

    def judge(case: Any) -> Iterable[CheckResult]:  # noqa: ANN401 -- a receiver case
        mine = [accused[rule] for rule in case.requirements if rule in accused]
        return mine or _skipping(look.problem)(case)

    return judge


def _skipping(reason: str) -> CaseJudge:
    def judge(_: Any) -> Iterable[CheckResult]:  # noqa: ANN401 -- a case of either kind
        pytest.skip(reason)

    return judge


def _suite_class(
    cases: Sequence[AnyCase],
    policy: Policy,
    lab: Callable[[], Iterator[CaseJudge]],
) -> type:
    class Suite:
        """One test per conformance case."""

        @pytest.fixture(scope="class")
        @classmethod
        def otlp_conformance(cls) -> Iterator[CaseJudge]:
            """Yield a function that judges a case; the subject is observed once for the class."""
            yield from lab()

        @pytest.mark.parametrize("case", cases, ids=[case.id for case in cases])
        def test_conformance(
            self,
            case: AnyCase,
            otlp_conformance: CaseJudge,
        ) -> None:
            """Run one case."""
            __tracebackhide__ = True
            _tell(results_of([case], _judged(case, otlp_conformance), policy, run_again=""), policy)

    return Suite


def _judged(
    case: AnyCase,
    judge: CaseJudge,
) -> dict[str, tuple[CheckResult, ...]]:
    return {case.id: judgements(case, judge(case))}


def _tell(results: Sequence[Result], policy: Policy) -> None:
    """End the test of a case as its results say.

    Raises:
        ExpectationError: A requirement fails; its findings are those results.
    """
    __tracebackhide__ = True
    failing = [result for result in results if result.fails(policy)]
    if failing:
        raise ExpectationError(tuple(map(_finding, failing)))
    for result in results:
        if result.verdict == "warn":
            warnings.warn(ConformanceWarning(str(_finding(result))), stacklevel=2)
    if all(result.verdict in {"skip", "inconclusive"} for result in results):
        pytest.skip("; ".join(dict.fromkeys(_why(result) for result in results)))


def _why(result: Result) -> str:
    return f"{result.id} {result.verdict}: {result.evidence}"


def _finding(result: Result) -> Finding:
    return Finding(
        rule=result.id,
        where=f"case {result.case!r}",
        expected=f"{result.title} ({result.level})",
        received=result.evidence,
        severity="warning" if result.verdict == "warn" else "error",
        hint=f"read {result.source}",
    )
