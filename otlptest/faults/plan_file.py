"""Fault plans: files that say which faults to plan (`otlptest serve --fault PLAN`).

The shape of the file is `otlptest.documents.FaultPlanShape`. The faults in it are calls of the
functions of `otlptest.faults`, checked against their signatures: a plan can do what a test can.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, get_args

from otlptest import bundled, faults
from otlptest.documents import Document, KeyPath, choices_hint, read_document
from otlptest.errors import UnknownBundledFileError, UsageError
from otlptest.faults import replies, statuses
from otlptest.faults.plan_shape import FaultPlanShape, InjectionShape, ReplyShape, WhereShape
from otlptest.faults.reply_faults import ReplyFault
from otlptest.faults.reply_rules import ReplyRule
from otlptest.faults.wire_faults import WireFault, WireFaultKind
from otlptest.model import Request

REPLY_NAMES: Final = tuple(sorted((*replies.__all__, *statuses.__all__)))
"""Faults that `reply` takes, sorted."""

WIRE_NAMES: Final = tuple(sorted(get_args(WireFaultKind)))
"""Faults that `inject` takes, sorted."""

_BUILTIN: Final = "builtin:"
_FOLDER: Final = "faults/"
_SUFFIX: Final = ".yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTest:
    """The `where` of a plan: accepts requests that meet all of these conditions.

    Attributes:
        protocol: The protocol; None: any.
        encoding: The compression; None: any.
        headers: Fields that it must have, with these values.
        least_bytes: The least size of the message, inflated.
    """

    protocol: str | None = None
    encoding: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    least_bytes: int = 0

    def __call__(self, request: Request) -> bool:
        """Return whether a request matches."""
        return (
            self.protocol in {None, request.protocol}
            and self.encoding in {None, request.encoding}
            and request.size >= self.least_bytes
            and all(request.headers.get(name) == value for name, value in self.headers)
        )

    def __repr__(self) -> str:
        """Show only the given conditions."""
        asked = {"protocol": self.protocol, "encoding": self.encoding, **dict(self.headers)}
        said = [f"{name} is {value}" for name, value in asked.items() if value is not None]
        said += [f"at least {self.least_bytes} bytes"] if self.least_bytes else []
        return " and ".join(said) or "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySpec:
    """One call of `reply`; see there."""

    faults: tuple[ReplyFault, ...]
    times: int | None = None
    signal: Any = None
    where: RequestTest | None = None
    rate: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInjection:
    """One call of `inject`; see there."""

    fault: WireFault
    times: int | None = None


class _Target(Protocol):
    """A fake collector or a view of one."""

    def reply(
        self,
        *faults: ReplyFault,
        times: int | None,
        signal: Any,  # noqa: ANN401 -- a signal, or "any"
        where: Callable[[Request], object] | None,
        rate: float | None,
        seed: int,
    ) -> None: ...

    def inject(self, fault: WireFault, *, times: int | None) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """The content of a plan.

    Attributes:
        description: A description for people.
        replies: The replies, in order.
        wire: The wire faults, in order.
    """

    description: str = ""
    replies: tuple[ReplySpec, ...] = ()
    wire: tuple[PlannedInjection, ...] = ()

    def apply(self, target: _Target) -> None:
        """Plan everything on a fake collector, or a view of one."""
        for each in self.replies:
            target.reply(
                *each.faults,
                times=each.times,
                signal=each.signal,
                where=each.where,
                rate=each.rate,
                seed=each.seed,
            )
        for one in self.wire:
            target.inject(one.fault, times=one.times)


def read_fault_plan(plan: str | Path, /) -> FaultPlan:
    """Return the plan in a file, or a shipped one.

    Args:
        plan: A path, or `builtin:NAME`, e.g. `builtin:flaky`.

    Raises:
        FileFormatError: The file cannot be read, or is not a fault plan: the first mistake with its
            line, its key path, and the allowed values.
        UnknownBundledFileError: No shipped plan has that name.
    """
    name = str(plan)
    file = _shipped(name.removeprefix(_BUILTIN)) if name.startswith(_BUILTIN) else Path(plan)
    document = read_document(file, FaultPlanShape, called=name)
    content = document.content
    return FaultPlan(
        description=content.description,
        replies=tuple(
            _reply(document, each, ("replies", at)) for at, each in enumerate(content.replies)
        ),
        wire=tuple(
            _injection(document, each, ("wire", at)) for at, each in enumerate(content.wire)
        ),
    )


def _shipped(name: str) -> Path:
    """Return the file of a shipped plan.

    Raises:
        UnknownBundledFileError: No shipped plan has that name.
    """
    names = [each for each in bundled.names("chaos") if each.startswith(_FOLDER)]
    known = [each.removeprefix(_FOLDER).removesuffix(_SUFFIX) for each in names]
    if name not in known:
        raise UnknownBundledFileError("fault plans", name, known)
    return bundled.path("chaos", f"{_FOLDER}{name}{_SUFFIX}")


def _reply(document: Document[FaultPlanShape], shape: ReplyShape, path: KeyPath) -> ReplySpec:
    """Return one entry of `replies`.

    Raises:
        FileFormatError: A fault is unknown, or the keys do not fit together.
    """
    at = (*path, "reply")
    said = shape.reply if isinstance(shape.reply, list) else [shape.reply]
    places = [(*at, number) if isinstance(shape.reply, list) else at for number in range(len(said))]
    calls = tuple(
        _fault(document, one, place, REPLY_NAMES) for one, place in zip(said, places, strict=True)
    )
    planned = ReplySpec(
        faults=calls,
        times=shape.times,
        signal=shape.signal,
        where=_request_test(shape.where),
        rate=shape.rate,
        seed=shape.seed,
    )
    if not calls:
        raise document.error(at, "no fault is given", f"there are: {', '.join(REPLY_NAMES)}")
    try:
        ReplyRule(
            calls,
            times=planned.times,
            signal=planned.signal,
            where=planned.where,
            rate=planned.rate,
            seed=planned.seed,
        )
    except UsageError as refused:
        raise document.error(path, refused.problem, _as_keys(refused.hint)) from refused
    return planned


def _as_keys(hint: str) -> str:
    """Return a hint about arguments as one about the keys of a file."""
    return hint.replace('="', ": ").replace('"', "")


def _injection(
    document: Document[FaultPlanShape], shape: InjectionShape, path: KeyPath
) -> PlannedInjection:
    fault = _fault(document, shape.inject, (*path, "inject"), WIRE_NAMES)
    return PlannedInjection(fault=fault, times=shape.times)


def _request_test(shape: WhereShape | None) -> RequestTest | None:
    if shape is None:
        return None
    return RequestTest(
        protocol=shape.protocol,
        encoding=shape.encoding,
        headers=tuple(shape.headers.items()),
        least_bytes=shape.least_bytes,
    )


def _fault(
    document: Document[FaultPlanShape],
    said: object,
    path: KeyPath,
    known: tuple[str, ...],
) -> Any:  # noqa: ANN401 -- a ReplyFault or a WireFault, as the names are
    """Return the fault for a name, or for a name with arguments.

    Raises:
        FileFormatError: The name is unknown, or its arguments are wrong.
    """
    name, given = said, None
    if isinstance(said, dict) and len(said) == 1:
        ((name, given),) = said.items()
        path = (*path, name)
    if not isinstance(name, str):
        problem = f"a fault is a name, or one name with its arguments, and not {said!r}"
        raise document.error(path, problem, f"there are: {', '.join(known)}")
    if name not in known:
        elsewhere = {*REPLY_NAMES, *WIRE_NAMES} - {*known}
        where = "under wire, with inject:" if known is REPLY_NAMES else "under replies, with reply:"
        hint = f"it goes {where}" if name in elsewhere else choices_hint(name, known)
        raise document.error(path, f"unknown fault {name!r} here", hint)
    function: Callable[..., object] = getattr(faults, name)
    positional, named = _arguments(document, name, function, given, path)
    try:
        return function(*positional, **named)
    except UsageError as refused:
        place = _place_of(document, path, refused.problem)
        raise document.error(place, refused.problem, refused.hint) from refused


def _arguments(
    document: Document[FaultPlanShape],
    name: str,
    function: Callable[..., object],
    given: object,
    path: KeyPath,
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of the call; a value that is not a mapping is its first argument.

    Raises:
        FileFormatError: An argument does not exist, or one is missing.
    """
    parameters = inspect.signature(function).parameters
    first = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_ONLY]
    if given is None:
        given = {}
    elif not isinstance(given, dict):
        if not first:
            problem = f"{name} takes arguments by name and not {given!r}"
            raise document.error(path, problem, _arguments_there_are(parameters))
        given = {first[0]: given}
    for argument in given:
        if argument not in parameters:
            problem = f"{name} has no argument {argument!r}"
            hint = choices_hint(argument, [*parameters]) if parameters else "it has none"
            raise document.error((*path, argument), problem, hint)
    for parameter in parameters.values():
        if parameter.default is parameter.empty and parameter.name not in given:
            problem = f"{name} needs the argument {parameter.name!r}"
            raise document.error(path, problem, _arguments_there_are(parameters))
    values = {
        argument: _value(document, argument, value, (*path, argument))
        for argument, value in given.items()
    }
    return [values.pop(each) for each in first if each in values], values


def _arguments_there_are(parameters: Mapping[str, inspect.Parameter]) -> str:
    return f"there are: {', '.join(parameters)}" if parameters else "it has none"


def _value(
    document: Document[FaultPlanShape], argument: str, value: object, path: KeyPath
) -> object:
    """Return an argument as the functions take it: a fault within a fault, a body as bytes."""
    if argument == "reply":
        return _fault(document, value, path, REPLY_NAMES)
    if argument == "body" and isinstance(value, str):
        return value.encode()
    return value


def _place_of(document: Document[FaultPlanShape], path: KeyPath, problem: str) -> KeyPath:
    """Return where the argument stands that a message begins with, else the fault itself."""
    argument = (*path, problem.partition(" ")[0])
    return argument if document.places.has(argument) else path
