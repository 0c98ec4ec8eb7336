"""The end of a program: by itself, by a signal of ours or of another process, or killed.

An exit code alone does not say it. A program that flushes on SIGTERM exits with 0; one without a
handler is ended by the signal and loses what it held. So `stop` looks, just before it sends its
signal, at what each living process does with it (Linux: `/proc/PID/status`).
"""

import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from otlptest.processes.descendants import KILL, Descendant
from otlptest.processes.exits import ended_by_signal, signal_name

Way = Literal["running", "by itself", "stopped", "out of time", "killed"]
"""The end of a program: it runs; by itself, also by a signal that `stop` and `kill` did not
send; after the signal of `stop`; killed by `stop`, whose time was over; killed by `kill`."""

Reaction = Literal["default", "ignores", "blocks", "catches", "unclear"]
"""The reaction to a signal. *unclear*: the system does not say, or the runtime (Go, Node)
catches it whether or not the program has a handler."""

_NO_CHANCE: Final = frozenset(  # signals of a crash, and those that cannot be caught
    getattr(signal, name, -1)
    for name in ("SIGKILL", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
)
_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ash", "ksh", "fish", "busybox"})
_NODES: Final = frozenset({"node", "nodejs", "bun", "deno"})
_ENDS_BY_WHAT_IT_CAUGHT: Final = {  # their handlers unwind, flush at exit, then end by the signal
    "python": frozenset({signal.SIGINT}),
    "pypy": frozenset({signal.SIGINT}),
    "ruby": frozenset({signal.SIGINT, signal.SIGTERM}),
}
_SHELL_BASE = 128
_SIGURG = 23  # besides SIGSEGV only Go catches it, for its own scheduling
_FATAL: Final = frozenset(
    getattr(signal, f"SIG{name}")
    for name in ("HUP", "INT", "QUIT", "ILL", "ABRT", "BUS", "FPE", "KILL", "SEGV", "PIPE", "TERM")
    if hasattr(signal, f"SIG{name}")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A process that got the signal of `stop`.

    Attributes:
        pid: Its process id.
        name: Its executable, without the folder.
        reaction: Its reaction to that signal when it was sent.
        is_program: Whether it is the program itself, not a process that it started.
    """

    pid: int
    name: str
    reaction: Reaction
    is_program: bool

    @property
    def is_deaf(self) -> bool:
        """Return whether it is not a shell and the signal may end it before it can flush."""
        return not self.is_shell and self.reaction in {"default", "unclear"}

    @property
    def is_shell(self) -> bool:
        """Return whether it is a shell, which has no SDK."""
        return self.name in _SHELLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of a program so far.

    Its descendants may outlive it; `way` and `exit_code` are those of the program itself.

    Attributes:
        way: See `Way`. Later calls do not change that a program ended by itself.
        exit_code: As `Program.exit_code`: minus the number of the signal that ended it; None while
            it runs, or if something else in this process took the code.
        sent: The signal that `stop` sent to the living processes, None if it sent none.
        recipients: The processes that got `sent`; empty if none lived any more.
        timeout_s: Seconds that `stop` gave, None if it sent no signal.
        killed: Its killed descendants: after the time of `stop`, or by `kill`.
    """

    way: Way
    exit_code: int | None = None
    sent: signal.Signals | None = None
    recipients: tuple[Recipient, ...] = ()
    timeout_s: float | None = None
    killed: tuple[Descendant, ...] = ()

    @property
    def signal_number(self) -> int | None:
        """Return the signal that ended the program, None if it exited with its own code.

        This includes the signal that a shell reports: `sh -c` exits with 128 + 15 when SIGTERM ends
        its command. It does not include the code that a handler of the signal of `stop` chose,
        as a JVM does.
        """
        if self.exit_code is None:
            return int(KILL) if self.way in {"killed", "out of time"} else None
        if self.exit_code < 0:
            return -self.exit_code
        reported = _shell_signal(self.exit_code)
        program = self._program
        if program is not None and program.reaction == "catches" and not program.is_shell:
            return None
        return reported

    @property
    def is_failure(self) -> bool:
        """Return whether the program exited with its own code, and that code means failure.

        128 plus `stop`'s signal number is not a failure: a JVM that has run its shutdown hooks
        exits with it. If a shell caused that code, `abrupt` says so.
        """
        code = self.exit_code
        return code is not None and code > 0 and code != _SHELL_BASE + (self.sent or 0)

    @property
    def abrupt(self) -> str:
        """Return why it had no chance to flush, as the rest of a sentence; empty if it had one.

        `was ended by SIGTERM (it has no handler)`. Empty while it runs, and for each exit with its
        own code: `exit_code` shows what the program did before that.
        """
        if self.way == "running":
            return ""
        if self.way == "killed":
            return "was killed by kill()" if self.sent != KILL else "was killed by stop()"
        return self.had_to_be_killed or self._abrupt_program() or self._abrupt_descendants()

    @property
    def may_have_flushed(self) -> bool:
        """Return whether it could have flushed although its end was `abrupt`.

        True if it caught the signal, if the system or its runtime does not say, and if
        another process sent a signal that can be caught.
        """
        if self.way == "by itself":
            return not self.killed and self.signal_number not in _NO_CHANCE
        is_deaf = any(one.is_deaf and one.reaction == "default" for one in self.recipients)
        return self.way == "stopped" and not (self.killed or is_deaf or self.sent is None)

    @property
    def advice(self) -> str:
        """Return advice for a program that had no chance to flush; else empty."""
        if self.had_to_be_killed:
            return "its end hangs, or it needs more time: --otlp-stop-timeout-s, stop(timeout_s=…)"
        if self.way == "killed":
            return "stop() would give it one"
        culprit = next((one for one in self.recipients if one.is_deaf), None)
        if not self.abrupt or culprit is None or self.sent is None:
            return ""
        name = signal_name(self.sent)
        if culprit.name.startswith(("python", "pypy")):
            return (
                f"let it handle {name}: signal.signal(signal.{name}, lambda *_: sys.exit(0)); or"
                " stop(signal_number=signal.SIGINT), on which Python flushes"
            )
        how = f" in process.on({name!r}, …)" if culprit.name in _NODES else ""
        return f"let it handle {name} and shut its SDK down{how}"

    @property
    def had_to_be_killed(self) -> str:
        """Return which processes outlived the time of `stop`, as the rest of a sentence, or "".

        `did not end on SIGTERM within 10 s and was killed`.
        """
        if self.sent is None:
            return ""
        late = f"did not end on {signal_name(self.sent)} within {self.timeout_s or 0:g} s"
        if self.way == "out of time":
            return f"{late} and was killed"
        return f"has started {_named(self.killed)}, which {late}" if self.killed else ""

    @property
    def _program(self) -> Recipient | None:
        return next((one for one in self.recipients if one.is_program), None)

    def _abrupt_program(self) -> str:
        number = self.signal_number
        if number is None:
            return ""
        if self.exit_code is not None and self.exit_code > 0:
            code = f"exited with code {self.exit_code}"
            return f"{code}, as a shell reports an end by {signal_name(number)}"
        if self.way == "by itself":
            return f"{ended_by_signal(number)}, which otlptest did not send"
        program = self._program
        if number != self.sent or program is None:
            return f"{ended_by_signal(number)} after stop() had sent {signal_name(self.sent or 0)}"
        if _unwinds(program, number) or (program.is_shell and len(self.recipients) > 1):
            return ""  # a shell holds nothing; what it ran is among the recipients
        return f"{ended_by_signal(number)}{_about(program.reaction)}"

    def _abrupt_descendants(self) -> str:
        if self.killed:
            return f"has started {_named(self.killed)}, which kill() killed"
        for one in self.recipients:
            if one.is_program or not one.is_deaf:
                continue
            got = f"process {one.pid} ({one.name}), which got {signal_name(self.sent or 0)}"
            what = "has no handler" if one.reaction == "default" else "may have no handler"
            return f"has started {got} and {what}"
        return ""


def _named(descendants: Iterable[Descendant]) -> str:
    return " and ".join(map(str, descendants))


def _unwinds(recipient: Recipient, number: int) -> bool:
    """Return whether its runtime runs the exit handlers before it ends by a caught signal."""
    return recipient.reaction == "catches" and any(
        recipient.name.startswith(runtime) and number in numbers
        for runtime, numbers in _ENDS_BY_WHAT_IT_CAUGHT.items()
    )


def _about(reaction: Reaction) -> str:
    if reaction == "default":
        return " (it has no handler)"
    return "" if reaction == "unclear" else " (though it caught it)"


def _shell_signal(exit_code: int) -> int | None:
    """Return the signal that a shell reports by an exit code above 128, None without one."""
    number = exit_code - _SHELL_BASE
    return number if number in _FATAL else None


def recipients(living: Iterable[Descendant], leader: int, number: int) -> tuple[Recipient, ...]:
    """Return the processes that are about to get a signal, with each one's reaction to it."""
    found = []
    for one in living:
        name = _executable(one.pid) or one.name
        reaction = _reaction(one.pid, name, number)
        found.append(
            Recipient(pid=one.pid, name=name, reaction=reaction, is_program=one.pid == leader)
        )
    return tuple(found)


def _executable(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
    except OSError:  # no Linux, another user's process, or it has just ended
        return ""


def _reaction(pid: int, name: str, number: int) -> Reaction:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines()
    except OSError:  # no Linux, or it has just ended
        return "unclear"
    masks = {}
    for line in lines:
        key, _, value = line.partition(":")
        if key in {"SigBlk", "SigIgn", "SigCgt"}:
            masks[key] = int(value, 16)
    return reaction_of(masks, name, number)


def reaction_of(masks: "dict[str, int]", name: str, number: int) -> Reaction:
    """Return a process's reaction to a signal, by the masks of `/proc/PID/status`."""

    def has(key: str, signal_number: int) -> bool:
        return bool(masks.get(key, 0) >> (signal_number - 1) & 1)

    if not masks:
        return "unclear"
    if has("SigIgn", number):
        return "ignores"
    if has("SigCgt", number):
        is_go = has("SigCgt", _SIGURG) and has("SigCgt", int(signal.SIGSEGV))
        return "unclear" if is_go or name in _NODES else "catches"
    return "blocks" if has("SigBlk", number) else "default"


class EndingRecord:
    """The effects of `stop` and `kill` on one program, for its `Ending`. Not thread-safe."""

    def __init__(self) -> None:
        self._had_exited = False
        self._kill_came = False
        self._sent: signal.Signals | None = None
        self._timeout_s: float | None = None
        self._recipients: tuple[Recipient, ...] = ()
        self._late: tuple[Descendant, ...] = ()

    def stopping(
        self,
        number: signal.Signals,
        timeout_s: float,
        recipients: Sequence[Recipient],
        *,
        had_exited: bool,
    ) -> None:
        """Note that `stop` is about to send its signal."""
        self._had_exited = had_exited
        if recipients:
            self._sent, self._timeout_s = number, timeout_s
            self._recipients = tuple(recipients)

    def out_of_time(self, late: Sequence[Descendant]) -> None:
        """Note that the time of `stop` is over, and which processes still live then."""
        self._late = tuple(late)

    def killing(self, living: Sequence[Descendant], *, had_exited: bool) -> None:
        """Note that `kill` is about to kill all processes."""
        self._had_exited = had_exited
        self._kill_came = not had_exited
        self._late = tuple(living)

    def ending(self, leader: int, *, has_exited: bool, exit_code: int | None) -> Ending:
        """Return the end of the program, from the notes and its exit code."""
        return Ending(
            way=self._way(leader, exit_code) if has_exited else "running",
            exit_code=exit_code,
            sent=self._sent,
            recipients=self._recipients,
            timeout_s=self._timeout_s,
            killed=tuple(one for one in self._late if one.pid != leader),
        )

    def _way(self, leader: int, exit_code: int | None) -> Way:
        is_killed = exit_code is None or exit_code == -KILL  # else it ended just before that
        if self._had_exited:
            return "by itself"
        if is_killed and (self._kill_came or self._sent == KILL):
            return "killed"
        if self._sent is None:
            return "by itself"
        is_late = any(one.pid == leader for one in self._late)
        return "out of time" if is_killed and is_late else "stopped"
