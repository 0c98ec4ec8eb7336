"""The exporter suite: a command, judged case by case in one protocol after the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from otlptest.conformance.case import ALL_PROTOCOLS, ExporterCase, checked_choice, fitting_cases
from otlptest.conformance.exporter.baseline import FirstLook, look_at
from otlptest.conformance.exporter.cases import CASES
from otlptest.conformance.exporter.command import Subject, default_jobs
from otlptest.conformance.exporter.command_lab import CommandLab
from otlptest.conformance.results import Conformance, SuiteRun, results_of, unjudged_results
from otlptest.conformance.runner import (
    EventSink,
    SuiteStarted,
    beside_the_main_thread,
    run_cases,
)
from otlptest.conformance.verdicts import NOT_EMITTED, Policy
from otlptest.errors import UsageError
from otlptest.model import SIGNALS, Protocol, Signal
from otlptest.processes import Command
from otlptest.results import CheckResult, inconclusive
from otlptest.timing import SYSTEM_CLOCK, checked_timeout

_DEFAULT_TIMEOUT_S: Final = 60.0
_RUNS_PER_CASE: Final = 2.5  # measured: some cases run the command ten times, many share a run
_SLACK: Final = 3.0  # a run with faults may take that many times as long as one without, and more


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterSuite:
    """The cases to run with a command, and the policy.

    Attributes:
        cases: Ids of cases or requirements, or folders of cases; all if empty.
        signals: Only these signals; all if empty.
        policy: How strictly to judge.
        timeout_s: Seconds after which a run of the command is ended, unless its case sets another.
        jobs: The number of runs at a time; chosen by the cost of a run if None.
        known_cases: The cases to choose from.
    """

    cases: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    policy: Policy = field(default_factory=Policy)
    timeout_s: float = _DEFAULT_TIMEOUT_S
    jobs: int | None = None
    known_cases: tuple[ExporterCase, ...] = field(default=CASES, repr=False)

    def chosen(self, protocol: Protocol) -> tuple[ExporterCase, ...]:
        """Return the cases that support a protocol, out of those asked for.

        Raises:
            UnknownNameError: A case that was asked for does not exist.
        """
        return fitting_cases(self.known_cases, self.cases, protocol, self.signals)

    def lab(self, subject: Subject, protocol: Protocol, look: FirstLook) -> CommandLab | None:
        """Return the lab of the cases; None if the observing run showed nothing to judge."""
        if look.baseline is None or look.problem:
            return None
        wanted = self.signals or SIGNALS
        return CommandLab(
            subject=subject,
            protocol=protocol,
            signals=tuple(each for each in look.signals if each in wanted),
            baseline=look.baseline,
            timeout_s=max(self.timeout_s, _SLACK * look.baseline.duration_s),
            target_version=self.policy.target_version,
        )


def conform_exporter(
    command: Command,
    *,
    protocols: Sequence[Protocol] = ("http/protobuf",),
    suite: ExporterSuite | None = None,
    cwd: str | None = None,
    name: str = "",
    on_event: EventSink | None = None,
) -> Conformance:
    """Judge a command that exports by its requests and its exit.

    Blocks until all cases have ended, in each protocol one after the other; nothing that the
    command started is left then.

    Args:
        command: Any program that reads the standard `OTEL_*` variables, emits some telemetry,
            shuts its SDK down and exits, as a list of words.
        protocols: The protocols to use.
        suite: The cases and the policy; all cases, not strictly, if None.
        cwd: The folder to run it in.
        name: Its name in reports; its command line if empty.
        on_event: Called with each step.

    Raises:
        UsageError: `command` is not a list of words, or the timeout is not a number of seconds.
        UnknownNameError: A protocol, signal or case that was asked for does not exist.
    """
    chosen = suite or ExporterSuite()
    _check(chosen, protocols)
    subject = Subject(command, cwd=cwd, name=name)
    try:
        runs = beside_the_main_thread(
            lambda: [
                _run(subject, protocol, chosen, on_event)
                for protocol in protocols
                if chosen.chosen(protocol)
            ],
            on_stop=subject.close,
        )
    finally:
        subject.close()
    works = any(run.has_judged for run, _ in runs)
    return Conformance(
        runs=tuple(
            _without_protocol(run, chosen) if works and look.ended_quietly else run
            for run, look in runs
        )
    )


def _check(suite: ExporterSuite, protocols: Sequence[Protocol]) -> None:
    """Check that everything that was asked for exists.

    Raises:
        UsageError: The timeout is not a number of seconds, or nothing is left to run.
        UnknownNameError: A protocol, signal or case does not exist.
    """
    checked_timeout(suite.timeout_s)
    checked_choice("protocol", protocols, ALL_PROTOCOLS)
    checked_choice("signal", suite.signals, SIGNALS)
    if not any(suite.chosen(protocol) for protocol in protocols):
        raise UsageError(
            f"no case fits: {', '.join(suite.cases)} over {', '.join(protocols)}",
            "choose other cases, protocols or signals; --list shows them all",
        )


def _run(
    subject: Subject, protocol: Protocol, suite: ExporterSuite, on_event: EventSink | None
) -> tuple[SuiteRun, FirstLook]:
    started = SYSTEM_CLOCK.monotonic()
    cases = suite.chosen(protocol)
    look = look_at(subject, protocol, timeout_s=suite.timeout_s, jobs=suite.jobs)
    lab = suite.lab(subject, protocol, look)
    run_again = _run_again(subject, protocol, suite)
    jobs = suite.jobs or default_jobs()
    if lab is None:
        results = unjudged_results(
            cases, look.problem, suite.policy, is_lacking=look.is_lacking, run_again=run_again
        )
    else:
        if on_event is not None:
            on_event(
                SuiteStarted(
                    subject=subject.name,
                    protocol=protocol,
                    cases=len(cases),
                    expected_s=_expected_s(cases, lab, jobs),
                    run_again=run_again,
                )
            )
        judged = run_cases(
            cases,
            lambda case: judged_case(case, lab),
            jobs=jobs,
            on_event=on_event,
            on_stop=subject.close,
        )
        results = results_of(cases, judged, suite.policy, run_again=run_again)
    run = SuiteRun(
        subject=subject.name,
        protocol=protocol,
        results=results,
        problem=look.problem,
        is_lacking=look.is_lacking,
        signals=look.signals,
        duration_s=SYSTEM_CLOCK.monotonic() - started,
        policy=suite.policy,
    )
    return run, look


def _expected_s(cases: Sequence[ExporterCase], lab: CommandLab, jobs: int) -> float:
    """Return how long the cases take together, roughly."""
    own_s = lab.baseline.duration_s
    waits = [case.expected_s + _RUNS_PER_CASE * own_s for case in cases]
    starts_s = _RUNS_PER_CASE * len(cases) * lab.subject.seconds_per_start
    return max(*waits, sum(waits) / jobs, starts_s) if waits else 0.0


def judged_case(case: ExporterCase, lab: CommandLab) -> Iterable[CheckResult]:
    """Return the results of one case; inconclusive if the command emits no signal that it needs."""
    narrowed = lab.narrowed(case)
    if not narrowed.signals:
        needed = " or ".join(case.signals)
        return [inconclusive(rule, f"{NOT_EMITTED}{needed}") for rule in case.requirements]
    return _judged_and_closed(case, narrowed)


def _judged_and_closed(case: ExporterCase, lab: CommandLab) -> Iterator[CheckResult]:
    try:
        yield from case.judge(lab)
    finally:
        lab.close()


def _without_protocol(run: SuiteRun, suite: ExporterSuite) -> SuiteRun:
    """Return a run in which nothing came, although the command works in another protocol."""
    problem = f"the command does not offer {run.protocol}: {run.problem}"
    cases = suite.chosen(cast("Protocol", run.protocol))
    run_again = run.results[0].run_again.replace(run.results[0].case, "{case}")
    results = unjudged_results(cases, problem, suite.policy, is_lacking=True, run_again=run_again)
    return replace(run, results=results, problem=problem, is_lacking=True)


def _run_again(subject: Subject, protocol: Protocol, suite: ExporterSuite) -> str:
    words = ["otlptest", "conform", "exporter", "--protocol", protocol, "--case", "{case}"]
    words += [word for signal in suite.signals for word in ("--signal", signal)]
    if suite.timeout_s != _DEFAULT_TIMEOUT_S:
        words += ["--timeout", f"{suite.timeout_s:g}"]
    words += suite.policy.words
    return f"{' '.join(words)} -- {subject.words}"
