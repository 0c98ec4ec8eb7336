"""The receiver suite: an endpoint, judged case by case in one protocol after the other."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from otlptest.conformance.case import (
    ALL_PROTOCOLS,
    ReceiverCase,
    checked_choice,
    fitting_cases,
)
from otlptest.conformance.receiver.cases import CASES
from otlptest.conformance.receiver.contrasts import with_plain_signals
from otlptest.conformance.receiver.first_look import ReceiverLook, look_at_receiver
from otlptest.conformance.receiver.headers import checked_headers, header_words
from otlptest.conformance.receiver.lab import ReadBack
from otlptest.conformance.receiver.target_lab import TargetLab, endpoint_of
from otlptest.conformance.receiver.watch import ReceiverWatch
from otlptest.conformance.results import (
    Conformance,
    SuiteRun,
    results_of,
    shortfall_of,
    unjudged_results,
)
from otlptest.conformance.runner import EventSink, SuiteStarted, run_cases
from otlptest.conformance.verdicts import Policy, Result
from otlptest.errors import UsageError
from otlptest.model import SIGNALS, Protocol, Signal
from otlptest.results import CheckResult, inconclusive, not_applicable
from otlptest.timing import SYSTEM_CLOCK, Deadline, checked_timeout

_DEFAULT_TIMEOUT_S: Final = 10.0
_WHOLE_RUN_S: Final = 270.0  # and some seconds for the case that runs then


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A receiver under test.

    Attributes:
        grpc: `host:port` or URL of its gRPC endpoint; empty if it has none.
        http: URL of its HTTP endpoint, without `/v1/traces`; empty if it has none.
        ca_file: PEM of the authority to trust, for https.
        read_back: Access to what it stores; None if that cannot be read.
        wait_s: Seconds to wait for it to come up.
        name: Its name in reports; its endpoints if empty.
        read_back_words: `read_back` as the command line has it, `file:PATH` or
            `otlp:GRPC_PORT:HTTP_PORT`, for the command that runs a case again.
        headers: Headers it wants with each request: header fields over HTTP, metadata over gRPC,
            e.g. `{"Authorization": "Bearer …"}`.

    Raises:
        UsageError: A header cannot be sent.
    """

    grpc: str = ""
    http: str = ""
    ca_file: Path | None = None
    read_back: ReadBack | None = None
    wait_s: float = 0.0
    name: str = ""
    read_back_words: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Refuse headers that cannot be sent.

        Raises:
            UsageError: One cannot.
        """
        checked_headers(self.headers)

    @property
    def title(self) -> str:
        """Its name in reports."""
        return self.name or " and ".join(each for each in (self.grpc, self.http) if each)

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols that its endpoints may speak."""
        return tuple(each for each in ALL_PROTOCOLS if (self.grpc if each == "grpc" else self.http))

    def lab(self, protocol: Protocol, suite: "ReceiverSuite") -> TargetLab:
        """Return the lab of the cases, before the signals of the receiver are known.

        Raises:
            UsageError: An endpoint is neither a URL nor `host:port`.
        """
        return TargetLab(
            protocol=protocol,
            grpc=endpoint_of(self.grpc, is_grpc=True) if self.grpc else None,
            http=endpoint_of(self.http, is_grpc=False) if self.http else None,
            ca_file=self.ca_file,
            read_back=self.read_back,
            timeout_s=suite.timeout_s,
            headers=tuple(self.headers.items()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSuite:
    """The cases to run with a receiver, and the policy.

    Attributes:
        cases: Ids of cases or requirements, or folders of cases; all if empty.
        signals: Only these signals; all if empty.
        policy: How strictly to judge.
        timeout_s: Seconds to wait for each answer.
        jobs: The number of cases at a time. One by default, to know the case that felled it.
        budget_s: Seconds that the whole run may take, in all protocols; cases that are left then
            are inconclusive.
        known_cases: The cases to choose from.
    """

    cases: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    policy: Policy = field(default_factory=Policy)
    timeout_s: float = _DEFAULT_TIMEOUT_S
    jobs: int = 1
    budget_s: float = _WHOLE_RUN_S
    known_cases: tuple[ReceiverCase, ...] = field(default=CASES, repr=False)

    def chosen(self, protocol: Protocol) -> tuple[ReceiverCase, ...]:
        """Return the cases that support a protocol, out of those asked for, floods last.

        Raises:
            UnknownNameError: A case that was asked for does not exist.
        """
        fitting = fitting_cases(self.known_cases, self.cases, protocol, self.signals)
        return tuple(sorted(fitting, key=lambda case: case.flood))


def conform_receiver(
    target: Target,
    *,
    protocols: Sequence[Protocol] = (),
    suite: ReceiverSuite | None = None,
    on_event: EventSink | None = None,
) -> Conformance:
    """Judge a receiver by its answers and, with read-back, by what it stores.

    Blocks until all cases have ended, in each protocol one after the other; the floods follow when
    everything else is done. At most `suite.budget_s`, and half a minute more.

    Args:
        target: The receiver.
        protocols: The protocols to use; all that its endpoints may speak if empty.
        suite: The cases and the policy; all cases, not strictly, if None.
        on_event: Called with each step.

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
    until = Deadline(target.wait_s + chosen.budget_s)
    runs = [_ProtocolRun(target, replace(lab, until=until), chosen, on_event) for lab in labs]
    for run in runs:
        run.look(waiting)
        run.judge(flood=0)
    for flood in sorted({case.flood for run in runs for case in run.cases} - {0}):
        for run in runs:
            run.judge(flood=flood)
    return Conformance(runs=tuple(run.finished(among=asked) for run in runs))


def _check(suite: ReceiverSuite, protocols: Sequence[Protocol]) -> None:
    """Check that everything that was asked for exists.

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


class _ProtocolRun:
    """The run of the cases in one protocol, in stages."""

    def __init__(
        self,
        target: Target,
        lab: TargetLab,
        suite: ReceiverSuite,
        on_event: EventSink | None,
    ) -> None:
        self.cases = suite.chosen(lab.protocol)
        self._target = target
        self._lab = lab
        self._suite = suite
        self._on_event = on_event
        self._look = ReceiverLook()
        self._watch = ReceiverWatch(lab, judged_receiver_case)
        self._judged: dict[str, Sequence[CheckResult]] = {}
        self._duration_s = 0.0

    def look(self, waiting: Deadline) -> None:
        """Find out what the receiver takes; blocks at most `waiting` and some requests."""
        started = SYSTEM_CLOCK.monotonic()
        self._look = look_at_receiver(
            self._lab, wait_s=waiting.remaining_s(), wanted=self._suite.signals
        )
        self._watch = ReceiverWatch(self._look.lab(self._lab), judged_receiver_case)
        self._duration_s += SYSTEM_CLOCK.monotonic() - started

    def judge(self, *, flood: int) -> None:
        """Run the cases of one level of flooding; block until they have ended."""
        cases = [case for case in self.cases if case.flood == flood]
        if self._look.problem or not cases:
            return
        started = SYSTEM_CLOCK.monotonic()
        if self._on_event is not None:
            self._on_event(self._started(cases))
        self._judged |= run_cases(
            cases, self._watch.judge, jobs=self._suite.jobs, on_event=self._on_event
        )
        self._duration_s += SYSTEM_CLOCK.monotonic() - started

    def _started(self, cases: Sequence[ReceiverCase]) -> SuiteStarted:
        return SuiteStarted(
            subject=self._target.title,
            protocol=self._lab.protocol,
            cases=len(cases),
            expected_s=sum(case.expected_s for case in cases),
            run_again=_run_again(self._target, self._lab.protocol, self._suite),
        )

    def finished(self, *, among: Sequence[Protocol]) -> SuiteRun:
        """Return the verdicts.

        Args:
            among: All protocols of the whole run.
        """
        look, policy = self._look, self._suite.policy
        results = self._unjudged(among) if look.problem else self._results()
        return SuiteRun(
            subject=self._target.title,
            protocol=self._lab.protocol,
            results=results,
            problem=look.problem,
            shortfall=shortfall_of(results, {} if look.problem else self._watch.unseen),
            is_lacking=look.is_lacking,
            signals=look.signals,
            duration_s=self._duration_s,
            policy=policy,
        )

    def _results(self) -> tuple[Result, ...]:
        run_again = _run_again(self._target, self._lab.protocol, self._suite)
        return results_of(self.cases, self._judged, self._suite.policy, run_again=run_again)

    def _unjudged(self, among: Sequence[Protocol]) -> tuple[Result, ...]:
        """Return the verdicts if no case could be run; the reason is reported once."""
        look = self._look
        # A missing encoding is judged in the run of the other one, if there is one.
        is_told = look.is_lacking and {"http/protobuf", "http/json"} <= set(among)
        return unjudged_results(
            self.cases,
            look.problem,
            self._suite.policy,
            is_lacking=look.is_lacking,
            run_again=_run_again(self._target, self._lab.protocol, self._suite),
            accusations=() if is_told else look.accusations,
        )


def judged_receiver_case(case: ReceiverCase, lab: TargetLab) -> Iterable[CheckResult]:
    """Return the results of one case; not applicable if something that it needs is missing."""
    narrowed = lab.narrowed(case)
    missing = _missing(case, narrowed)
    if missing:
        return [not_applicable(rule, missing) for rule in case.requirements]
    plain, reason = with_plain_signals(narrowed, case)
    if reason:
        return [inconclusive(rule, reason) for rule in case.requirements]
    return case.judge(plain)


def _missing(case: ReceiverCase, lab: TargetLab) -> str:
    """Return the missing needs of a case, as a sentence; empty if there are none."""
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
    given = shlex.join(words) + header_words(target.headers)
    more = [word for signal in suite.signals for word in ("--signal", signal)]
    if suite.timeout_s != _DEFAULT_TIMEOUT_S:
        more += ["--timeout", f"{suite.timeout_s:g}"]
    return " ".join([given, "--case", "{case}", *more, *suite.policy.words])
