"""The receiver suite: an endpoint, judged case by case in one protocol after the other."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from otlptest.conformance.cases import (
    ALL_PROTOCOLS,
    ReceiverCase,
    checked_choice,
    fitting_cases,
)
from otlptest.conformance.outcomes import Conformance, SuiteRun, results_of, unjudged_results
from otlptest.conformance.receiver_cases import CASES
from otlptest.conformance.receiver_cases.contrasts import with_plain_signals
from otlptest.conformance.receiver_lab import ReadBack
from otlptest.conformance.receiver_talks import TargetLab, endpoint_of, look_at_receiver
from otlptest.conformance.running import EventSink, SuiteStarted, run_cases
from otlptest.conformance.verdicts import Judged, Policy, lacking, not_observed
from otlptest.errors import UsageError
from otlptest.model import SIGNALS, Protocol, Signal
from otlptest.timing import SYSTEM_CLOCK, Deadline, checked_timeout

__all__ = ["ReceiverSuite", "Target", "conform_receiver", "judged_receiver_case"]

_DEFAULT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A receiver under test.

    Attributes:
        grpc: `host:port` or URL of its gRPC endpoint; empty if it has none.
        http: URL of its HTTP endpoint, without `/v1/traces`; empty if it has none.
        ca_file: PEM of the authority to trust, for https.
        read_back: What it stores; None if that cannot be read.
        wait_s: How long to wait for it to come up.
        name: What reports call it; its endpoints if empty.
        read_back_words: `read_back` as the command line has it, `file:PATH` or
            `otlp:GRPC_PORT:HTTP_PORT`, for the command that runs a case again.
    """

    grpc: str = ""
    http: str = ""
    ca_file: Path | None = None
    read_back: ReadBack | None = None
    wait_s: float = 0.0
    name: str = ""
    read_back_words: str = ""

    @property
    def title(self) -> str:
        """What reports call it."""
        return self.name or " and ".join(each for each in (self.grpc, self.http) if each)

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols that its endpoints may speak."""
        return tuple(each for each in ALL_PROTOCOLS if (self.grpc if each == "grpc" else self.http))

    def lab(self, protocol: Protocol, suite: "ReceiverSuite") -> TargetLab:
        """What cases get, before it is known which signals the receiver takes.

        Raises:
            UsageError: An endpoint is no URL and no `host:port`.
        """
        return TargetLab(
            protocol=protocol,
            grpc=endpoint_of(self.grpc, is_grpc=True) if self.grpc else None,
            http=endpoint_of(self.http, is_grpc=False) if self.http else None,
            ca_file=self.ca_file,
            read_back=self.read_back,
            timeout_s=suite.timeout_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSuite:
    """Which cases to run with a receiver, and how to judge.

    Attributes:
        cases: Ids of cases or requirements, or folders of cases; all if empty.
        signals: Only these signals; all if empty.
        policy: How strictly to judge.
        timeout_s: How long to wait for any one answer.
        jobs: How many cases at a time. One by default: who made a receiver fall must be certain.
        known_cases: What there is to choose from.
    """

    cases: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    policy: Policy = field(default_factory=Policy)
    timeout_s: float = _DEFAULT_TIMEOUT_S
    jobs: int = 1
    known_cases: tuple[ReceiverCase, ...] = field(default=CASES, repr=False)

    def chosen(self, protocol: Protocol) -> tuple[ReceiverCase, ...]:
        """The cases that make sense in a protocol, out of those asked for.

        Raises:
            UnknownNameError: A case that was asked for does not exist.
        """
        return fitting_cases(self.known_cases, self.cases, protocol, self.signals)


def conform_receiver(
    target: Target,
    *,
    protocols: Sequence[Protocol] = (),
    suite: ReceiverSuite | None = None,
    on_event: EventSink | None = None,
) -> Conformance:
    """Judge a receiver by what it answers and, where it can be read back, what it stores.

    Blocks until all cases have ended, in each protocol one after the other.

    Args:
        target: Where it is.
        protocols: In which protocols; all that its endpoints may speak if empty.
        suite: Which cases, and how to judge; all cases, not strictly, if None.
        on_event: Told of each step.

    Raises:
        UsageError: No endpoint was given, or none for a protocol that was asked for.
        UnknownNameError: A protocol, signal or case that was asked for does not exist.
    """
    chosen = suite or ReceiverSuite()
    asked = tuple(protocols) or target.protocols
    _check(chosen, asked)
    labs = [target.lab(protocol, chosen) for protocol in asked if chosen.chosen(protocol)]
    for lab in labs:
        _ = lab.endpoint
    waiting = Deadline(target.wait_s)  # one wait for all protocols
    return Conformance(runs=tuple(_run(target, lab, chosen, on_event, waiting) for lab in labs))


def _check(suite: ReceiverSuite, protocols: Sequence[Protocol]) -> None:
    """Hold that what was asked for exists.

    Raises:
        UsageError: No endpoint was given, or nothing is left to run.
        UnknownNameError: A protocol, signal or case does not exist.
    """
    checked_timeout(suite.timeout_s)
    checked_choice("protocol", protocols, ALL_PROTOCOLS)
    checked_choice("signal", suite.signals, SIGNALS)
    if not protocols:
        raise UsageError("no endpoint was given", "add --grpc HOST:PORT, --http URL, or both")
    if not any(suite.chosen(protocol) for protocol in protocols):
        raise UsageError(
            f"no case fits: {', '.join(suite.cases)} over {', '.join(protocols)}",
            "choose other cases, protocols or signals; --list shows them all",
        )


def _run(
    target: Target,
    lab: TargetLab,
    suite: ReceiverSuite,
    on_event: EventSink | None,
    waiting: Deadline,
) -> SuiteRun:
    started = SYSTEM_CLOCK.monotonic()
    cases = suite.chosen(lab.protocol)
    run_again = _run_again(target, lab.protocol, suite)
    look = look_at_receiver(lab, wait_s=waiting.remaining_s())
    if look.problem:
        results = unjudged_results(
            cases, look.problem, suite.policy, is_lacking=look.is_lacking, run_again=run_again
        )
    else:
        watch = _Watch(lab.after(look, suite.signals))
        if on_event is not None:
            on_event(_started(target, lab, cases))
        judged = run_cases(cases, watch.judge, jobs=suite.jobs, on_event=on_event)
        results = results_of(cases, judged, suite.policy, run_again=run_again)
    return SuiteRun(
        subject=target.title,
        protocol=lab.protocol,
        results=results,
        problem=look.problem,
        is_lacking=look.is_lacking,
        signals=look.signals,
        duration_s=SYSTEM_CLOCK.monotonic() - started,
        policy=suite.policy,
    )


def _started(target: Target, lab: TargetLab, cases: Sequence[ReceiverCase]) -> SuiteStarted:
    return SuiteStarted(
        subject=target.title,
        protocol=lab.protocol,
        cases=len(cases),
        expected_s=sum(case.expected_s for case in cases),
    )


class _Watch:
    """Runs cases as long as the receiver answers; a fallen one is not blamed case after case."""

    def __init__(self, lab: TargetLab) -> None:
        self._lab = lab
        self._fallen_after = ""

    def judge(self, case: ReceiverCase) -> Iterable[Judged]:
        """What a case finds out; nothing is observed of a receiver that fell before."""
        if self._fallen_after and not self._lab.is_alive():
            reason = f"the receiver answers no more since the case {self._fallen_after}"
            return [not_observed(rule, reason) for rule in case.requirements]
        judged = list(judged_receiver_case(case, self._lab))
        self._fallen_after = "" if self._lab.is_alive() else case.id
        return judged


def judged_receiver_case(case: ReceiverCase, lab: TargetLab) -> Iterable[Judged]:
    """What one case finds out; the receiver lacks it if the case needs what is not there."""
    narrowed = lab.narrowed(case)
    missing = _missing(case, narrowed)
    if missing:
        return [lacking(rule, missing) for rule in case.requirements]
    plain, reason = with_plain_signals(narrowed, case)
    if reason:
        return [not_observed(rule, reason) for rule in case.requirements]
    return case.judge(plain)


def _missing(case: ReceiverCase, lab: TargetLab) -> str:
    """What a case needs and does not have, as a sentence; empty if nothing."""
    if not lab.signals:
        return f"the receiver takes no {' or '.join(case.signals)}"
    if "read_back" in case.needs and lab.read_back is None:
        return "what the receiver stored cannot be read back: give --read-back"
    if "grpc" in case.needs and lab.grpc is None:
        return "no gRPC endpoint was given"
    if "http" in case.needs and lab.http is None:
        return "no HTTP endpoint was given"
    return ""


def _run_again(target: Target, protocol: Protocol, suite: ReceiverSuite) -> str:
    words = ["otlptest", "conform", "receiver"]
    words += ["--grpc", target.grpc] if target.grpc else []
    words += ["--http", target.http] if target.http else []
    words += ["--ca-file", str(target.ca_file)] if target.ca_file else []
    words += ["--read-back", target.read_back_words] if target.read_back_words else []
    words += ["--protocol", protocol]
    more = [word for signal in suite.signals for word in ("--signal", signal)]
    if suite.timeout_s != _DEFAULT_TIMEOUT_S:
        more += ["--timeout", f"{suite.timeout_s:g}"]
    return " ".join([shlex.join(words), "--case", "{case}", *more, *suite.policy.words])
