"""Faults of connections and HTTP/2 frames, as data.

A `WireFault` acts on bytes and frames on their way between a client and a receiver. It works in the
proxy, before any receiver, and in the fake collector itself; both use these definitions.

*Up* is from the client to the receiver, *down* is the way back. Bytes are counted per connection
and direction: from its first byte on, or, on a connection that was open before, from where the
fault was injected. A proxy counts them as they go over the wire, TLS included; the fake counts what
is within TLS.
"""

from dataclasses import dataclass
from typing import Final, Literal, cast

from otlptest.errors import UsageError
from otlptest.faults.arguments import (
    checked_choice,
    checked_count,
    checked_flag,
    checked_name,
    checked_seconds,
    checked_text,
    with_known_names,
    written,
)
from otlptest.wire.transport.http2_frames import ErrorCode

__all__ = [
    "Direction",
    "Moment",
    "WireFault",
    "WireFaultKind",
    "bandwidth",
    "blackhole",
    "corrupt",
    "goaway",
    "latency",
    "refuse",
    "reset",
    "rst_stream",
    "slice",
    "trickle",
    "truncate",
    "window",
]

WireFaultKind = Literal[
    "reset",
    "refuse",
    "blackhole",
    "trickle",
    "slice",
    "latency",
    "bandwidth",
    "truncate",
    "corrupt",
    "goaway",
    "rst_stream",
    "window",
]

Direction = Literal["up", "down", "both"]
"""The direction of the bytes that a fault acts on: to the receiver, to the client, or both."""

Moment = Literal["connect", "request", "before_reply", "after_reply"]
"""The moment at which a fault acts:

- `connect`: as soon as a new connection exists, before any byte of a request;
- `request`: when a request begins (HTTP/2: its HEADERS; else the first bytes from the client), or
  where `after_bytes` says, within it;
- `before_reply`: the request is whole and has reached the receiver, its reply exists, and no byte
  of it has gone to the client;
- `after_reply`: the reply has gone to the client whole.
"""

_MOMENTS: Final = ("connect", "request", "before_reply", "after_reply")
_DIRECTIONS: Final = ("up", "down", "both")
_CODES: Final = tuple(code.name for code in ErrorCode)
_MOST_STREAM: Final = 2**31 - 1
_MOST_CODE: Final = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WireFault:
    """An effect on a connection or a stream. Make one with the functions of this module.

    Attributes:
        text: The call that makes it, for `repr`.
        kind: The function that makes it.
        direction: The direction of the bytes that it acts on.
        at: The moment at which it acts; `after_bytes` replaces it for the kinds that have it.
        after_bytes: The bytes in `direction` after which it acts; None: `at` decides.
        latency_s: The delay of every piece.
        jitter_s: The largest additional delay, evenly spread; the order stays.
        bytes_per_s: The most bytes that pass in a second.
        slice_bytes: The largest piece in which bytes pass.
        pause_s: The seconds between two pieces.
        count: How many bytes are changed.
        seed: The random seed, together with the connection's number.
        code: The HTTP/2 error code of a GOAWAY or RST_STREAM.
        message: The debug data of a GOAWAY.
        last_stream_id: The last stream that a GOAWAY reports as taken; None: the last that began.
        ends_connection: Whether the connection is closed after a GOAWAY, once no allowed stream is
            open.
        window_bytes: The flow-control window of each stream of the client, never enlarged.
    """

    text: str
    kind: WireFaultKind
    direction: Direction = "up"
    at: Moment = "request"
    after_bytes: int | None = None
    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: int = 0
    slice_bytes: int = 0
    pause_s: float = 0.0
    count: int = 0
    seed: int = 0
    code: int = 0
    message: str = ""
    last_stream_id: int | None = None
    ends_connection: bool = True
    window_bytes: int = 0

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return self.text

    @property
    def acts_on_frames(self) -> bool:
        """Return whether it needs HTTP/2, so never fires on an HTTP/1.1 connection."""
        return self.kind in {"goaway", "rst_stream", "window"}

    @property
    def corrupts_requests(self) -> bool:
        """Return whether requests arrive changed from what the client sent."""
        return self.kind == "corrupt" and self.direction == "up"


@with_known_names
def reset(
    *, after_bytes: int | None = None, at: Moment = "request", direction: Direction = "up"
) -> WireFault:
    """The connection is reset (TCP RST): both sides get an error, what is under way is lost.

    Args:
        after_bytes: The bytes before the reset: within a request (`direction="up"`) or within
            a reply (`"down"`).
        at: Without `after_bytes`: `"connect"`, `"request"`, `"before_reply"` (the receiver has the
            request, the client never learns it) or `"after_reply"`.
        direction: The direction in which bytes count.

    Raises:
        UsageError: An argument is out of its range, or both `after_bytes` and `at` are given.

    Example:
        >>> from otlptest import faults
        >>> faults.reset(after_bytes=1000)
        faults.reset(after_bytes=1000)
    """
    if after_bytes is not None and at != "request":
        raise UsageError(
            f"after_bytes={after_bytes!r} does not go with at={at!r}",
            "one of them says when the connection is reset",
        )
    return WireFault(
        text=written("reset", after_bytes=after_bytes, **_moment(at), **_way(direction, "up")),
        kind="reset",
        after_bytes=_position(after_bytes),
        at=_checked_moment(at),
        direction=_checked_way(direction, _DIRECTIONS[:2]),
    )


@with_known_names
def refuse() -> WireFault:
    """New connections are reset as soon as they are made; open ones go on.

    A client sees a reset, in some cases while it connects. Where nothing listens it sees
    "connection refused" instead: close the receiver, or its port, for that.
    """
    return WireFault(text="faults.refuse()", kind="refuse", at="connect")


@with_known_names
def blackhole(*, after_bytes: int = 0, direction: Direction = "both") -> WireFault:
    """The connection is open and nothing passes any more; no side gets an error.

    Args:
        after_bytes: The number of bytes that still pass.
        direction: The blocked direction.

    Raises:
        UsageError: An argument is out of its range.
    """
    return WireFault(
        text=written("blackhole", after_bytes=after_bytes or None, **_way(direction, "both")),
        kind="blackhole",
        after_bytes=_position(after_bytes),
        direction=_checked_way(direction, _DIRECTIONS),
    )


@with_known_names
def trickle(
    *, slice_bytes: int = 1, pause_s: float = 0.05, direction: Direction = "up"
) -> WireFault:
    """Bytes pass a few at a time with a pause after each: a slow peer that never stops.

    Args:
        slice_bytes: The number of bytes at a time.
        pause_s: Seconds between two pieces.
        direction: The affected direction.

    Raises:
        UsageError: An argument is out of its range.
    """
    return WireFault(
        text=written("trickle", slice_bytes=slice_bytes, pause_s=pause_s, **_way(direction, "up")),
        kind="trickle",
        slice_bytes=checked_count("slice_bytes", slice_bytes, least=1),
        pause_s=checked_seconds("pause_s", pause_s),
        direction=_checked_way(direction, _DIRECTIONS),
    )


@with_known_names
def slice(  # noqa: A001 -- what it is called everywhere; meant to be read as `faults.slice`
    *, slice_bytes: int = 1, direction: Direction = "up"
) -> WireFault:
    """Bytes pass in small pieces, each in a packet of its own, without a pause.

    Args:
        slice_bytes: The largest piece.
        direction: The affected direction.

    Raises:
        UsageError: An argument is out of its range.
    """
    return WireFault(
        text=written("slice", slice_bytes=slice_bytes, **_way(direction, "up")),
        kind="slice",
        slice_bytes=checked_count("slice_bytes", slice_bytes, least=1),
        direction=_checked_way(direction, _DIRECTIONS),
    )


@with_known_names
def latency(
    seconds: float, /, *, jitter_s: float = 0.0, direction: Direction = "down", seed: int = 0
) -> WireFault:
    """Every byte is that much later; order stays.

    Args:
        seconds: The delay.
        jitter_s: The largest additional delay, evenly spread.
        direction: The affected direction; `"both"` delays a request and its reply.
        seed: The random seed of the jitter.

    Raises:
        UsageError: An argument is out of its range.
    """
    return WireFault(
        text=written(
            "latency",
            seconds,
            jitter_s=jitter_s or None,
            **_way(direction, "down"),
            seed=seed or None,
        ),
        kind="latency",
        latency_s=checked_seconds("latency", seconds),
        jitter_s=checked_seconds("jitter_s", jitter_s),
        direction=_checked_way(direction, _DIRECTIONS),
        seed=checked_count("seed", seed),
    )


@with_known_names
def bandwidth(bytes_per_s: int, /, *, direction: Direction = "up") -> WireFault:
    """No more than so many bytes pass in a second.

    Args:
        bytes_per_s: At least 1.
        direction: The affected direction; with `"both"` each has its own limit.

    Raises:
        UsageError: An argument is out of its range.
    """
    return WireFault(
        text=written("bandwidth", bytes_per_s, **_way(direction, "up")),
        kind="bandwidth",
        bytes_per_s=checked_count("bytes_per_s", bytes_per_s, least=1),
        direction=_checked_way(direction, _DIRECTIONS),
    )


@with_known_names
def truncate(*, after_bytes: int, direction: Direction = "up") -> WireFault:
    """So many bytes pass, the rest is swallowed, and both sides are closed in order (TCP FIN).

    Args:
        after_bytes: The number of bytes that pass.
        direction: The affected direction.

    Raises:
        UsageError: An argument is out of its range.
    """
    return WireFault(
        text=written("truncate", after_bytes=after_bytes, **_way(direction, "up")),
        kind="truncate",
        after_bytes=checked_count("after_bytes", after_bytes),
        direction=_checked_way(direction, _DIRECTIONS[:2]),
    )


@with_known_names
def corrupt(
    *, after_bytes: int = 0, count: int = 1, direction: Direction = "up", seed: int = 0
) -> WireFault:
    """Bytes arrive changed.

    Args:
        after_bytes: The number of unchanged bytes; 0 is the first byte of the connection.
        count: The number of bytes after them that change.
        direction: The affected direction.
        seed: Decides the values.

    Raises:
        UsageError: An argument is out of its range.
    """
    return WireFault(
        text=written(
            "corrupt",
            after_bytes=after_bytes or None,
            count=count,
            **_way(direction, "up"),
            seed=seed or None,
        ),
        kind="corrupt",
        after_bytes=_position(after_bytes),
        count=checked_count("count", count, least=1),
        direction=_checked_way(direction, _DIRECTIONS[:2]),
        seed=checked_count("seed", seed),
    )


@with_known_names
def goaway(
    *,
    last_stream_id: int | None = None,
    code: int | str | ErrorCode = "NO_ERROR",
    message: str = "",
    at: Moment = "request",
    ends_connection: bool = True,
) -> WireFault:
    """The client gets a GOAWAY (RFC 9113 section 6.8): it must not open further streams here.

    Streams above the last stream id are not answered; the others are, then the connection ends.

    Args:
        last_stream_id: The value in the frame; None: the last stream that began, including the one
            whose request triggers the fault. 0: nothing was taken, all may be sent again.
        code: Name or number of an HTTP/2 error code.
        message: Debug data.
        at: `"connect"`, `"request"`, `"before_reply"` or `"after_reply"`.
        ends_connection: False leaves the connection open.

    Raises:
        UsageError: An argument is out of its range.
        UnknownNameError: The code does not exist.
    """
    number = _error_code(code)
    return WireFault(
        text=written(
            "goaway",
            last_stream_id=last_stream_id,
            code=_shown_code(number) if number else None,
            message=message,
            **_moment(at),
            ends_connection=None if ends_connection else False,
        ),
        kind="goaway",
        direction="down",
        last_stream_id=None
        if last_stream_id is None
        else checked_count("last_stream_id", last_stream_id, most=_MOST_STREAM),
        code=number,
        message=checked_text("message", message),
        at=_checked_moment(at),
        ends_connection=checked_flag("ends_connection", ends_connection),
    )


@with_known_names
def rst_stream(
    code: int | str | ErrorCode = "REFUSED_STREAM", /, *, at: Moment = "request"
) -> WireFault:
    """The client's stream is reset (RFC 9113 section 6.4); the connection goes on.

    Args:
        code: Name or number of an HTTP/2 error code.
        at: `"request"`: when it begins, the receiver does not get it; `"before_reply"`: the
            receiver has it, and its reply is dropped.

    Raises:
        UsageError: The code or the moment is not possible.
        UnknownNameError: The code or the moment does not exist.
    """
    number = _error_code(code)
    checked = checked_choice("moment", at, ("request", "before_reply"))
    return WireFault(
        text=written("rst_stream", _shown_code(number), **_moment(at)),
        kind="rst_stream",
        direction="down",
        code=number,
        at=cast("Moment", checked),
    )


@with_known_names
def window(window_bytes: int = 0, /) -> WireFault:
    """The client gets a flow-control window for each stream that is never opened any further.

    A request that does not fit waits for ever, as if the receiver did not read.

    Args:
        window_bytes: How much of each request may be sent.

    Raises:
        UsageError: It is not a window.
    """
    return WireFault(
        text=written("window", window_bytes),
        kind="window",
        at="connect",
        window_bytes=checked_count("window_bytes", window_bytes, most=_MOST_STREAM),
    )


def _position(after_bytes: int | None) -> int | None:
    return None if after_bytes is None else checked_count("after_bytes", after_bytes)


def _moment(at: str) -> dict[str, str]:
    return {} if at == "request" else {"at": at}


def _way(direction: str, usual: str) -> dict[str, str]:
    return {} if direction == usual else {"direction": direction}


def _checked_moment(at: str) -> Moment:
    return cast("Moment", checked_choice("moment", at, _MOMENTS))


def _checked_way(direction: str, choices: tuple[str, ...]) -> Direction:
    return cast("Direction", checked_choice("direction", direction, choices))


def _error_code(code: int | str | ErrorCode) -> int:
    """Return the number of an HTTP/2 error code.

    Raises:
        UsageError: It cannot be sent.
    """
    if isinstance(code, ErrorCode):
        return int(code)
    if isinstance(code, str):
        return int(ErrorCode[checked_name("HTTP/2 error code", code, _CODES)])
    return checked_count("code", code, most=_MOST_CODE)


def _shown_code(number: int) -> int | str:
    return ErrorCode(number).name if number < len(_CODES) else number
