"""Fuzzing of a receiver: thousands of payloads, and the smallest of the failing ones.

`fuzz_receiver` sends payloads of `otlptest.strategies` to each endpoint and judges the answers;
`replay_payload` sends one again. `fuzzing_judgement` defines what a *fault* is.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from otlptest.conformance.case import ALL_PROTOCOLS, checked_choice
from otlptest.conformance.receiver.first_look import ReceiverLook, look_at_receiver
from otlptest.conformance.receiver.headers import header_words
from otlptest.conformance.receiver.suite import ReceiverSuite, Target
from otlptest.conformance.receiver.target_lab import TargetLab
from otlptest.conformance.results import Conformance, SuiteRun
from otlptest.conformance.verdicts import Policy
from otlptest.errors import SendError, UsageError
from otlptest.fuzzing.client import Talk
from otlptest.fuzzing.examine import Examiner
from otlptest.fuzzing.fuzz_files import read_payload, write_payload
from otlptest.fuzzing.fuzz_results import accused_results, fuzz_results, replay_results
from otlptest.fuzzing.fuzz_session import Failure, FuzzCounts, FuzzEvent, Session
from otlptest.model import SIGNALS, Protocol, Signal
from otlptest.results import CheckResult, failed
from otlptest.sending import send
from otlptest.timing import SYSTEM_CLOCK, Deadline, checked_timeout
from otlptest.wire.otlp.signals import has_profiles

_UNIMPLEMENTED: Final = 12
_LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzPlan:
    """The amount of fuzzing, and the treatment of failures.

    Attributes:
        payloads: The number of payloads over all protocols.
        seed: The same seed draws the same payloads again.
        folder: The folder of failing payloads; created with the first one.
        shrink_s: How long to look for the smallest payload, for each kind of failure.
        attempts: The most payloads to try meanwhile.
        grace_s: The time that a receiver may be away before it counts as fallen.
        restart_s: How long to wait for a fallen receiver to come back.
        signals: The signals to send; all that the receiver takes if empty.
        timeout_s: The time without an answer after which it counts as a hang.
        policy: How strictly to judge.
    """

    payloads: int = 1000
    seed: int = 0
    folder: Path = Path("otlptest-fuzz")
    shrink_s: float = 60.0
    attempts: int = 1000
    grace_s: float = 2.0
    restart_s: float = 10.0
    signals: tuple[Signal, ...] = ()
    timeout_s: float = 10.0
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: A number is out of its range.
            UnknownNameError: The signal does not exist.
        """
        if self.payloads < 1:
            raise UsageError(f"the number of payloads must be 1 or more and is {self.payloads!r}")
        for name in ("shrink_s", "grace_s", "restart_s", "timeout_s"):
            checked_timeout(getattr(self, name), name=name)
        checked_choice("signal", self.signals, SIGNALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFailure:
    """A kind of failure, and the way to reproduce it.

    Attributes:
        failure: The failure, with the smallest payload.
        file: The file of the payload's bytes.
        command: The command that sends it again and judges the answer.
    """

    failure: Failure
    file: Path
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzRun:
    """Fuzzing of one endpoint in one protocol.

    Attributes:
        protocol: The protocol.
        sent: The number of payloads, without those to shrink failures.
        sent_bytes: The bytes in them.
        tallies: The counts of answers by requirement.
        failures: The failures.
        memory: The receiver's memory before, and the highest that was seen, in bytes; None where
            it is unknown.
        ended_early: Why not all were sent; empty if all were.
        duration_s: The duration.
    """

    protocol: Protocol
    sent: int = 0
    sent_bytes: int = 0
    tallies: dict[str, FuzzCounts]
    failures: tuple[FoundFailure, ...] = ()
    memory: tuple[int, int] | None = None
    ended_early: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzReport:
    """The results of fuzzing.

    Attributes:
        conformance: A verdict for each requirement that it is evidence for.
        runs: One per protocol, without endpoints that could not be fuzzed.
        seed: The seed that draws the same payloads again.
    """

    conformance: Conformance
    runs: tuple[FuzzRun, ...]
    seed: int


def fuzz_receiver(
    target: Target,
    plan: FuzzPlan | None = None,
    *,
    protocols: Sequence[Protocol] = (),
    on_event: Callable[[FuzzEvent], None] | None = None,
) -> FuzzReport:
    """Send many valid and invalid payloads to a receiver, and judge the answers.

    Blocks until all are sent and failures are shrunk: some milliseconds for each payload.

    Args:
        target: The receiver.
        plan: The number, the seed and more; 1000 payloads if None.
        protocols: The protocols; all that its endpoints may speak if empty.
        on_event: Receives progress and failures.

    Raises:
        UsageError: No endpoint was given, or none for a requested protocol; or a failing
            payload cannot be written.
        UnknownNameError: A requested protocol does not exist.
    """
    chosen = plan or FuzzPlan()
    asked = tuple(protocols) or target.protocols
    checked_choice("protocol", asked, ALL_PROTOCOLS)
    if not asked:
        raise UsageError("no endpoint was given", "add --grpc HOST:PORT, --http URL, or both")
    labs = [_lab(target, protocol, chosen) for protocol in asked]
    shares = [
        chosen.payloads // len(labs) + (place < chosen.payloads % len(labs))
        for place in range(len(labs))
    ]
    waiting = Deadline(target.wait_s)
    runs: list[FuzzRun] = []
    suites: list[SuiteRun] = []
    for lab, share in zip(labs, shares, strict=True):
        suite, run = _fuzz_endpoint(
            target, lab, chosen, share=share, waiting=waiting, on_event=on_event or _nothing
        )
        suites.append(suite)
        runs += [run] if run else []
    return FuzzReport(
        conformance=Conformance(runs=tuple(suites)), runs=tuple(runs), seed=chosen.seed
    )


def _nothing(_event: FuzzEvent) -> None:
    return


def _lab(target: Target, protocol: Protocol, plan: FuzzPlan) -> TargetLab:
    """Return the lab for the endpoint of a protocol.

    Raises:
        UsageError: The protocol has no endpoint.
    """
    lab = target.lab(protocol, ReceiverSuite(policy=plan.policy, timeout_s=plan.timeout_s))
    _ = lab.endpoint
    return lab


def _fuzz_endpoint(
    target: Target,
    lab: TargetLab,
    plan: FuzzPlan,
    *,
    share: int,
    waiting: Deadline,
    on_event: Callable[[FuzzEvent], None],
) -> tuple[SuiteRun, FuzzRun | None]:
    started = SYSTEM_CLOCK.monotonic()
    common: dict[str, Any] = {
        "subject": target.title,
        "protocol": lab.protocol,
        "policy": plan.policy,
    }
    look = look_at_receiver(lab, wait_s=waiting.remaining_s())
    served = _served(lab, look, plan)
    problem = look.problem or _nothing_to_send(look, plan, served)
    again = ["--fuzz", str(plan.payloads), "--seed", str(plan.seed)]
    run_again = _command(target, lab.protocol, again)
    if problem or not share:
        reason = problem or "no payload fell to this protocol"
        return SuiteRun(
            results=accused_results(look.accusations, plan.policy, run_again=run_again),
            problem=reason,
            is_lacking=look.is_lacking or not share,
            **common,
        ), None
    lab = replace(lab, signals=served)
    with Talk(lab, reads_successes=not look.unreadable) as talk:
        examiner = Examiner(lab, talk, grace_s=plan.grace_s)
        session = Session(
            lab,
            examiner,
            payloads=share,
            seed=plan.seed,
            shrink_s=plan.shrink_s,
            attempts=plan.attempts,
            revive=lambda: _comes_back(examiner, talk, plan.restart_s),
            on_event=on_event,
        )
        session.run()
    duration_s = SYSTEM_CLOCK.monotonic() - started
    run = FuzzRun(
        protocol=lab.protocol,
        sent=session.sent,
        sent_bytes=session.sent_bytes,
        tallies=session.tallies,
        failures=_written(target, session.failures, plan),
        memory=session.memory,
        ended_early=session.ended_early,
        duration_s=duration_s,
    )
    results = fuzz_results(
        run.tallies,
        [(each.failure, each.command) for each in run.failures],
        session.examples,
        plan.policy,
        run_again=run_again,
        accusations=_unreadable(lab.protocol, look),
    )
    return SuiteRun(results=results, signals=served, duration_s=duration_s, **common), run


def _nothing_to_send(look: ReceiverLook, plan: FuzzPlan, served: Sequence[Signal]) -> str:
    if not served:
        return f"it takes no {' or '.join(plan.signals or look.signals)}"
    return ""


def _unreadable(protocol: Protocol, look: ReceiverLook) -> tuple[CheckResult, ...]:
    """Return the mistakes in unreadable successes; the status alone judges the payloads."""
    if not look.unreadable:
        return ()
    rules = {"grpc": "OTLP-RESP-001", "http/json": "OTLP-JSON-039"}
    rule = rules.get(protocol, "OTLP-RESP-002")
    return (failed(rule, f"it takes a plain valid request, but {look.unreadable}"),)


def _served(lab: TargetLab, look: ReceiverLook, plan: FuzzPlan) -> tuple[Signal, ...]:
    """Return the requested signals that the receiver takes."""
    served = [each for each in look.signals if not plan.signals or each in plan.signals]
    wants_profiles = not plan.signals or "profiles" in plan.signals
    if wants_profiles and not look.problem and has_profiles() and _serves_profiles(lab):
        served.append("profiles")
    return tuple(served)


def _serves_profiles(lab: TargetLab) -> bool:
    try:
        sent = send(
            b"{}" if lab.protocol == "http/json" else b"",
            to=lab.endpoint.url,
            protocol=lab.protocol,
            signal="profiles",
            timeout_s=lab.timeout_s,
            ca_file=lab.ca_file,
            headers=dict(lab.headers),
        )
    except SendError:
        return False
    answer = sent.exports[0]
    return answer.is_success and answer.grpc_status != _UNIMPLEMENTED


def _comes_back(examiner: Examiner, talk: Talk, wait_s: float) -> bool:
    """Return whether the receiver answers a probe again; blocks for a while."""
    talk.hang_up()
    deadline = Deadline(wait_s)
    while examiner.health(grace_s=0.0) != "well":
        if not deadline.pause(_LOOK_EVERY_S):
            return False
    return True


def _written(
    target: Target, failures: Sequence[Failure], plan: FuzzPlan
) -> tuple[FoundFailure, ...]:
    found: list[FoundFailure] = []
    for number, failure in enumerate(failures, start=1):
        payload = failure.payload
        file = write_payload(
            plan.folder, payload, kind=failure.fault.kind, number=number, seed=plan.seed
        )
        command = _command(target, payload.protocol, ["--replay", str(file)])
        found.append(FoundFailure(failure=failure, file=file, command=command))
    return tuple(found)


def _command(target: Target, protocol: Protocol, words: Sequence[str]) -> str:
    command = ["otlptest", "conform", "receiver"]
    if protocol == "grpc":
        command += ["--grpc", target.grpc]
    else:
        command += ["--http", target.http]
    command += ["--ca-file", str(target.ca_file)] if target.ca_file else []
    given = shlex.join([*command, "--protocol", protocol])
    return " ".join([given + header_words(target.headers), shlex.join(words)])


def replay_payload(
    target: Target,
    file: Path,
    *,
    protocol: Protocol | None = None,
    signal: Signal | None = None,
    plan: FuzzPlan | None = None,
) -> Conformance:
    """Send one payload of an earlier run again, and judge the answer.

    Args:
        target: The receiver.
        file: The payload's bytes, as fuzzing wrote them.
        protocol: The protocol; the one that found it if None.
        signal: The signal, if fuzzing did not write the file.
        plan: Timeouts and policy.

    Raises:
        FileFormatError: The file cannot be read.
        UsageError: The signal or protocol of the file is unknown, or no endpoint serves it.
    """
    chosen = plan or FuzzPlan()
    payload = read_payload(file, signal=signal, protocol=protocol)
    lab = _lab(target, payload.protocol, chosen)
    common: dict[str, Any] = {
        "subject": target.title,
        "protocol": lab.protocol,
        "policy": chosen.policy,
    }
    look = look_at_receiver(lab, wait_s=target.wait_s)
    if look.problem:
        run = SuiteRun(results=(), problem=look.problem, is_lacking=look.is_lacking, **common)
        return Conformance(runs=(run,))
    lab = replace(lab, signals=look.signals)
    with Talk(lab, reads_successes=not look.unreadable) as talk:
        examiner = Examiner(lab, talk, grace_s=chosen.grace_s)
        seen = examiner.examine(payload)
        if seen.fault is None:
            seen = examiner.look_again(payload)
    command = _command(target, payload.protocol, ["--replay", str(file)])
    results = replay_results(payload, seen, chosen.policy, run_again=command)
    return Conformance(runs=(SuiteRun(results=results, signals=look.signals, **common),))
