"""The command that exports: run as often as cases ask, and always ended.

The number of runs at a time is bounded. Most of a case is waiting, so many may run; but a start
costs processor time, and a command that starts among ten others is slow, so fewer may start at a
time, unless the user has set the number of runs.
"""

import os
import shlex
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from otlptest.errors import ProcessError
from otlptest.processes import Command, Program, start_program
from otlptest.processes.commands import checked_command
from otlptest.timing import SYSTEM_CLOCK, Deadline

_MOST_PER_CORE: Final = 8
_FEWEST: Final = 2
_LAST_STEPS_S: Final = 0.5  # for children that end just after their parent
_LONGEST_START_S: Final = 10.0
_KILLED_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of one run of the command; see `Observation`."""

    started_at: float
    ended_at: float
    exit_code: int | None
    has_timed_out: bool
    output: str = field(repr=False)
    left_behind: tuple[str, ...] = ()


def default_jobs(peak_bytes: int = 0) -> int:
    """Return how many runs of a command this machine can handle at a time.

    Args:
        peak_bytes: The most memory that one run took; 0 if unknown.
    """
    most = _MOST_PER_CORE * (os.cpu_count() or 1)
    if peak_bytes <= 0:
        return most
    return max(_FEWEST, min(most, _memory_bytes() // 2 // peak_bytes))


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # pragma: no cover -- Windows
        return 4 * 1024**3


class Runs:
    """The runs that one case has begun, which end with it. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._programs: set[Program] = set()
        self._is_over = False

    def check(self, name: str) -> None:
        """Check that more may be run.

        Raises:
            ProcessError: The case has ended.
        """
        if self._is_over:
            raise ProcessError(name, "was ended with its case")

    @contextmanager
    def holding(self, program: Program) -> Iterator[None]:
        """Have a program end with the case while the block runs."""
        with self._changed:
            self._programs.add(program)
            is_over = self._is_over
        try:
            if is_over:
                program.kill()
            yield
        finally:
            with self._changed:
                self._programs.discard(program)
                self._changed.notify_all()

    def end(self) -> None:
        """Kill the programs of the case, and wait until their runs have ended."""
        with self._changed:
            self._is_over = True
            programs = tuple(self._programs)
        for program in programs:
            program.kill()
        deadline = Deadline(_KILLED_S)
        with self._changed:
            while self._programs and deadline.wait_on(self._changed):
                pass


class Subject:
    """A command under test. Thread-safe; closing it ends everything that it started.

    Args:
        command: The program and its arguments.
        cwd: The folder to run it in.
        name: Its name in reports; its words if empty.

    Attributes:
        name: Its name in reports.
        words: The command as a person types it.

    Raises:
        UsageError: `command` is not a list of words.
    """

    def __init__(self, command: Command, *, cwd: str | None = None, name: str = "") -> None:
        self._words = checked_command(command)
        self.words = shlex.join(self._words)
        self.name = name or self.words
        self._cwd = cwd
        self._lock = threading.Lock()
        self._running: set[Program] = set()
        self._is_closed = False
        self._starting_s = 0.0
        self._most_starts = os.cpu_count() or 1
        self._starts = threading.BoundedSemaphore(self._most_starts)
        self._turns = threading.BoundedSemaphore(1)

    def allow(self, *, jobs: int, starting_s: float, starts: int | None = None) -> None:
        """Set how many run at a time; call it while none runs.

        Args:
            jobs: The number of runs.
            starting_s: How long a start keeps a core busy.
            starts: How many may start at a time; one for each core if None.
        """
        self._most_starts = starts or os.cpu_count() or 1
        self._starts = threading.BoundedSemaphore(self._most_starts)
        self._turns = threading.BoundedSemaphore(jobs)
        self._starting_s = min(starting_s, _LONGEST_START_S)

    @property
    def seconds_per_start(self) -> float:
        """Return how long one more start takes when there are many."""
        return self._starting_s / self._most_starts

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Block until one more run may start; the run belongs in the block.

        Raises:
            ProcessError: The subject was closed meanwhile.
        """
        with self._turns:
            self._check_open()
            yield

    def run(
        self, environment: Mapping[str, str], *, timeout_s: float, runs: Runs | None = None
    ) -> Ending:
        """Run the command once, to its end, and end all that it started.

        Blocks at most `timeout_s`, and for as long as it takes to kill what is left.

        Args:
            environment: The command's environment.
            timeout_s: Seconds until it is killed.
            runs: The runs that it ends with, if earlier.

        Raises:
            ProcessError: It cannot be started, something could not be killed, or `runs` ended.
        """
        owner = runs or Runs()
        owner.check(self.name)
        program, started_at, deadline = self._started(environment, timeout_s, owner)
        try:
            with owner.holding(program):
                has_exited = program.wait_until_exited(deadline)
            owner.check(self.name)
            ended_at = SYSTEM_CLOCK.monotonic()
            left = _left_behind(program) if has_exited else ()
        finally:
            program.kill()
            with self._lock:
                self._running.discard(program)
        self._check_open()
        return Ending(
            started_at=started_at,
            ended_at=ended_at,
            exit_code=program.exit_code if has_exited else None,
            has_timed_out=not has_exited,
            output=program.output,
            left_behind=left,
        )

    def close(self) -> None:
        """End all runs, and allow no further ones."""
        with self._lock:
            self._is_closed = True
            running = tuple(self._running)
        for program in running:
            program.kill()

    def _started(
        self, environment: Mapping[str, str], timeout_s: float, owner: Runs
    ) -> tuple[Program, float, Deadline]:
        self._starts.acquire()
        is_counted = False
        try:
            started_at, deadline = SYSTEM_CLOCK.monotonic(), Deadline(timeout_s)
            program = start_program(self._words, env=environment, cwd=self._cwd)
            with self._lock:
                self._running.add(program)
            is_counted = True
        finally:
            if not is_counted:
                self._starts.release()
        try:
            self._check_open()
            with owner.holding(program):
                program.wait_until_exited(Deadline(min(self._starting_s, timeout_s)))
        except BaseException:
            program.kill()
            raise
        finally:
            self._starts.release()
        return program, started_at, deadline

    def _check_open(self) -> None:
        """Check that runs can still be started.

        Raises:
            ProcessError: The subject is closed.
        """
        if self._is_closed:
            raise ProcessError(self.name, "was ended with the suite")


def _left_behind(program: Program) -> tuple[str, ...]:
    """Return the processes that the command had started and that are still alive."""
    patience = Deadline(_LAST_STEPS_S)
    while (left := program.descendants()) and patience.pause(0.02):
        pass
    return tuple(map(str, left))
