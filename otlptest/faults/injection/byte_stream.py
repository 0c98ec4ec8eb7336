"""One direction of a connection: bytes pass at once, late, slowly, in pieces, or never."""

import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from otlptest.faults.wire_faults import WireFault

_BURST_S: Final = 0.02  # a bandwidth lets through at once what fits into this time
_PIECES_IN_TURN: Final = 256
_FULL_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The effect of the faults in force on the bytes of one direction.

    Attributes:
        latency_s: The delay of each byte.
        jitter_s: The largest additional delay.
        slice_bytes: The largest piece; 0: any.
        pause_s: Seconds between two pieces.
        bytes_per_s: The most bytes that pass in a second; 0: any.
        is_stopped: Whether nothing passes.
        seed: The random seed of the jitter.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    slice_bytes: int = 0
    pause_s: float = 0.0
    bytes_per_s: int = 0
    is_stopped: bool = False
    seed: int = 0


_PLAIN: Final = Shape()


def shape_of(faults: list[WireFault]) -> Shape:
    """Return the combined shape of several faults: delays add up, the tightest limit counts."""
    if not faults:
        return _PLAIN
    return Shape(
        latency_s=sum(fault.latency_s for fault in faults),
        jitter_s=sum(fault.jitter_s for fault in faults),
        slice_bytes=_tightest(fault.slice_bytes for fault in faults),
        pause_s=max(fault.pause_s for fault in faults),
        bytes_per_s=_tightest(fault.bytes_per_s for fault in faults),
        is_stopped=any(fault.kind == "blackhole" for fault in faults),
        seed=sum(fault.seed for fault in faults),
    )


def _tightest(limits: Iterable[int]) -> int:
    return min((limit for limit in limits if limit), default=0)


def _randomness(name: str, seed: int) -> random.Random:
    return random.Random(f"{seed} {name}")  # noqa: S311 -- must be repeatable


class ByteStream:
    """Carries bytes in order. Not thread-safe.

    Args:
        deliver: Takes the bytes on the other side.
        end: Called once after the last byte.
        wake_at: Schedules a call of `pump` at a time in seconds.
        now: Returns the time in seconds.
        name: Distinguishes it from other lanes: the same seed gives each its own jitter.

    Attributes:
        shape: The effect on the bytes; set it with `reshape`.
    """

    def __init__(
        self,
        deliver: Callable[[bytes | memoryview], None],
        end: Callable[[], None],
        wake_at: Callable[[float], None],
        now: Callable[[], float],
        name: str,
    ) -> None:
        self.shape = _PLAIN
        self._deliver = deliver
        self._end = end
        self._wake_at = wake_at
        self._now = now
        self._name = name
        self._random = _randomness(name, 0)
        self._waiting: deque[tuple[float, memoryview]] = deque()
        self._waiting_bytes = 0
        self._last_due = 0.0
        self._free_at = 0.0  # when the next piece may pass
        self._wakes_at: float | None = None
        self._is_finished = False
        self._has_ended = False

    @property
    def is_clear(self) -> bool:
        """Return whether no bytes wait."""
        return not self._waiting

    @property
    def is_full(self) -> bool:
        """Return whether too much waits to read more."""
        return self._waiting_bytes >= _FULL_BYTES

    def put(self, data: bytes | memoryview) -> None:
        """Send bytes on their way; copy a view if it has to wait."""
        shape = self.shape
        if shape is _PLAIN and not self._waiting:
            self._deliver(data)
            return
        now = self._now()
        late = shape.latency_s
        if shape.jitter_s:
            late += self._random.uniform(0.0, shape.jitter_s)
        self._last_due = max(self._last_due, now + late)
        self._waiting.append((self._last_due, memoryview(bytes(data))))
        self._waiting_bytes += len(data)
        self.pump()

    def finish(self) -> None:
        """End the stream: report that to the other side after the waiting bytes."""
        self._is_finished = True
        self.pump()

    def flush(self) -> None:
        """Let everything pass now."""
        self.reshape(_PLAIN)

    def drop(self) -> None:
        """Forget the waiting bytes, and the end too."""
        self._waiting.clear()
        self._waiting_bytes = 0
        self._has_ended = True

    def reshape(self, shape: Shape) -> None:
        """Set the effect on bytes from now on; waiting ones do not wait longer than before."""
        if shape == self.shape:
            return
        self.shape = shape if shape != _PLAIN else _PLAIN
        self._random = _randomness(self._name, shape.seed)
        if not shape.latency_s and not shape.jitter_s:
            self._last_due = 0.0
            self._waiting = deque((0.0, data) for _, data in self._waiting)
        self._free_at = 0.0
        self.pump()

    def pump(self) -> None:
        """Let bytes pass that may pass now."""
        now = self._now()
        if self._wakes_at is not None and self._wakes_at <= now:
            self._wakes_at = None
        pieces_left = _PIECES_IN_TURN if self.shape.slice_bytes else -1
        while self._waiting and not self.shape.is_stopped:
            due = max(self._waiting[0][0], self._free_at)
            if not pieces_left:
                due = math.nextafter(now, math.inf)  # others get their turn
            pieces_left -= 1
            if due > now:
                self._wake(due)
                return
            self._pass_piece(now)
        if self._is_finished and not self._waiting and not self._has_ended:
            if self.shape.is_stopped:
                return
            self._has_ended = True
            self._end()

    def _pass_piece(self, now: float) -> None:
        shape = self.shape
        due, data = self._waiting.popleft()
        size = shape.slice_bytes or len(data)
        if shape.bytes_per_s:
            size = min(size, max(1, int(shape.bytes_per_s * _BURST_S)))
        piece = data[:size]
        if len(data) > size:
            self._waiting.appendleft((due, data[size:]))
        self._waiting_bytes -= len(piece)
        if shape.bytes_per_s:
            self._free_at = max(self._free_at, now - _BURST_S) + len(piece) / shape.bytes_per_s
        if shape.pause_s:
            self._free_at = max(self._free_at, now + shape.pause_s)
        self._deliver(piece)

    def _wake(self, when: float) -> None:
        if self._wakes_at is None or when < self._wakes_at:
            self._wakes_at = when
            self._wake_at(when)
