"""A program under test: started, used, and reliably ended with all that it started.

A program runs in a session and process group of its own, with a marker in its environment. Two
threads watch it: one reads its output, one waits for its end. It stays a zombie until it is
stopped, so its process id and group id cannot be reused.
"""

import atexit
import os
import re
import secrets
import signal
import threading
import warnings
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Self, final

from otlptest.errors import ProcessError
from otlptest.processes.commands import (
    Command,
    checked_command,
    checked_environment,
    launched,
    short_name,
)
from otlptest.processes.descendants import KILL, MARKER, Descendant, living_processes, signal_all
from otlptest.processes.endings import Ending, EndingRecord, recipients
from otlptest.processes.exits import ExitWatch, how_it_ended
from otlptest.processes.free_ports import free_port
from otlptest.processes.guardian import guard
from otlptest.processes.listener import Listener
from otlptest.processes.listening_ports import listening_ports
from otlptest.processes.output import Output
from otlptest.processes.readiness import Readiness
from otlptest.timing import Deadline

_SHOWN_LINES = 20
_LOOK_EVERY_S = 0.01
_KILL_PATIENCE_S = 10.0

_unstopped: "weakref.WeakSet[Program]" = weakref.WeakSet()


@final
class Program(Listener):
    """A started program, returned by `start_program`. Thread-safe.

    As a context manager it is stopped at the end. A forgotten one warns with
    `ResourceWarning` and is killed.

    Attributes:
        name: The name in messages.
        owner: The unique name of its collector ports; its name if None.
        command: Its words.
        pid: Its process id, also the id of its process group.
    """

    def __init__(
        self,
        words: tuple[str, ...],
        *,
        name: str,
        owner: str,
        env: Mapping[str, str],
        cwd: str | os.PathLike[str] | None,
        port: int,
        pattern: re.Pattern[str] | None,
    ) -> None:
        super().__init__(name, port)
        self.owner = owner
        self.command = words
        self._mark = secrets.token_hex(8)
        self._starter_pid = os.getpid()
        self._is_ended = True
        self._ending = threading.Lock()
        self._record = EndingRecord()
        self._changed = threading.Condition()
        self._output = Output(name, self._changed)
        if pattern is not None:
            self._output.watch(pattern)
        outer = os.environ.get(MARKER)
        marker = f"{outer}/{self._mark}" if outer else self._mark
        try:
            process = launched(
                name,
                words,
                env={**env, "PORT": str(port), MARKER: marker},
                cwd=cwd,
                pipe=self._output.pipe,
            )
        except BaseException:
            self._output.discard()
            raise
        self._is_ended = False
        self.pid = process.pid
        self._guardian = guard()
        if self._guardian is not None:
            self._guardian.tell("+", self.pid, self._mark)
        self._output.start()
        self._exit = ExitWatch(process, name, self._changed)
        _remember(self)

    @property
    def output(self) -> str:
        """Return its output so far, standard output and error merged; the newest 1 MiB."""
        return self._output.text()

    @property
    def has_exited(self) -> bool:
        """Return whether it has ended, however that came; its descendants may still live."""
        return self._exit.has_exited

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return not self._exit.has_exited

    @property
    def exit_code(self) -> int | None:
        """Return its exit code: minus the number of a signal that ended it, None while it runs."""
        return self._exit.code

    @property
    def ending(self) -> Ending:
        """Return its end so far: by itself, on a signal, or killed. Does not block."""
        has_exited = self.has_exited  # read first: the code is there once this is True
        return self._record.ending(self.pid, has_exited=has_exited, exit_code=self.exit_code)

    def last_lines(self, *, count: int = _SHOWN_LINES) -> str:
        """Return the last `count` lines of its output."""
        return self._output.last_lines(count)

    def descendants(self) -> tuple[Descendant, ...]:
        """Return its living descendants, in its group or outside it; zombies count as gone."""
        return tuple(found for found in self._living() if found.pid != self.pid)

    def wait(self, *, timeout_s: float = 30.0) -> int:
        """Block until it has ended by itself; return its `exit_code`.

        Its descendants may still live: see `descendants`.

        Raises:
            ProcessError: It still runs after `timeout_s`, or something else took its exit code.
        """
        deadline = Deadline(timeout_s)
        if not self.wait_until_exited(deadline):
            hint = "stop() ends it; ask for its end over its own interface to test how it ends"
            raise ProcessError(
                self.name, f"still runs after {timeout_s:g} s", self.last_lines(), hint
            )
        return self._told_code()

    def stop(
        self, *, timeout_s: float = 10.0, signal_number: signal.Signals = signal.SIGTERM
    ) -> int | None:
        """End it and all that it started; return its `exit_code`.

        All get `signal_number`, so that SDKs flush; those alive after `timeout_s` are killed.
        Blocks until all are gone. A second call changes nothing.

        Raises:
            ProcessError: A process could not even be killed.
        """
        deadline = Deadline(timeout_s)
        with self._ending:
            if not self._is_ended:
                had_exited = self._exit.look()
                got = recipients(self._living(), self.pid, signal_number)
                self._record.stopping(signal_number, timeout_s, got, had_exited=had_exited)
                signal_all(self.pid, self._mark, signal_number)
                if not self._wait_until_gone(deadline):
                    self._record.out_of_time(self._living())
                self._kill_all()
        return self.exit_code

    def kill(self) -> None:
        """Kill it and all that it started at once, without a chance to flush.

        Raises:
            ProcessError: A process could not be killed.
        """
        with self._ending:
            if not self._is_ended:
                self._record.killing(self._living(), had_exited=self._exit.look())
                self._kill_all()

    def matched_line(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return the first match of its `Readiness` pattern in its output, None if not yet."""
        return self._output.match(pattern)

    def wait_until_exited(self, deadline: Deadline) -> bool:
        """Block until it has ended; return False if it still runs at the deadline."""
        with self._changed:
            while not self.has_exited:
                if not deadline.wait_on(self._changed):
                    return False
        return True

    def wait_until_ready(self, ready: Readiness) -> None:
        """Block until `ready` is met, for `start_program`.

        Raises:
            ProcessError: It ended before, or was not ready in time.
        """
        __tracebackhide__ = True
        deadline = Deadline(ready.timeout_s)
        while (seen := ready.look(self)) is not None:
            if self.has_exited and not (self.exit_code == 0 and self.descendants()):
                said = self.last_lines()
                if ready.look(self) is None:  # the expected line may be among its last words
                    return
                problem = f"{how_it_ended(self.exit_code)} before it was ready"
                hint = f"waited for a {ready.description}, and {seen}"
                raise ProcessError(self.name, problem, said, hint)
            if deadline.has_passed():
                problem = f"was not ready within {ready.timeout_s:g} s: no {ready.description}"
                raise ProcessError(
                    self.name,
                    f"{problem}, {seen}",
                    self.last_lines(),
                    ready.advice(seen) or self.port_hint(),
                )
            with self._changed:
                self._changed.wait(min(_LOOK_EVERY_S, deadline.remaining_s()))

    def listening_ports(self) -> tuple[int, ...]:
        """Return the TCP ports on which it or its descendants listen; empty if none is known."""
        return listening_ports(found.pid for found in self._living())

    def _told_code(self) -> int:
        code = self.exit_code
        if code is None:
            hint = "SIGCHLD is ignored, or some library waits for every child"
            raise ProcessError(self.name, how_it_ended(None), self.last_lines(), hint)
        return code

    def _living(self) -> tuple[Descendant, ...]:
        return () if self._is_ended else living_processes(self.pid, self._mark)

    def _wait_until_gone(self, deadline: Deadline) -> bool:
        if not self.wait_until_exited(deadline):
            return False
        while self._living():
            if not deadline.pause(_LOOK_EVERY_S):
                return False
        return True

    def _kill_all(self) -> None:
        patience = Deadline(_KILL_PATIENCE_S)
        while not (self.has_exited and not self._living()):
            signal_all(self.pid, self._mark, KILL)
            if not self._wait_until_gone(Deadline(0.1)) and patience.has_passed():
                left = ", ".join(map(str, self._living()))
                raise ProcessError(
                    self.name, "did not end, not even when killed", self.last_lines(), left
                )
        if self._guardian is not None:
            self._guardian.tell("-", self.pid, self._mark)
        self._exit.reap()
        self._output.close()
        self._is_ended = True
        _unstopped.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = how_it_ended(self.exit_code) if self.has_exited else "runs"
        return f"<Program {self.name!r} (pid {self.pid}) {state}>"

    def __del__(self) -> None:
        if not self._is_ended and self._starter_pid == os.getpid():
            warnings.warn(f"{self!r} was never stopped", ResourceWarning, source=self, stacklevel=1)
            signal_all(self.pid, self._mark, KILL)


def start_program(
    command: Command,
    *,
    name: str | None = None,
    owner: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    port: int | None = None,
    ready: Readiness | None = None,
) -> Program:
    """Start a program and wait until it is ready; the caller must `stop` it.

    Blocks until `ready` is met, at most its `timeout_s`; without `ready` until it runs.

    Args:
        command: The program and its arguments; no shell reads them.
        name: The name in messages; made from the command if None.
        owner: The unique name of its collector ports; its name if None.
        env: Its whole environment, this process's own if None; `PORT` is set in it.
        cwd: The folder in which it runs.
        port: The port that it should listen on; a free one if None.
        ready: The condition of readiness, from `otlptest.ready`.

    Raises:
        UsageError: `command`, `env` or `cwd` is invalid.
        ProcessError: It cannot be started, ended before it was ready, or was not ready in time.
    """
    __tracebackhide__ = True
    words = checked_command(command)
    environment = checked_environment(
        {"PYTHONUNBUFFERED": "1", **(os.environ if env is None else env)}
    )
    called = short_name(words) if name is None else name
    program = Program(
        words,
        name=called,
        owner=called if owner is None else owner,
        env=environment,
        cwd=cwd,
        port=free_port() if port is None else port,
        pattern=ready.pattern if ready else None,
    )
    try:
        if ready is not None:
            program.wait_until_ready(ready)
    except BaseException:
        program.kill()
        raise
    return program


def _remember(program: Program) -> None:
    """Register `program`, so that it does not outlive this process."""
    if not _unstopped:
        atexit.unregister(_kill_unstopped)
        atexit.register(_kill_unstopped)
    _unstopped.add(program)


def _kill_unstopped() -> None:
    for program in tuple(_unstopped):
        program.kill()
