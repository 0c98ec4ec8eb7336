"""The delivery of telemetry whose first attempt was answered with a fault.

A retry is recognized by its items, never by a count: a later request of the signal that carries
the same items, or at least half of them, after the faulty answer.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.exporter.lab import NO_CHANGES, Changes, ExporterLab, Prepare
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import answered_at, item_keys
from otlptest.faults import ReplyFault
from otlptest.model import Request, Signal

Plan: TypeAlias = Mapping[Signal, tuple[ReplyFault, ...]]
"""The answers to the first attempts of each signal, in order; all later ones are taken.

Without answers all attempts of a signal are taken.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempts:
    """The first telemetry of one signal in a run, and all attempts to deliver it.

    Attributes:
        seen: The run.
        signal: The signal.
        faults: The answers to its first attempts, in order.
        attempts: All of them, oldest first; empty if nothing of the signal came.
    """

    seen: Observation
    signal: Signal
    faults: tuple[ReplyFault, ...]
    attempts: tuple[Request, ...] = ()

    @property
    def is_hit(self) -> bool:
        """Return whether anything came that was not refused for its content."""
        return bool(self.attempts) and self.attempts[0].problem is None

    @property
    def is_retried(self) -> bool:
        """Return whether it was sent again after its first answer."""
        return len(self.attempts) > 1

    @property
    def gaps_s(self) -> tuple[float, ...]:
        """Seconds from each answer to the beginning of the next attempt."""
        return tuple(
            later.started_at - answered_at(earlier)
            for earlier, later in zip(self.attempts, self.attempts[1:], strict=False)
        )

    @property
    def most_gaps_s(self) -> tuple[float, ...]:
        """The longest possible time from each answer to the next attempt, in seconds.

        An answer may have come a little before it is known to have been sent, on a busy machine
        more than a little; never before its request was there.
        """
        return tuple(
            later.started_at - min(earlier.received_at, answered_at(earlier))
            for earlier, later in zip(self.attempts, self.attempts[1:], strict=False)
        )

    @property
    def faulted_gaps_s(self) -> tuple[float, ...]:
        """Those of `most_gaps_s` that follow a faulty answer: no client waited longer."""
        return self.most_gaps_s[: len(self.faults)]

    @property
    def lived_s(self) -> float:
        """Return how long the command still ran after its first attempt was answered."""
        return self.seen.ended_at - answered_at(self.attempts[0]) if self.attempts else 0.0

    @property
    def told(self) -> str:
        """Return the answers and what followed, as evidence."""
        answers = ", ".join(map(repr, self.faults)) or "as usual"
        if not self.attempts:
            return f"{self.signal}: no request came; {self.seen.describe_end()}"
        lines = self.seen.describe(self.attempts)
        return f"{self.signal} answered {answers}:\n{lines}\n{self.seen.describe_end()}"


def is_resent(first: Request, later: Request) -> bool:
    """Return whether `later` carries the items of `first`, or at least half of them."""
    return later.signal == first.signal and _carries(item_keys(first), later)


def _carries(sent: frozenset[Hashable], later: Request) -> bool:
    """Return whether a request carries at least half of these items."""
    return bool(sent) and 2 * len(sent & item_keys(later)) >= len(sent)


def delivery_attempts(
    seen: Observation, signal: Signal, faults: tuple[ReplyFault, ...]
) -> DeliveryAttempts:
    """Return the delivery of the first telemetry of a signal, first answered by `faults`.

    Requests without items do not count.
    """
    requests = sorted(seen.of(signal), key=lambda each: each.started_at)
    for number, first in enumerate(requests, start=1):
        sent = item_keys(first)
        if sent:
            again = (each for each in requests[number:] if _carries(sent, each))
            return DeliveryAttempts(
                seen=seen, signal=signal, faults=faults, attempts=(first, *again)
            )
    return DeliveryAttempts(seen=seen, signal=signal, faults=faults)


def replying_once(plan: Plan) -> Prepare:
    """Return a function that plans faults for the first telemetry of each signal only.

    Requests in between with other items do not use up a fault: a batch processor goes on with other
    batches.
    """

    def prepare(fake: FakeCollector) -> None:
        for signal, faults in plan.items():
            if faults:
                fake.reply(*faults, times=1, signal=signal, where=_first_payload())

    return prepare


def _first_payload() -> Callable[[Request], bool]:
    """Return a function that recognizes the first request it gets, and its resends."""
    first: list[tuple[Request, frozenset[Hashable]]] = []

    def is_it(request: Request) -> bool:
        if not first:
            sent = item_keys(request)  # once: clients wait for their answers
            if not sent:
                return False
            first.append((request, sent))
        seen, sent = first[0]
        return request is seen or (request.signal == seen.signal and _carries(sent, request))

    return is_it


def replying_always(*faults: ReplyFault, signals: Iterable[Signal]) -> Prepare:
    """Return a function that plans answers for every request; the last fault is for good."""
    wanted = tuple(signals)

    def prepare(fake: FakeCollector) -> None:
        for signal in wanted:
            fake.reply(*faults, signal=signal)

    return prepare


def start_run(
    lab: ExporterLab, plan: Plan, changes: Changes = NO_CHANGES
) -> Callable[[], tuple[DeliveryAttempts, ...]]:
    """Start a run with faults planned for each signal; call the result for the deliveries."""
    future = lab.start(changes, prepare=replying_once(plan))

    def result() -> tuple[DeliveryAttempts, ...]:
        seen = future.result()
        return tuple(delivery_attempts(seen, signal, faults) for signal, faults in plan.items())

    return result


def start_run_per_signal(
    lab: ExporterLab,
    *faults: ReplyFault,
    changes: Changes = NO_CHANGES,
    times: int = 1,
) -> Callable[[], tuple[DeliveryAttempts, ...]]:
    """Start runs for each signal of the lab, in which it alone gets the faults.

    Nothing then waits for the retries of another signal: the times of each are its own.

    Args:
        lab: Runs them.
        faults: The answers to the first attempts.
        changes: Changes to the environment.
        times: The number of runs for each signal.
    """
    runs = [
        start_run(lab, {signal: faults}, changes) for signal in lab.signals for _ in range(times)
    ]
    return lambda: tuple(each for run in runs for each in run())


def run_per_reply(
    lab: ExporterLab, *answers: ReplyFault, changes: Changes = NO_CHANGES
) -> Iterator[Sequence[DeliveryAttempts]]:
    """Yield a run for each answer, which every signal gets; all at the same time."""
    runs = [start_run(lab, dict.fromkeys(lab.signals, (answer,)), changes) for answer in answers]
    for run in runs:
        yield run()
