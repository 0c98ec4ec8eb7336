"""Every exception otlptest raises.

    OtlptestError(Exception)             could not be carried out
    ├── UsageError                       a wrong argument (shows the value)
    │   └── UnknownNameError             an unknown name (shows the nearest valid one)
    │       └── UnknownMatcherError      `match.contain`; also an AttributeError, so `hasattr` works
    ├── MissingAttributeError            `span.attributes["…"]` that is not there; also a KeyError
    ├── TruncatedResultError             a count or an absence was asked of a part of the result
    ├── FileFormatError                  a file that is not what it should be: where, and why
    │   └── UnknownBundledFileError      no shipped file has that name
    ├── PortTakenError                   the receiver was asked for a port that is in use
    ├── ReceiverError                    the receiver could not start, or broke
    ├── ProcessError                     a program under test died or was not ready in time
    ├── SendError                        nothing could be sent to a receiver
    ├── RecordingError                   a capture cannot be written
    ├── MissingPartError                 an optional part is not installed: what provides it
    └── WireError                        bytes that are not OTLP: encoding, place, what is wrong
    ExpectationError(AssertionError)     carried out; the telemetry is not as expected

A class is made from facts, its fields, which are also its `args`: that lets pytest-xdist and load
workers pickle it. `__str__` renders them. Wording lives here only.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from otlptest.results import Finding, condensed

__all__ = [
    "ExpectationError",
    "FileFormatError",
    "Finding",
    "MissingAttributeError",
    "MissingPartError",
    "OtlptestError",
    "PortTakenError",
    "ProcessError",
    "ReceiverError",
    "RecordingError",
    "SendError",
    "TruncatedResultError",
    "UnknownBundledFileError",
    "UnknownMatcherError",
    "UnknownNameError",
    "UsageError",
    "WireError",
    "condensed",
    "kin_names",
    "nearest_name",
]


_SHOWN_NAMES = 30
_SHOWN_VALUE = 200


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was most likely meant to be, or None if none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def kin_names(name: str, known: Iterable[str]) -> Iterator[str]:
    """The known dotted names that may have taken the place of `name`, or it of them.

    `http.status_code` for `http.response.status_code`: the same last part, or more parts.
    """
    parts = name.split(".")
    for each in known:
        others = each.split(".")
        if others[-1] == parts[-1] or set(parts) < set(others):
            yield each


def _choices(known: Sequence[str]) -> str:
    """All names, or the first of very many."""
    shown = ", ".join(known[:_SHOWN_NAMES])
    return f"there are: {shown}" + (", …" if len(known) > _SHOWN_NAMES else "")


def _with_hint(sentence: str, hint: str) -> str:
    return f"{sentence}\n  hint: {hint}" if hint else sentence


@dataclass(eq=False, repr=False)
class OtlptestError(Exception):
    """Base class: the test could not be carried out."""

    def __post_init__(self) -> None:
        """Keep the facts as `args`, in order: that is what pickle hands on."""
        self.args = tuple(getattr(self, each.name) for each in fields(self))


@dataclass(eq=False, repr=False)
class UsageError(OtlptestError):
    """A call that cannot be right, e.g. a value outside its range."""

    problem: str
    hint: str = ""

    def __str__(self) -> str:
        """Say what is wrong, with the value, and what to write instead."""
        return _with_hint(self.problem, self.hint)


class UnknownNameError(UsageError):
    """A criterion, matcher, protocol or other name that does not exist."""

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        nearest = nearest_name(name, self.known)
        hint = f"did you mean {nearest!r}?" if nearest else _choices(self.known)
        super().__init__(f"unknown {kind} {name!r}", hint)
        self.args = (kind, name, self.known)


class UnknownMatcherError(UnknownNameError, AttributeError):  # type: ignore[misc]  # a name is never None here
    """A matcher that `otlptest.match` does not have."""


@dataclass(eq=False, repr=False)
class MissingAttributeError(OtlptestError, KeyError):
    """An attribute or a header was read by a name that is not there.

    Attributes:
        noun: What it is: `attribute`, `resource attribute`, `header`.
        name: The name that was read.
        present: Those that are there.
    """

    noun: str
    name: str
    present: Mapping[str, object]

    def __str__(self) -> str:
        """Name what is missing, and what is there with a name like it."""
        kin = next(kin_names(self.name, self.present), None) or nearest_name(
            self.name, self.present
        )
        if kin is None:
            known = list(self.present)
            return _with_hint(
                f"there is no {self.noun} {self.name!r}",
                _choices(known) if known else f"there is no {self.noun} at all",
            )
        value = repr(self.present[kin])
        shown = value if len(value) <= _SHOWN_VALUE else f"{value[:_SHOWN_VALUE]}…"
        return _with_hint(
            f"there is no {self.noun} {self.name!r}; there is {kin!r} = {shown}",
            f"the {self.noun} has another name than the test expects",
        )


@dataclass(eq=False, repr=False)
class TruncatedResultError(OtlptestError):
    """A count or an absence was asked of a source that gave only a part of what it holds."""

    source: str
    question: str

    def __str__(self) -> str:
        """Name the source and what cannot be answered."""
        return _with_hint(
            f"{self.source} gave only a part of its result, so it cannot tell {self.question}",
            "narrow the criteria, e.g. with service= or trace_id=",
        )


@dataclass(eq=False, repr=False)
class FileFormatError(OtlptestError):
    """A file that is not what it should be."""

    file: str
    place: str
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        """Name the file, the place in it (a line or a key path) and what is wrong there."""
        head = f"{self.file}: {self.place}" if self.place else self.file
        return _with_hint(f"{head}: {self.problem}", self.hint)


class UnknownBundledFileError(FileFormatError):
    """No shipped file has the name that was asked for."""

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        super().__init__(f"builtin:{name}", "", f"no such file ships in {kind}", self._known_hint())
        self.args = (kind, name, self.known)

    def _known_hint(self) -> str:
        nearest = nearest_name(self.name, self.known)
        return f"did you mean {nearest!r}?" if nearest else _choices(self.known)


@dataclass(eq=False, repr=False)
class PortTakenError(OtlptestError):
    """The receiver was asked for a port that another process holds."""

    host: str
    port: int

    def __str__(self) -> str:
        """Name the port and the way out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return _with_hint(
            f"cannot listen on {host}:{self.port}: the port is in use",
            "stop the program that holds it, or use port 0 and otlptest picks a free one",
        )


@dataclass(eq=False, repr=False)
class ReceiverError(OtlptestError):
    """The receiver could not start, or broke while it ran."""

    problem: str
    hint: str = ""

    def __str__(self) -> str:
        """Say what failed and what to try."""
        return _with_hint(self.problem, self.hint)


@dataclass(eq=False, repr=False)
class ProcessError(OtlptestError):
    """A program under test could not start, died, was not ready in time, or did not end.

    Attributes:
        name: How the test calls the program.
        problem: What happened, as a clause: `exited with code 1 before it was ready`.
        output: The last lines that it printed.
        hint: What to try.
    """

    name: str
    problem: str
    output: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """Say what happened, then show the program's last lines."""
        said = f"\n  its last lines:\n{_quoted(self.output)}" if self.output.strip() else ""
        return _with_hint(f"{self.name} {self.problem}", self.hint) + said


def _quoted(text: str) -> str:
    return "\n".join(f"    | {line}" for line in text.rstrip().splitlines())


@dataclass(eq=False, repr=False)
class SendError(OtlptestError):
    """Nothing could be sent to a receiver, or its answer could not be read."""

    target: str
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        """Name the target and what went wrong."""
        return _with_hint(f"cannot send to {self.target}: {self.problem}", self.hint)


@dataclass(eq=False, repr=False)
class RecordingError(OtlptestError):
    """A capture cannot be opened or written; what is in the file already stays whole."""

    file: str
    problem: str

    def __str__(self) -> str:
        """Name the file and the reason."""
        return _with_hint(
            f"cannot record to {self.file}: {self.problem}",
            "record to a file on a disk with room; what was written so far is whole",
        )


@dataclass(eq=False, repr=False)
class MissingPartError(OtlptestError):
    """Something that otlptest does not need in general is needed here and not installed."""

    purpose: str
    part: str
    command: str

    def __str__(self) -> str:
        """Name the part, what it is needed for, and the command that provides it."""
        return _with_hint(f"{self.purpose} needs {self.part}, which is not installed", self.command)


@dataclass(eq=False, repr=False)
class WireError(OtlptestError):
    """Bytes that are not OTLP.

    Attributes:
        kind: What sort of fault, one of `otlptest.model.PROBLEM_KINDS`.
        rule: The requirement that the bytes break.
        problem: What is wrong, as text.
        place: Where: a field path (`resourceSpans[0].scopeSpans[0].spans[2].traceId`), an offset
            (`byte 17`), or empty where neither is known.
    """

    kind: str
    rule: str
    problem: str
    place: str = ""

    def __str__(self) -> str:
        """Say what is wrong and where."""
        return f"{self.problem} (at {self.place})" if self.place else self.problem


class ExpectationError(AssertionError):
    """The telemetry is not as expected; `findings` says in which ways."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(tuple(findings))
        self.findings = tuple(findings)

    def __str__(self) -> str:
        """Number of findings, then each of them."""
        count = len(self.findings)
        head = f"{count} unmet expectation{'s' if count != 1 else ''}"
        return "\n".join([head, *map(str, condensed(self.findings))])
