"""The effect of the wire faults in force on one connection, by the bytes from both ends."""

from collections.abc import Callable, Iterator
from typing import Final

from otlptest.faults.injection.byte_stream import ByteStream, shape_of
from otlptest.faults.injection.corruption import Corruption
from otlptest.faults.injection.frame_filter import FrameFilter
from otlptest.faults.injection.injections import Injection, WirePlan
from otlptest.faults.injection.peer import Peer
from otlptest.faults.injection.protocol_tracker import (
    Conversation,
    FrameConversation,
    Piece,
    spoken,
)
from otlptest.faults.wire_faults import Moment, WireFault
from otlptest.wire.transport import http2_frames as frames

_SHAPING: Final = frozenset({"latency", "bandwidth", "trickle", "slice", "blackhole"})
_AT_POSITION: Final = frozenset({"reset", "truncate", "blackhole"})
_REPLY_FRAMES: Final = frozenset({frames.HEADERS, frames.RST_STREAM})
_MOST_EARLY: Final = 64 * 1024


class ConnectionFaultInjector:
    """Stands between a client and a server. Not thread-safe.

    Args:
        passage: The two ends.
        plan: The faults in force.
        number: The connection's number.
        now: Returns the time in seconds.
        conversation: The protocol, if already known.

    Attributes:
        conversation: The protocol; None until it is known.
        is_over: Whether nothing passes any more.
    """

    def __init__(
        self,
        passage: Peer,
        plan: WirePlan,
        number: int,
        now: Callable[[], float],
        *,
        conversation: Conversation | None = None,
    ) -> None:
        self.conversation: Conversation | None = None
        self.is_over = False
        self._passage = passage
        self._plan = plan
        self._number = number
        self._now = now
        self._gate: FrameFilter | None = None
        wake_at = passage.wake_at
        self._up = ByteStream(
            passage.to_server, passage.end_to_server, wake_at, now, f"up {number}"
        )
        self._down = ByteStream(
            passage.to_client, passage.end_to_client, wake_at, now, f"down {number}"
        )
        self._seen = {"up": 0, "down": 0}  # bytes that came in
        self._origins: dict[Injection, dict[str, int]] = {}
        self._taken: list[Injection] = []  # that shape this connection
        self._corruption = {
            way: Corruption(self._take, f"{way} {number}") for way in ("up", "down")
        }
        self._starving: Injection | None = None
        self._first_bytes = b""
        self._early = b""  # from the server, before the client's protocol is known
        self._judged: set[int] = set()  # requests whose reply has begun
        self._is_quiet = False
        if conversation is not None:
            self._speak(conversation)

    # --- state for the passage

    @property
    def up_is_clear(self) -> bool:
        """Return whether no bytes of the client wait here that will go on by themselves."""
        return self._up.is_clear or self._up.shape.is_stopped

    @property
    def holds_up(self) -> bool:
        """Return whether bytes of the client wait."""
        return not self._up.is_clear or bool(self._first_bytes)

    @property
    def down_is_clear(self) -> bool:
        """Return whether no bytes wait for the client."""
        return self._down.is_clear

    @property
    def up_is_full(self) -> bool:
        """Return whether to stop reading from the client."""
        return self._up.is_full

    @property
    def down_is_full(self) -> bool:
        """Return whether to stop reading from the server."""
        return self._down.is_full

    # --- events from the passage

    def opened(self) -> None:
        """Note that the connection is new."""
        for injection in self._armed("connect"):
            if injection.fault.kind in {"refuse", "reset"} and self._take(injection):
                self._abort(injection.fault)
                return

    def from_client(self, data: bytes | memoryview) -> None:
        """Take bytes from the client."""
        if self._is_quiet and self.conversation is not None:
            self._pass_all("up", data)
        else:
            self._arrived("up", data)

    def from_server(self, data: bytes | memoryview) -> None:
        """Take bytes from the server."""
        if self._is_quiet and self.conversation is not None:
            self._pass_all("down", data)
        else:
            self._arrived("down", data)

    def client_ended(self) -> None:
        """Note that the client sends nothing more."""
        if self.is_over:
            return
        self._send_kept("up")
        self._up.finish()

    def server_ended(self) -> None:
        """Note that the server sends nothing more."""
        if self.is_over:
            return
        self._send_kept("down")
        self._down.finish()

    def plan_changed(self, *, is_new: bool = False) -> None:
        """Apply the changed plan.

        Args:
            is_new: Whether the connection began after everything that is in force now.
        """
        if self.is_over:
            return
        for injection in self._plan.injections:
            origin = {"up": 0, "down": 0} if is_new else dict(self._seen)
            self._origins.setdefault(injection, origin)
        self._origins = {i: o for i, o in self._origins.items() if not i.is_ended}
        for corruption in self._corruption.values():
            corruption.forget_ended()
        if any(injection.is_ended for injection in self._taken):
            self._taken = [i for i in self._taken if not i.is_ended]
            self._reshape()
        if self._starving is not None and self._starving.is_ended and self._gate is not None:
            self._starving = None
            self._gate.feed()
        for injection in self._plan.injections:
            if injection.fault.kind == "window":
                self._take_window(injection)
        self._settle()

    def wake(self) -> None:
        """Handle the time given to `Peer.wake_at`."""
        if not self.is_over:
            self._up.pump()
        if not self.is_over:
            self._down.pump()
        if not self.is_over:
            self._settle()

    def flush(self) -> None:
        """Release what waits: the passage is about to end."""
        if not self.is_over:
            self._send_kept("up")
            self._up.flush()
        if not self.is_over:
            self._down.flush()

    # --- bytes

    def _pass_all(self, way: str, data: bytes | memoryview) -> None:
        """Let everything pass, and track it: no fault is in force."""
        conversation = self.conversation
        if conversation is None:
            return
        is_up = way == "up"
        kept = conversation.kept_up() if is_up else conversation.kept_down()
        for piece in conversation.up(data) if is_up else conversation.down(data):
            if piece.ends and not is_up:
                self._passage.reply_passed(piece.request)
        lane = self._up if is_up else self._down
        (conversation.up_has_passed if is_up else conversation.down_has_passed)()
        self._seen[way] += len(data)
        self._corruption[way].skip(len(data) + len(kept))
        if kept:
            lane.put(kept)
        lane.put(data)

    def _arrived(self, way: str, data: bytes | memoryview) -> None:
        if self.is_over:
            return
        self._take_shapes(way)
        while len(data) and not self.is_over:
            position, injection = self._next_position(way, len(data))
            if injection is None:
                self._seen[way] += len(data)
                self._walk(way, data)
                break
            size = max(0, position - self._seen[way])
            self._seen[way] += size
            if size:
                self._walk(way, data[:size])
                data = data[size:]
            self._position_reached(injection)
        self._settle()

    def _next_position(self, way: str, size: int) -> tuple[int, Injection | None]:
        """Return the nearest place within the next `size` bytes where a fault acts."""
        nearest, found = self._seen[way] + size + 1, None
        for injection in self._plan.injections:
            fault = injection.fault
            if fault.after_bytes is None or fault.kind not in _AT_POSITION:
                continue
            is_here = fault.direction in {way, "both"} and injection not in self._taken
            if not is_here or not injection.is_in_force:
                continue
            position = self._origin(injection, way) + fault.after_bytes
            if position < nearest:
                nearest, found = position, injection
        return nearest, found

    def _origin(self, injection: Injection, way: str) -> int:
        """Return the position from which an injection counts bytes: 0, or that of its start."""
        return self._origins.get(injection, {}).get(way, 0)

    def _position_reached(self, injection: Injection) -> None:
        if self.is_over or not self._take(injection):
            return
        fault = injection.fault
        self._send_kept("up")
        self._send_kept("down")
        if fault.kind == "blackhole":
            self._taken.append(injection)
            self._reshape()
        elif fault.kind == "reset":
            self._abort(fault)
        else:
            self._close(f"cut by {fault!r}")

    def _walk(self, way: str, data: bytes | memoryview) -> None:
        """Split bytes into pieces, and let each pass or not."""
        if self.conversation is None and not self._begin(way, data):
            return
        conversation = self.conversation
        if conversation is None:
            return
        pieces = conversation.up(data) if way == "up" else conversation.down(data)
        handle = self._client_piece if way == "up" else self._server_piece
        for piece in pieces:
            handle(piece)
            if self.is_over:
                return
        if self._gate is not None:
            self._gate.insert()
            if self._gate.is_done:
                self._close("closed after a GOAWAY")

    def _begin(self, way: str, data: bytes | memoryview) -> bool:
        """Detect the protocol; return whether `data` is still to be handled."""
        if way == "down":
            self._early = (self._early + bytes(data))[:_MOST_EARLY]
            self._emit("down", data)
            return False
        self._first_bytes += bytes(data)
        conversation = spoken(self._first_bytes)
        if conversation is None:
            return False
        first, self._first_bytes = self._first_bytes, b""
        for _ in conversation.down(self._early):
            pass
        conversation.down_has_passed()
        self._early = b""
        self._speak(conversation)
        self._walk("up", first)
        return False

    def _speak(self, conversation: Conversation) -> None:
        self.conversation = conversation
        if isinstance(conversation, FrameConversation):
            self._gate = FrameFilter(
                conversation,
                lambda data: self._emit("up", data),
                lambda data: self._emit("down", data),
                self._passage.request_lost,
                needs_reply_blocks=self._passage.needs_reply_blocks,
            )
            for injection in self._armed("connect"):
                if injection.fault.kind == "goaway" and self._take(injection):
                    self._gate.go_away(injection.fault)
            self._take_shapes("up")

    def _emit(self, way: str, data: bytes | memoryview) -> None:
        """Send bytes on, changed where a fault says so."""
        corrupting = [
            (injection, self._origin(injection, way) + (injection.fault.after_bytes or 0))
            for injection in self._plan.injections
            if injection.fault.kind == "corrupt" and injection.fault.direction == way
        ]
        data = self._corruption[way].applied(corrupting, data)
        (self._up if way == "up" else self._down).put(data)

    def _send_kept(self, way: str) -> None:
        """Send on the bytes kept back: no more bytes will come to identify them."""
        if way == "up" and self._first_bytes:
            first, self._first_bytes = self._first_bytes, b""
            self._emit("up", first)
        conversation = self.conversation
        if conversation is None:
            return
        kept = conversation.kept_up() if way == "up" else conversation.kept_down()
        if kept:
            (conversation.up_has_passed if way == "up" else conversation.down_has_passed)()
            self._emit(way, kept)

    # --- requests and replies

    def _client_piece(self, piece: Piece) -> None:
        if piece.begins and self._act(self._due("request", piece.request), piece.request):
            return
        if self._gate is not None:
            self._gate.up(piece)
        else:
            self._emit("up", piece.data)

    def _server_piece(self, piece: Piece) -> None:
        request = piece.request
        if self._is_reply(piece) and self._act(self._due("before_reply", request), request):
            return
        # A client that has read the reply may ask at once what has fired.
        due = self._due("after_reply", request) if piece.ends else []
        has_passed = True
        if self._gate is not None:
            has_passed = self._gate.down(piece)
        else:
            self._emit("down", piece.data)
        if piece.ends:
            if has_passed:
                self._passage.reply_passed(request)
            self._judged.discard(request)
            self._act(due, request)

    def _is_reply(self, piece: Piece) -> bool:
        """Return whether the reply to a whole request begins."""
        request = piece.request
        if self.conversation is None or request in self._judged:
            return False
        frame = piece.frame
        if frame is not None and not (frame.begins and frame.kind in _REPLY_FRAMES):
            return False
        if not self.conversation.is_whole(request):
            return False
        self._judged.add(request)
        return True

    def _due(self, moment: Moment, request: int) -> list[WireFault]:
        """Return the faults that act at this moment, and count them as fired."""
        gate = self._gate
        due: list[WireFault] = []
        for injection in self._armed(moment):
            fault = injection.fault
            if fault.kind == "goaway" and gate is not None:
                is_known = gate.ends_connection or request > gate.last_allowed
                if not is_known and self._take(injection, request):
                    due.append(fault)
            elif (fault.kind == "reset" or gate is not None) and self._take(injection, request):
                due.append(fault)
                break  # the others have no stream to act on
        return due

    def _act(self, due: list[WireFault], request: int) -> bool:
        """Let faults act; return whether the connection is over."""
        for fault in due:
            if fault.kind == "reset" or self._gate is None:
                self._abort(fault)
                return True
            if fault.kind == "goaway":
                self._gate.go_away(fault)
            elif fault.at == "request":
                self._gate.refuse_stream(request, fault.code)
            else:
                self._gate.drop_reply(request, fault.code)
        return False

    def _armed(self, moment: Moment) -> Iterator[Injection]:
        """Yield the faults that may act at a moment."""
        for injection in self._plan.injections:
            fault = injection.fault
            if fault.at != moment or fault.after_bytes is not None:
                continue
            if fault.kind not in _SHAPING and fault.kind != "window" and injection.is_in_force:
                yield injection

    def _take(self, injection: Injection, request: int = 0) -> bool:
        stream = request if self._gate is not None and request else None
        if not injection.take(self._number, stream, self._now()):
            return False
        self._passage.fired(injection.fault)
        return True

    # --- lasting faults

    def _take_shapes(self, way: str) -> None:
        """Take up the faults that shape this direction and are not yet applied."""
        is_changed = False
        for injection in self._plan.injections:
            fault = injection.fault
            if fault.kind == "window":
                self._take_window(injection)
                continue
            if fault.kind not in _SHAPING or fault.kind == "blackhole" or injection in self._taken:
                continue
            if fault.direction in {way, "both"} and self._take(injection):
                self._taken.append(injection)
                is_changed = True
        if is_changed:
            self._reshape()

    def _take_window(self, injection: Injection) -> None:
        gate = self._gate
        if gate is not None and self._starving is None and self._take(injection):
            self._starving = injection
            gate.starve(injection.fault.window_bytes)

    def _reshape(self) -> None:
        faults = [injection.fault for injection in self._taken]
        self._up.reshape(shape_of([f for f in faults if f.direction != "down"]))
        if not self.is_over:
            self._down.reshape(shape_of([f for f in faults if f.direction != "up"]))

    # --- the end

    def _tell_loss(self) -> None:
        """Report a loss if the server did not, or could not, get what the client began to send."""
        conversation = self.conversation
        if conversation is None or conversation.is_within_request:
            self._passage.request_lost(None)

    def _abort(self, fault: WireFault) -> None:
        self._tell_loss()
        self._over()
        self._passage.abort(f"reset by {fault!r}")

    def _close(self, reason: str) -> None:
        """Close in order, after the waiting bytes."""
        self._up.flush()
        if not self.is_over:
            self._down.flush()
        if self.is_over:
            return
        self._tell_loss()
        self._over()
        self._passage.close(reason)

    def _over(self) -> None:
        self.is_over = True
        self._is_quiet = False
        self._up.drop()
        self._down.drop()

    def _settle(self) -> None:
        """Check whether everything may pass untracked."""
        if self.is_over:
            return
        self._is_quiet = (
            not any(injection.is_in_force for injection in self._plan.injections)
            and not self._taken
            and not any(corruption.is_under_way for corruption in self._corruption.values())
            and (self._gate is None or self._gate.is_open)
        )
