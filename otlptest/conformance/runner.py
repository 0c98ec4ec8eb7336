"""Runs cases, several at a time, and keeps what each found out.

The longest start first, since their waits are real: a retry after 5 s takes 5 s on every
machine. Cases that claim the same exclusive thing never run together; those that claim `ALONE` run
when all others have ended, one by one.
"""

import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from otlptest.conformance.case import ExporterCase, ReceiverCase, SomeCase
from otlptest.errors import OtlptestError, UsageError
from otlptest.results import CheckResult, inconclusive
from otlptest.timing import SYSTEM_CLOCK

T = TypeVar("T")

ALONE: Final = "receiver"
"""In `exclusive`: nothing else may run meanwhile."""

_SLICE_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteStarted:
    """The subject was observed, and its cases begin, or go on in a protocol that had begun.

    Attributes:
        subject: The subject.
        protocol: The protocol.
        cases: The number of cases.
        expected_s: How long all of them take, roughly.
        run_again: The command that runs one case, with `{case}` for its id; empty if unknown.
    """

    subject: str
    protocol: str
    cases: int
    expected_s: float
    run_again: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStarted:
    """A case begins."""

    case: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFinished:
    """A case has ended.

    Attributes:
        case: Its id.
        judged: Its results.
        elapsed_s: How long it took.
        finished: The number of cases that have ended, this one included.
        cases: The number of all cases.
    """

    case: str
    judged: tuple[CheckResult, ...]
    elapsed_s: float
    finished: int
    cases: int


Event: TypeAlias = SuiteStarted | CaseStarted | CaseFinished

EventSink: TypeAlias = Callable[[Event], None]
"""A function that gets each event, one at a time, in the thread where it happens."""


def judgements(
    case: ExporterCase | ReceiverCase, found: Iterable[CheckResult]
) -> tuple[CheckResult, ...]:
    """Return the results of a case: at least one for every requirement that it claims.

    If a case ends early the rest is inconclusive: for an `OtlptestError` with its sentence, for any
    other error with its place, because that is a fault of otlptest and not of the subject.

    Args:
        case: The case.
        found: The results it yields; consumed here.
    """
    judged: list[CheckResult] = []
    reason = "the case ended without showing it"
    try:
        for each in found:
            _check_claimed(case, each)
            judged.append(each)
    except OtlptestError as problem:
        reason = str(problem)
    except Exception as fault:  # noqa: BLE001 -- a fault of one case must not end the others
        reason = f"otlptest itself failed in this case: {_place_of(fault)}"
    seen = {each.rule for each in judged}
    missing = [rule for rule in case.requirements if rule not in seen]
    return (*judged, *(inconclusive(rule, reason) for rule in missing))


def _check_claimed(case: ExporterCase | ReceiverCase, judged: CheckResult) -> None:
    """Check that a case judges only what it claims.

    Raises:
        UsageError: It does not.
    """
    if judged.rule not in case.requirements:
        raise UsageError(f"the case {case.id!r} judged {judged.rule} without claiming it")


def _place_of(fault: BaseException) -> str:
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{type(fault).__name__}: {fault} ({last.filename}:{last.lineno})"


def run_cases(
    cases: Sequence[SomeCase],
    judge: Callable[[SomeCase], Iterable[CheckResult]],
    *,
    jobs: int,
    on_event: EventSink | None = None,
    on_stop: Callable[[], None] | None = None,
) -> Mapping[str, tuple[CheckResult, ...]]:
    """Run every case; return the results of each by its id, in the order of `cases`.

    Blocks until all have ended. When the calling thread is interrupted, no case is started any
    more, and the interrupt goes on once those that run have ended.

    Args:
        cases: The cases to run.
        judge: Runs one.
        jobs: The number of cases at a time, at least 1.
        on_event: Called with the beginning and end of each.
        on_stop: Called at an interrupt: makes the running cases end soon.
    """
    together = [case for case in cases if ALONE not in case.exclusive]
    alone = [case for case in cases if ALONE in case.exclusive]
    crew: _Crew[SomeCase] = _Crew(judge, len(cases), on_event)
    try:
        crew.run(together, jobs)
        crew.run(alone, 1)
    except BaseException:
        crew.stop()
        if on_stop is not None:
            on_stop()
        crew.join()
        raise
    return {case.id: crew.judged[case.id] for case in cases}


def beside_the_main_thread(work: Callable[[], T], *, on_stop: Callable[[], None]) -> T:
    """Return the result of `work`, done in a thread of its own.

    Ctrl-C interrupts the main thread at any point: it must find nothing half started there.

    Args:
        work: What to do; what it raises is raised here.
        on_stop: Called at an interrupt: makes `work` end soon. The interrupt goes on when it has.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as failure:  # noqa: BLE001 -- raised again by `result()`
            future.set_exception(failure)

    task = _Task(run, "otlptest-suite")
    try:
        task.start()
        task.join()
        return future.result()
    except BaseException:
        on_stop()
        task.join()
        raise


class _Task:
    """A thread whose end can be waited for again after an interrupt.

    `Thread.join` cannot: after an interrupt it takes the thread for ended.
    """

    def __init__(self, work: Callable[[], None], name: str) -> None:
        self._work = work
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Block until it has ended; at once if it never began.

        In slices: a Ctrl-C that comes just before a wait without an end would not end it.
        """
        while self._thread.ident is not None and not self._ended.wait(_SLICE_S):
            pass

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._ended.set()


class _Crew(Generic[SomeCase]):
    """Threads that take one case after the other."""

    def __init__(
        self,
        judge: Callable[[SomeCase], Iterable[CheckResult]],
        total: int,
        on_event: EventSink | None,
    ) -> None:
        self.judged: dict[str, tuple[CheckResult, ...]] = {}
        self._judge: Callable[[SomeCase], Iterable[CheckResult]] = judge
        self._total = total
        self._on_event = on_event
        self._changed = threading.Condition()
        self._telling = threading.Lock()
        self._waiting: list[SomeCase] = []
        self._taken: set[str] = set()
        self._tasks: list[_Task] = []
        self._failure: BaseException | None = None

    def run(self, cases: Sequence[SomeCase], jobs: int) -> None:
        """Block until all have ended; raises what `on_event` raised."""
        self._waiting = sorted(cases, key=lambda case: -case.expected_s)
        self._tasks = [
            _Task(self._work, f"otlptest-case-{number}") for number in range(min(jobs, len(cases)))
        ]
        for task in self._tasks:
            task.start()
        self.join()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Start no further case."""
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()

    def join(self) -> None:
        """Block until no case runs."""
        for task in self._tasks:
            task.join()

    def _work(self) -> None:
        while (case := self._next()) is not None:
            try:
                self._run_one(case)
            except BaseException as failure:  # noqa: BLE001 -- raised again by `run`
                self._failure = failure
                self.stop()
            finally:
                with self._changed:
                    self._taken -= set(case.exclusive)
                    self._changed.notify_all()

    def _next(self) -> SomeCase | None:
        """Return the first case that may run now; None if none may."""
        with self._changed:
            while self._waiting:
                for case in self._waiting:
                    if self._taken.isdisjoint(case.exclusive):
                        self._waiting.remove(case)
                        self._taken |= set(case.exclusive)
                        return case
                self._changed.wait()
        return None

    def _run_one(self, case: SomeCase) -> None:
        self._tell(CaseStarted(case=case.id, title=case.title))
        started = SYSTEM_CLOCK.monotonic()
        judged = judgements(case, _lazily(self._judge, case))
        with self._telling:
            self.judged[case.id] = judged
            self._tell_locked(
                CaseFinished(
                    case=case.id,
                    judged=judged,
                    elapsed_s=SYSTEM_CLOCK.monotonic() - started,
                    finished=len(self.judged),
                    cases=self._total,
                )
            )

    def _tell(self, event: Event) -> None:
        with self._telling:
            self._tell_locked(event)

    def _tell_locked(self, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(event)


def _lazily(
    judge: Callable[[SomeCase], Iterable[CheckResult]], case: SomeCase
) -> Iterable[CheckResult]:
    """Yield the results of a case, so that errors of plain functions come at the same point."""
    yield from judge(case)
