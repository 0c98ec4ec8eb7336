"""One fuzzing run against one endpoint: draws, examines, shrinks failures, and counts."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from otlptest.conformance.receiver.target_lab import TargetLab
from otlptest.fuzzing.draw import (
    FailedError,
    run_portion,
    seed_of,
    share_of,
    topics_in_order,
)
from otlptest.fuzzing.examine import Examination, Examiner
from otlptest.fuzzing.oracle import ALSO_PLAIN, Fault, reason_of
from otlptest.strategies import DEFAULT_UNIX_NANO, Payload
from otlptest.strategies.payloads import Topic
from otlptest.timing import SYSTEM_CLOCK, Deadline

_TELL_EVERY_S: Final = 2.0
_LOOK_EVERY: Final = 1000  # payloads between two looks at memory and health
_REMEMBERED: Final = 8
_MOST_HUNTS: Final = 25
_CONFIRMED: Final = 3  # smallest payloads to confirm; more are not sent again in the end
_MORTAL: Final = frozenset({"crash", "hang"})
_MIB: Final = 2**20
_SPARE_BYTES: Final = 256 * _MIB
_BYTES_PER_BYTE: Final = 20  # memory that a receiver may keep for each byte that it was sent


@dataclass(slots=True)
class FuzzCounts:
    """The counts of answers to the payloads about one requirement."""

    taken: int = 0
    taken_in_part: int = 0
    refused: int = 0
    overloaded: int = 0
    faulty: int = 0
    aged: int = 0
    alike: int = 0

    @property
    def judged(self) -> int:
        """Return the number of payloads with a meaningful answer."""
        return self.taken + self.taken_in_part + self.refused

    def __str__(self) -> str:
        """Return the counts that are not 0, as text."""
        counts = {
            "taken": self.taken,
            "taken in part": self.taken_in_part,
            "refused": self.refused,
            "refused for load or size": self.overloaded,
            "refused for the age of their data": self.aged,
            "failed as the same telemetry without the oddity does": self.alike,
            "failed, which is reported as a failure of its own": self.faulty,
        }
        return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"


@dataclass(slots=True)
class Failure:
    """A fault, and the smallest payload that shows it.

    Attributes:
        fault: What the receiver did.
        payload: The payload that causes it.
        first: The first payload that did.
        times: How many of the drawn payloads caused it.
        is_shrunk: Whether the search for a smaller payload was completed.
        note: A note for readers: why it was not shrunk, or that it does not always fail.
        others: How many of `times` were odd or broken payloads that got the same answer.
        reason: See `reason_of`.
    """

    fault: Fault
    payload: Payload
    first: Payload
    times: int = 1
    is_shrunk: bool = False
    note: str = ""
    others: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzProgress:
    """The progress of a run, reported every few seconds."""

    protocol: str
    sent: int
    payloads: int
    failures: int
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzFailed:
    """A failed payload, reported when its shrinking begins and when it ends."""

    fault: Fault
    payload: Payload
    is_shrunk: bool


FuzzEvent: TypeAlias = FuzzProgress | FuzzFailed


class _OverError(BaseException):
    """Ends a run if the receiver no longer answers. Hypothesis lets it through."""


class _EnoughError(BaseException):
    """Ends a hunt that takes too long. Hypothesis lets it through."""


@dataclass(slots=True)
class _Hunt:
    """The search for the smallest payload that shows a fault."""

    failure: Failure
    deadline: Deadline
    smaller: list[Payload] = field(default_factory=list)
    attempts: int = 0
    most_attempts: int = 0

    @property
    def is_over(self) -> bool:
        """Return whether it had enough attempts: counted, so that a seed gives one result."""
        return self.attempts >= self.most_attempts or self.deadline.has_passed()


class Session:
    """One endpoint, one protocol, one seed.

    Args:
        lab: The receiver, with the signals that it takes.
        examiner: Sends and judges.
        payloads: How many to draw.
        seed: The seed of the draws.
        shrink_s: How long to look for a smaller payload, for each fault.
        attempts: The most payloads to try meanwhile.
        revive: Waits until the receiver answers again; False if it does not.
        on_event: Receives progress and failures.
    """

    def __init__(
        self,
        lab: TargetLab,
        examiner: Examiner,
        *,
        payloads: int,
        seed: int,
        shrink_s: float,
        attempts: int,
        revive: Callable[[], bool],
        on_event: Callable[[FuzzEvent], None],
    ) -> None:
        self.tallies: dict[str, FuzzCounts] = {}
        self.examples: dict[str, str] = {}
        self.failures: list[Failure] = []
        self.sent = 0
        self.sent_bytes = 0
        self.ended_early = ""
        self.memory: tuple[int, int] | None = None
        self._lab = lab
        self._examiner = examiner
        self._payloads = payloads
        self._wanted = 0
        self._portions = 0
        self._seed = seed
        self._shrink_s = shrink_s
        self._attempts = attempts
        self._revive = revive
        self._on_event = on_event
        self._at = DEFAULT_UNIX_NANO
        self._known: dict[object, Failure] = {}
        self._recent: deque[Payload] = deque(maxlen=_REMEMBERED)
        self._hunt: _Hunt | None = None
        self._started = SYSTEM_CLOCK.monotonic()
        self._told = self._started

    def run(self) -> None:
        """Draw and send everything; blocks until it is done or the receiver is gone for good."""
        base = self._lab.resident_bytes()
        self.memory = None if base is None else (base, base)
        try:
            while self.sent < self._payloads and not self.ended_early:
                self._run_round()
        except _OverError:
            self._finish_hunt()  # with the results so far
        self._merge()
        self._look_at_memory()

    def _run_round(self) -> None:
        """Draw about each topic once; only very many payloads need a second round."""
        before = self.sent
        topics = topics_in_order(self._lab.protocol, self._lab.signals, seed=self._seed)
        for place, topic in enumerate(topics):
            left = self._payloads - self.sent
            self._run_topic(topic, share_of(topic, left, len(topics) - place))
        if self.sent == before:
            self.ended_early = "Hypothesis draws no more payloads"

    def _run_topic(self, topic: Topic, count: int) -> None:
        """Draw about one topic; after a hunt, draw the rest."""
        self._wanted = self.sent + count
        has_hunted = True
        while has_hunted and self.sent < self._wanted:
            self._portions += 1
            seed = seed_of(self._seed, self._lab.protocol, self._portions)
            with suppress(_EnoughError):
                run_portion(topic.payloads(self._at), seed, self._wanted - self.sent, self._test)
            has_hunted = self._hunt is not None
            self._finish_hunt()

    def _test(self, payload: Payload) -> None:
        """Examine one payload.

        Raises:
            FailedError: It fails. Raised in one place: Hypothesis tells failures apart by that.
        """
        if self._hunt is not None:
            has_failed = self._is_prey(self._hunt, payload)
        else:
            has_failed = self.sent < self._wanted and self._is_new_failure(payload)
        if has_failed:
            raise FailedError

    def _is_new_failure(self, payload: Payload) -> bool:
        """Send one payload and count its answer; return whether a hunt begins with it."""
        self.sent += 1
        self.sent_bytes += len(payload.body)
        self._recent.append(payload)
        seen = self._examiner.examine(payload)
        self._count(payload, seen)
        self._tell()
        if self.sent % _LOOK_EVERY == 0:
            self._look_at_memory()
        return seen.fault is not None and self._note(payload, seen)

    def _note(self, payload: Payload, seen: Examination) -> bool:
        """Record a fault; return whether it is new and to be hunted down now."""
        fault = seen.fault
        if fault is None:
            return False
        known = self._known_as(fault, seen)
        if known is not None and known.fault.signature != fault.signature:
            known.times += 1
            known.others += 1
            self._stand_up(known)
            return False
        payload = seen.plain or payload
        if known is not None:
            known.times += 1
            if len(payload.body) < len(known.payload.body):
                known.payload, known.fault = payload, fault
            self._stand_up(known)
            return False
        failure = Failure(
            fault=fault, payload=payload, first=payload, reason=reason_of(seen.answer)
        )
        self.failures.append(failure)
        self._known[fault.signature] = failure
        self._on_event(FuzzFailed(fault=fault, payload=payload, is_shrunk=False))
        self._stand_up(failure)
        if len(self.failures) > _MOST_HUNTS:
            failure.note = f"not shrunk: more than {_MOST_HUNTS} kinds of failures"
            return False
        self._hunt = _Hunt(
            failure=failure,
            deadline=Deadline(self._shrink_s),
            smaller=[payload],
            most_attempts=self._attempts,
        )
        return True

    def _known_as(self, fault: Fault, seen: Examination) -> Failure | None:
        """Return the failure that a fault counts to: its own kind, or that of a valid payload."""
        known = self._known.get(fault.signature)
        if known is not None or fault.kind not in ALSO_PLAIN:
            return known
        reason = reason_of(seen.answer)
        alike = (each for each in self.failures if each.fault.kind == fault.kind)
        return next((each for each in alike if each.fault.reason == reason), None)

    def _merge(self) -> None:
        """Count the failure of an odd payload to that of a valid one found later."""
        for failure in list(self.failures):
            if failure.fault.kind not in ALSO_PLAIN or failure.fault.reason:
                continue
            reason = failure.reason
            for other in self.failures:
                if other.fault.reason == reason and other.fault.kind == failure.fault.kind:
                    other.times += failure.times
                    other.others += failure.times
                    self.failures.remove(failure)
                    break

    def _stand_up(self, failure: Failure) -> None:
        """Continue only if the receiver answers.

        Raises:
            _OverError: It does not come back.
        """
        if failure.fault.kind not in _MORTAL:
            return
        if not self._revive():
            others = len(self._recent) - 1
            failure.note = (
                f"not shrunk: the receiver did not come back; the cause may also be one of the "
                f"{others} payloads before it"
                if others
                else "not shrunk: the receiver did not come back"
            )
            self.ended_early = f"the receiver answers no more after {self.sent:,} payloads"
            raise _OverError

    def _is_prey(self, hunt: _Hunt, payload: Payload) -> bool:
        """Return whether a payload shows the hunted fault too.

        Raises:
            _EnoughError: The hunt has taken too long.
        """
        if hunt.is_over:
            raise _EnoughError
        hunt.attempts += 1
        seen = self._look(hunt.failure, payload)
        if seen.fault is None or seen.fault.signature != hunt.failure.fault.signature:
            return False
        hunt.smaller.append(seen.plain or payload)
        return True

    def _look(self, failure: Failure, payload: Payload) -> Examination:
        """Return the result of a payload of a hunt; the receiver answers again afterwards.

        Raises:
            _OverError: It does not.
        """
        is_mortal = failure.fault.kind in _MORTAL
        look = self._examiner.look_again if is_mortal else self._examiner.examine
        seen = look(payload)
        if seen.fault is not None and seen.fault.kind in _MORTAL:
            self._stand_up(failure)
        return seen

    def _finish_hunt(self) -> None:
        """Keep the smallest payload that fails when sent again."""
        hunt, self._hunt = self._hunt, None
        if hunt is None:
            return
        failure = hunt.failure
        smallest = sorted(hunt.smaller, key=lambda each: len(each.body))[:_CONFIRMED]
        if self.ended_early:
            failure.payload = smallest[0]
        elif not any(self._confirms(failure, payload) for payload in smallest):
            failure.note = "it failed, and not when it was sent again"
        elif hunt.is_over:
            failure.note = (
                f"maybe not the smallest: the search ended after {hunt.attempts} attempts"
            )
        else:
            failure.is_shrunk = True
        self._on_event(FuzzFailed(fault=failure.fault, payload=failure.payload, is_shrunk=True))

    def _confirms(self, failure: Failure, payload: Payload) -> bool:
        """Return whether a payload fails again, and keep it to show the failure."""
        fault = self._look(failure, payload).fault
        if fault is None or fault.signature != failure.fault.signature:
            return False
        failure.fault, failure.payload = fault, payload
        return True

    def _count(self, payload: Payload, seen: Examination) -> None:
        tally = self.tallies.setdefault(payload.rule, FuzzCounts())
        self.examples.setdefault(payload.rule, payload.fault)
        if seen.is_aged:
            tally.aged += 1
            self._at = SYSTEM_CLOCK.unix_nanos()  # from the next portion on
        elif seen.plain is not None:
            tally.alike += 1
        elif seen.fault is not None:
            tally.faulty += 1
        else:
            name = seen.answer.kind
            setattr(tally, name, getattr(tally, name) + 1)

    def _tell(self) -> None:
        now = SYSTEM_CLOCK.monotonic()
        if now - self._told >= _TELL_EVERY_S:
            self._told = now
            self._on_event(
                FuzzProgress(
                    protocol=self._lab.protocol,
                    sent=self.sent,
                    payloads=self._payloads,
                    failures=len(self.failures),
                    elapsed_s=now - self._started,
                )
            )

    def _look_at_memory(self) -> None:
        """Report a fault if the receiver holds far more memory than it was sent."""
        now = self._lab.resident_bytes()
        if self.memory is None or now is None:
            return
        base, highest = self.memory
        self.memory = (base, max(highest, now))
        allowed = _SPARE_BYTES + _BYTES_PER_BYTE * self.sent_bytes
        if now - base <= allowed or not self._recent:
            return
        fault = Fault(
            kind="memory",
            rules=("OTLP-SRV-085",),
            told=f"it holds {now // _MIB} MiB, {base // _MIB} MiB before {self.sent:,} payloads "
            f"of {self.sent_bytes / _MIB:.1f} MiB in all",
        )
        if fault.signature not in self._known:
            last = self._recent[-1]
            failure = Failure(fault=fault, payload=last, first=last)
            failure.note = "not shrunk: memory is looked at now and then, and this was the last one"
            self._known[fault.signature] = failure
            self.failures.append(failure)
