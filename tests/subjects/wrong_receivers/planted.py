"""What a wrong receiver is: one change of a right one, the case that catches it, and the rules."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE
from otlptest.model import Attributes, Protocol, Signal
from otlptest.wire.otlp.signals import response_class
from tests.subjects.wrong_receivers.grpc_front import Answered, Call, Change2, Drops
from tests.subjects.wrong_receivers.http_front import Change, Heard, Said, Talk

PROTOBUF, JSON = "application/x-protobuf", "application/json"
ALL: tuple[Signal, ...] = ("traces", "metrics", "logs")
GZIP = b"\x1f\x8b"

Stored = Callable[[tuple[Any, ...]], tuple[Any, ...]]
"""What a wrong receiver has stored, of what a right one would have."""


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One fault.

    Attributes:
        name: What is wrong, in words.
        case: The case that must catch it.
        rules: Exactly what that case finds broken.
        change: Changes answers over HTTP.
        talk: Has HTTP connections for itself.
        at_once: How many HTTP connections it serves at a time.
        call: Changes answers over gRPC.
        drops: Keeps HTTP/2 frames from the client.
        keeps_open: HTTP/2 connections that should end stay open.
        stored: What it has stored.
        protocol: What the suite runs in.
        signals: What it takes.
        harm: What the case must say that it does.
        timeout_s: How long the case waits for an answer: short where none comes.
        origins: Pages of these origins may send.
    """

    name: str
    case: str
    rules: frozenset[str]
    change: Change | None = None
    talk: Talk | None = None
    at_once: int = 1000
    call: Change2 | None = None
    drops: Drops | None = None
    keeps_open: bool = False
    stored: Stored | None = None
    protocol: Protocol = "http/protobuf"
    signals: tuple[Signal, ...] = ALL
    harm: str | None = None
    timeout_s: float = 20.0
    origins: tuple[str, ...] = field(default=())


def wrong(name: str, case: str, *rules: str, **more: Any) -> Wrong:  # noqa: ANN401 -- fields
    """A fault; `RESP-002` is `OTLP-RESP-002`."""
    if more.get("harm") == "hang":
        more.setdefault("timeout_s", 2.0)
    return Wrong(name=name, case=case, rules=frozenset(f"OTLP-{rule}" for rule in rules), **more)


# Changes over HTTP.

When = Callable[[Heard, Said], bool]


def always(_: Heard, __: Said) -> bool:
    return True


def refused(_: Heard, said: Said) -> bool:
    return said.status >= 400


def taken(_: Heard, said: Said) -> bool:
    return said.status == 200


def sent(part: bytes) -> When:
    """The body has a part."""
    return lambda heard, _: part in heard.body


def having(name: str, value: str | None) -> When:
    """A header has a value."""
    return lambda heard, _: heard.header(name) == value


def turned(when: When, **changes: Any) -> Change:  # noqa: ANN401 -- of `Said.having`
    """Answers are changed when something holds."""
    return lambda heard, said: said.having(**changes) if when(heard, said) else said


def accepts(when: When) -> Change:
    """What should be refused gets a full success."""

    def change(heard: Heard, said: Said) -> Said:
        if not when(heard, said) or said.status == 200:
            return said
        is_json = heard.header("content-type") == JSON
        return Said(
            status=200,
            fields=[("Content-Type", JSON if is_json else PROTOBUF)],
            body=b"{}" if is_json else b"",
        )

    return change


def partial(signal: Signal, rejected: int, message: str) -> bytes:
    """An `Export…ServiceResponse` with a partial success."""
    response: Any = response_class(signal)()
    response.partial_success.SetInParent()
    names = {"traces": "rejected_spans", "metrics": "rejected_data_points"}
    setattr(response.partial_success, names.get(signal, "rejected_log_records"), rejected)
    response.partial_success.error_message = message
    return bytes(response.SerializeToString())


# Changes over gRPC.


def called(path_part: str) -> Callable[[Call, Answered], bool]:
    return lambda call, _: path_part in call.path


def fails(_: Call, answer: Answered) -> bool:
    return answer.status != 0


def answers(when: Callable[[Call, Answered], bool], what: Answered) -> Change2:
    return lambda call, answer: what if when(call, answer) else answer


def ever(_: Call, __: Answered) -> bool:
    return True


# What is stored.


def nothing(_: tuple[Any, ...]) -> tuple[Any, ...]:
    return ()


def losing_first() -> Stored:
    """The first marker that is asked for is lost, with all that carries it."""
    lost: list[object] = []

    def lose(items: tuple[Any, ...]) -> tuple[Any, ...]:
        lost.extend(item.attributes.get(MARKER_ATTRIBUTE) for item in items[:1] if not lost)
        return tuple(item for item in items if item.attributes.get(MARKER_ATTRIBUTE) not in lost)

    return lose


def without(name: str) -> Stored:
    """Items that have lost an attribute."""

    def drop(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            replace(
                item,
                attributes=Attributes({k: v for k, v in item.attributes.items() if k != name}),
            )
            for item in items
        )

    return drop


def with_value(name: str, change: Callable[[Any], Any]) -> Stored:
    """Items with another value of an attribute."""

    def alter(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            replace(
                item,
                attributes=Attributes(
                    {k: change(v) if k == name else v for k, v in item.attributes.items()}
                ),
            )
            for item in items
        )

    return alter


def with_fields(**changed: Any) -> Stored:  # noqa: ANN401 -- fields of any item
    """Items with other fields."""
    return lambda items: tuple(replace(item, **changed) for item in items)
