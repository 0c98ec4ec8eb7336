"""The conformance case, and the lists of all cases.

A *case* is one experiment: it gets a lab, does something to the subject, and yields what it found
out about each of the requirements that it claims. Each module of `exporter.cases` and
`receiver.cases` has a list of its own, and each function is added to it where it is written

    CASES: Final = ExporterCases()

    @CASES.add("retry/unavailable", "UNAVAILABLE (503) is sent again", ("OTLP-RESP-040",))
    def _judge_unavailable(lab: ExporterLab) -> Iterator[CheckResult]: ...

and the package's `__init__` joins those lists, in the order of the report, into `CASES`.

A case claims every id that it may ever yield. What it claims and does not yield becomes
`inconclusive`; an id that it yields and does not claim is a mistake in the case.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import Protocol, Signal
from otlptest.results import CheckResult

if TYPE_CHECKING:
    from otlptest.conformance.exporter.lab import ExporterLab
    from otlptest.conformance.receiver.lab import ReceiverLab

ALL_PROTOCOLS: Final[tuple[Protocol, ...]] = ("grpc", "http/protobuf", "http/json")
HTTP_PROTOCOLS: Final[tuple[Protocol, ...]] = ("http/protobuf", "http/json")
COMMON_SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")

Need: TypeAlias = Literal["read_back", "grpc", "http"]
"""The resources that a receiver case requires: read-back, both of the receiver's endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterCase:
    """One experiment with a command that exports.

    Attributes:
        id: `folder/name`, stable: what `--case` takes.
        title: What it does, one line.
        requirements: The ids that it judges.
        judge: Runs the command as often as it needs (`lab.run`, several runs at once with
            `lab.start`) and yields what it found out. May raise `OtlptestError`: then the case
            is inconclusive.
        protocols: The protocols that it supports; suite runs of others leave it out.
        signals: The signals that it can work with. If the command emits none of them the frame
            yields `inconclusive` for all its requirements and `judge` is not called; `lab.signals`
            has those that it emits.
        expected_s: Seconds that it waits beyond the command's own time, roughly: retry delays,
            silence to be observed. The longest start first.
        runs: How many times it runs the command, roughly.
        exclusive: Names of resources that only one case at a time can use, e.g. `port 4318`.
    """

    id: str
    title: str
    requirements: tuple[str, ...]
    judge: Callable[["ExporterLab"], Iterable[CheckResult]] = field(repr=False, compare=False)
    protocols: tuple[Protocol, ...] = ALL_PROTOCOLS
    signals: tuple[Signal, ...] = COMMON_SIGNALS
    expected_s: float = 1.0
    runs: int = 1
    exclusive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverCase:
    """One experiment with a receiver.

    Attributes:
        id: `folder/name`, stable: what `--case` takes.
        title: What it does, one line.
        requirements: The ids that it judges.
        judge: Talks to the receiver and yields what it found out. May raise `OtlptestError`: then
            the case is inconclusive.
        protocols: The protocols that it supports: it runs once in the run of each, with
            `lab.protocol` set. What is about HTTP alone and not about an encoding is registered
            for `http/protobuf`.
        signals: The signals that it sends; a case that iterates over several uses `lab.signals`.
        needs: Resources it requires; if one is missing the frame yields `not_applicable`.
        flood: How much it leaves a receiver to work off. Cases with 0 run first, in all protocols;
            1 is for thousands of connections or many megabytes, 2 for 100,000 items to be stored.
        expected_s: Seconds that it takes, roughly. The longest start first.
        exclusive: Names of resources that only one case at a time can use. `receiver` runs the case
            alone: it floods, fills memory, or counts what others would disturb.
        is_plain: It is about plain valid requests themselves. Every other case sees only the
            signals whose plain valid request is taken, and is inconclusive if there are none.
    """

    id: str
    title: str
    requirements: tuple[str, ...]
    judge: Callable[["ReceiverLab"], Iterable[CheckResult]] = field(repr=False, compare=False)
    protocols: tuple[Protocol, ...] = ALL_PROTOCOLS
    signals: tuple[Signal, ...] = COMMON_SIGNALS
    needs: tuple[Need, ...] = ()
    flood: int = 0
    expected_s: float = 0.5
    exclusive: tuple[str, ...] = ()
    is_plain: bool = False


ExporterJudge = TypeVar("ExporterJudge", bound=Callable[["ExporterLab"], Iterable[CheckResult]])
ReceiverJudge = TypeVar("ReceiverJudge", bound=Callable[["ReceiverLab"], Iterable[CheckResult]])


class ExporterCases(list[ExporterCase]):
    """The cases of one module."""

    def add(
        self,
        case_id: str,
        title: str,
        requirements: tuple[str, ...],
        *,
        protocols: tuple[Protocol, ...] = ALL_PROTOCOLS,
        signals: tuple[Signal, ...] = COMMON_SIGNALS,
        expected_s: float = 1.0,
        runs: int = 1,
        exclusive: tuple[str, ...] = (),
    ) -> Callable[[ExporterJudge], ExporterJudge]:
        """Return a decorator that adds a function as a case; `ExporterCase` has the arguments."""

        def add(judge: ExporterJudge) -> ExporterJudge:
            self.append(
                ExporterCase(
                    id=case_id,
                    title=title,
                    requirements=requirements,
                    judge=judge,
                    protocols=protocols,
                    signals=signals,
                    expected_s=expected_s,
                    runs=runs,
                    exclusive=exclusive,
                )
            )
            return judge

        return add


class ReceiverCases(list[ReceiverCase]):
    """The cases of one module."""

    def add(
        self,
        case_id: str,
        title: str,
        requirements: tuple[str, ...],
        *,
        protocols: tuple[Protocol, ...] = ALL_PROTOCOLS,
        signals: tuple[Signal, ...] = COMMON_SIGNALS,
        needs: tuple[Need, ...] = (),
        flood: int = 0,
        expected_s: float = 0.5,
        exclusive: tuple[str, ...] = (),
        is_plain: bool = False,
    ) -> Callable[[ReceiverJudge], ReceiverJudge]:
        """Return a decorator that adds a function as a case; `ReceiverCase` has the arguments."""

        def add(judge: ReceiverJudge) -> ReceiverJudge:
            self.append(
                ReceiverCase(
                    id=case_id,
                    title=title,
                    requirements=requirements,
                    judge=judge,
                    protocols=protocols,
                    signals=signals,
                    needs=needs,
                    flood=flood,
                    expected_s=expected_s,
                    exclusive=exclusive,
                    is_plain=is_plain,
                )
            )
            return judge

        return add


AnyCase: TypeAlias = ExporterCase | ReceiverCase

SomeCase = TypeVar("SomeCase", ExporterCase, ReceiverCase)
"""Either kind, the same throughout a call."""


def checked_cases(cases: Sequence[AnyCase]) -> None:
    """Check that a list of cases can be run: unique ids, something to judge, no empty fields.

    Raises:
        UsageError: Two cases have one id, or a case judges nothing or fits no protocol or signal.
    """
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise UsageError(f"two conformance cases are called {case.id!r}")
        seen.add(case.id)
        if not (case.requirements and case.protocols and case.signals):
            raise UsageError(f"the conformance case {case.id!r} judges nothing, or fits nothing")


def find_cases(cases: Sequence[SomeCase], wanted: Iterable[str]) -> tuple[SomeCase, ...]:
    """Return the cases that were asked for, in the order of the list; all if none were.

    Args:
        cases: To choose from.
        wanted: Ids of cases (`retry/unavailable`), their folders (`retry`) or ids of requirements
            (`OTLP-RESP-034`).

    Raises:
        UnknownNameError: A name matches nothing; the hint has the nearest one.
    """
    chosen: set[str] = set()
    asked = tuple(wanted)
    for name in asked:
        found = {case.id for case in cases if _answers_to(case, name)}
        if not found:
            raise UnknownNameError("case", name, _names(cases))
        chosen |= found
    return tuple(case for case in cases if not asked or case.id in chosen)


def fitting_cases(
    cases: Sequence[SomeCase],
    wanted: Iterable[str],
    protocol: Protocol,
    signals: Sequence[Signal],
) -> tuple[SomeCase, ...]:
    """Return the cases of `find_cases` that support a protocol and one of the signals.

    Args:
        cases: To choose from.
        wanted: See `find_cases`.
        protocol: The protocol.
        signals: Only these; any if empty.

    Raises:
        UnknownNameError: One of `wanted` is not a name.
    """
    return tuple(
        case
        for case in find_cases(cases, wanted)
        if protocol in case.protocols and (not signals or set(case.signals) & set(signals))
    )


def _names(cases: Sequence[AnyCase]) -> tuple[str, ...]:
    """Return all names that `find_cases` takes."""
    folders = [case.id.split("/")[0] for case in cases]
    rules = [rule for case in cases for rule in case.requirements]
    return tuple(dict.fromkeys([*(case.id for case in cases), *folders, *rules]))


def checked_choice(kind: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Check that each of `given` exists.

    Args:
        kind: What they are, for the message.
        given: What a user asked for.
        known: All names that exist.

    Raises:
        UnknownNameError: One does not exist.
    """
    for name in given:
        if name not in known:
            raise UnknownNameError(kind, name, known)


def _answers_to(case: AnyCase, name: str) -> bool:
    return name in (case.id, case.id.split("/")[0], *case.requirements)
