"""The effect of faults on HTTP/2 frames: some are dropped, some inserted (RFC 9113).

Header blocks are delicate: each changes the meaning of the next ones (HPACK), so a block that its
reader will not get must be the last one it needs, or must not affect the others.
"""

from collections.abc import Callable
from typing import Final

from otlptest.faults.injection.protocol_tracker import FrameConversation, Piece
from otlptest.faults.wire_faults import WireFault
from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_frames import ErrorCode, Setting
from otlptest.wire.transport.http2_observer import FramePart

_NO_LAST: Final = 2**31
_BLOCKS: Final = frozenset({frames.HEADERS, frames.CONTINUATION})


class FrameFilter:
    """Decides about each frame of one connection. Not thread-safe.

    Args:
        conversation: Knows the bounds of frames and the open streams.
        to_server: Takes bytes for the server.
        to_client: Takes bytes for the client.
        request_lost: Called for each stream whose request the server will not get.
        needs_reply_blocks: Whether header blocks to the client build on earlier ones.

    Attributes:
        last_allowed: The last stream id of a GOAWAY; above every id before one.
        ends_connection: Whether to close the connection once no allowed stream is open.
    """

    def __init__(
        self,
        conversation: FrameConversation,
        to_server: Callable[[bytes | memoryview], None],
        to_client: Callable[[bytes | memoryview], None],
        request_lost: Callable[[int], None],
        *,
        needs_reply_blocks: bool,
    ) -> None:
        self.conversation = conversation
        self.last_allowed = _NO_LAST
        self.ends_connection = False
        self._to_server = to_server
        self._to_client = to_client
        self._request_lost = request_lost
        self._needs_reply_blocks = needs_reply_blocks
        self._refused: set[int] = set()  # the server must not get these requests
        self._muted: set[int] = set()  # the client must not get these replies
        self._window: int | None = None
        self._settings: bytes | None = None  # the server's, while they are rewritten
        self._withheld: dict[int, int] = {}
        self._for_client: list[bytes] = []  # frames that wait for the end of another
        self._for_server: list[bytes] = []
        self._drops_up = False  # the frame that is passing; False between frames
        self._drops_down = False
        self._credit = 0
        self._update = b""

    @property
    def is_open(self) -> bool:
        """Return whether every frame passes unchanged."""
        return (
            self.last_allowed == _NO_LAST
            and self._window is None
            and not self.conversation.awaits_our_ack
            and not (self._drops_up or self._drops_down or self._settings is not None)
            and not (self._refused or self._muted or self._for_client or self._for_server)
        )

    @property
    def is_done(self) -> bool:
        """Return whether the connection must be closed now."""
        return (
            self.ends_connection
            and not self._for_client
            and not self.conversation.has_under_way(self.last_allowed)
        )

    # --- faults begin and end

    def go_away(self, fault: WireFault) -> None:
        """Forbid the client to open streams; those above the last id are ignored."""
        last = fault.last_stream_id
        if last is None:
            last = self.conversation.last_id
        self.last_allowed = min(self.last_allowed, last)
        self.ends_connection = self.ends_connection or fault.ends_connection
        self._insert_down(frames.goaway(last, fault.code, fault.message))

    def refuse_stream(self, stream: int, code: int) -> None:
        """Reset a new stream: the server gets its header block and a cancellation."""
        self._refused.add(stream)
        self._request_lost(stream)
        self._insert_down(frames.reset(stream, code))

    def drop_reply(self, stream: int, code: int) -> None:
        """Reset a stream instead of its reply."""
        self._muted.add(stream)
        self._insert_down(frames.reset(stream, code))

    def starve(self, window: int) -> None:
        """Give the client `window` bytes for each stream, and no more."""
        self._window = window
        self._say_window(min(window, self.conversation.server_window))

    def feed(self) -> None:
        """Give back to the client what `starve` took."""
        if self._window is None:
            return
        self._window = None
        self._say_window(self.conversation.server_window)
        for stream, increment in self._withheld.items():
            if self.conversation.is_under_way(stream):
                self._insert_down(frames.window_update(stream, increment))
        self._withheld.clear()

    def _say_window(self, window: int) -> None:
        if self.conversation.has_settings:  # else the server's own SETTINGS follow
            self._insert_down(frames.settings(((Setting.INITIAL_WINDOW_SIZE, window),)))

    # --- frames pass

    def up(self, piece: Piece) -> None:
        """Let a piece from the client pass, or drop it."""
        frame = piece.frame
        if frame is None:
            return
        stream = frame.stream_id
        if frame.begins:
            self._drops_up = self._is_dropped_up(frame)
        if self._drops_up:
            self._credit += self._payload_size(frame)
            if frame.ends and self._credit:
                self._insert_down(frames.window_update(0, self._credit))
                self._credit = 0
        elif stream in self._refused and frame.kind in _BLOCKS:
            self._to_server(_without_end(frame))
            if frame.ends and frame.flags & frames.END_HEADERS:
                self._to_server(frames.reset(stream, ErrorCode.CANCEL))
                self.conversation.forget(stream)
        else:
            self._to_server(piece.data)
        if frame.ends:
            self._drops_up = False
        if piece.ends:
            self._refused.discard(stream)

    def _is_dropped_up(self, frame: FramePart) -> bool:
        if frame.kind == frames.SETTINGS and frame.flags & frames.ACK:
            return self.conversation.is_our_ack
        if frame.stream_id > self.last_allowed:
            if frame.kind == frames.HEADERS and self.conversation.is_under_way(frame.stream_id):
                self._request_lost(frame.stream_id)
            self.conversation.forget(frame.stream_id)
            return True
        return frame.stream_id in self._refused and frame.kind not in _BLOCKS

    def down(self, piece: Piece) -> bool:
        """Let a piece from the server pass, or drop it; return whether it passed."""
        frame = piece.frame
        if frame is None:
            return False
        if frame.begins:
            self._drops_down = self._is_dropped_down(frame)
        if self._is_rewritten(frame):
            return True
        if not self._drops_down:
            self._to_client(piece.data)
        elif frame.kind == frames.DATA:
            size = self._payload_size(frame)
            if size:
                self._for_server.append(frames.window_update(0, size))
        elif frame.kind == frames.WINDOW_UPDATE:
            self._withhold(frame)
        is_muted = frame.stream_id in self._muted or frame.stream_id > self.last_allowed
        if frame.ends:
            self._drops_down = False
        if piece.ends:
            self._muted.discard(frame.stream_id)
        return not is_muted

    def _is_rewritten(self, frame: FramePart) -> bool:
        """Make the server's own SETTINGS give the client the small window from the start."""
        if frame.kind != frames.SETTINGS or frame.flags & frames.ACK:
            return False
        if frame.begins:
            self._settings = None if self._window is None else b""
        if self._settings is None:
            return False
        self._settings += frame.data
        if frame.ends:
            window = self.conversation.server_window
            if self._window is not None:
                window = min(self._window, window)
            self._to_client(_with_window(self._settings, window))
            self._settings = None
        return True

    def _withhold(self, frame: FramePart) -> None:
        self._update = bytes(frame.data) if frame.begins else self._update + bytes(frame.data)
        if not frame.ends:
            return
        if self._window is None:  # the scope has ended meanwhile
            self._for_client.append(self._update)
            return
        increment = frames.LONG.unpack(self._update[-frames.LONG.size :])[0]
        before = self._withheld.get(frame.stream_id, 0)
        self._withheld[frame.stream_id] = before + (increment & frames.STREAM_MASK)

    def _is_dropped_down(self, frame: FramePart) -> bool:
        if frame.stream_id in self._muted or frame.stream_id > self.last_allowed:
            return not (self._needs_reply_blocks and frame.kind in _BLOCKS)
        is_window = frame.kind == frames.WINDOW_UPDATE and frame.stream_id > 0
        return is_window and self._window is not None

    @staticmethod
    def _payload_size(frame: FramePart) -> int:
        if frame.kind != frames.DATA:
            return 0
        return len(frame.data) - (frames.HEAD_SIZE if frame.begins else 0)

    # --- frames are put in

    def _insert_down(self, frame: bytes) -> None:
        self._for_client.append(frame)
        self.insert()

    def insert(self) -> None:
        """Insert waiting frames where no other frame is in the way."""
        if self._for_client and self.conversation.can_insert_down:
            waiting, self._for_client = self._for_client, []
            for frame in waiting:
                if frame[3] == frames.SETTINGS:
                    self.conversation.settings_inserted()
                self._to_client(frame)
        if self._for_server and self.conversation.can_insert_up:
            waiting, self._for_server = self._for_server, []
            self._to_server(b"".join(waiting))


def _with_window(settings: bytes, window: int) -> bytes:
    """Return a SETTINGS frame with that INITIAL_WINDOW_SIZE, otherwise unchanged."""
    payload = settings[frames.HEAD_SIZE :]
    whole = payload[: len(payload) // frames.SETTING.size * frames.SETTING.size]
    values = [
        (name, value)
        for name, value in frames.SETTING.iter_unpack(whole)
        if name != Setting.INITIAL_WINDOW_SIZE
    ]
    return frames.settings((*values, (Setting.INITIAL_WINDOW_SIZE, window)))


def _without_end(frame: FramePart) -> bytes | memoryview:
    """Return a HEADERS frame that leaves its stream open."""
    if frame.kind != frames.HEADERS or not frame.begins:
        return frame.data
    data = bytearray(frame.data)
    data[4] &= ~frames.END_STREAM & 0xFF
    return bytes(data)
