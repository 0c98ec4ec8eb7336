"""The bounds of requests and replies on a connection, from the bytes that pass.

A conversation keeps back only an incomplete HTTP/2 frame head, and judges nothing. Bytes that are
neither HTTP/1.1 nor HTTP/2 (such as TLS) are a conversation without requests.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http1_observer import MessageTracker
from otlptest.wire.transport.http2_observer import FramePart, FrameTracker

_TLS_HANDSHAKE: Final = 0x16


@dataclass(slots=True)
class Piece:
    """Bytes that belong together.

    Attributes:
        data: The bytes.
        request: The request or reply: the stream in HTTP/2, else a number from 1 on; 0 if the bytes
            belong to none.
        begins: Whether the request or the reply begins here.
        ends: Whether it is complete now.
        frame: The HTTP/2 frame that they belong to.
    """

    data: bytes | memoryview
    request: int = 0
    begins: bool = False
    ends: bool = False
    frame: FramePart | None = None


class Conversation(Protocol):
    """One protocol on one connection, seen from between its ends.

    Attributes:
        requests: How many have begun.
        protocol: `http/1.1`, `h2`, or None for anything else.
    """

    requests: int
    protocol: str | None

    def up(self, data: bytes | memoryview) -> Iterator[Piece]:
        """Return the pieces that the client sent."""
        ...

    def down(self, data: bytes | memoryview) -> Iterator[Piece]:
        """Return the pieces that the server sent."""
        ...

    def kept_up(self) -> bytes:
        """Return what the last `up` kept back."""
        ...

    def kept_down(self) -> bytes:
        """Return what the last `down` kept back."""
        ...

    def up_has_passed(self) -> None:
        """Note that all bytes from the client have gone on unchanged, kept ones included."""
        ...

    def down_has_passed(self) -> None:
        """Note the same for the server's bytes."""
        ...

    def is_whole(self, request: int) -> bool:
        """Return whether a request is complete and its reply is not."""
        ...

    @property
    def under_way(self) -> int:
        """Return how many requests have begun and have no complete reply."""
        ...

    @property
    def is_within_request(self) -> bool:
        """Return whether a request has begun and is incomplete."""
        ...


class Unknown:
    """Bytes of an unknown protocol: one request without an end. See `Conversation`."""

    protocol: str | None = None

    def __init__(self) -> None:
        self.requests = 0
        self.under_way = 0
        self.is_within_request = False
        self._has_begun = False

    def up(self, data: bytes | memoryview) -> Iterator[Piece]:
        """See `Conversation`."""
        begins, self._has_begun = not self._has_begun, True
        self.is_within_request = True
        yield Piece(data, 1, begins)

    def down(self, data: bytes | memoryview) -> Iterator[Piece]:
        """See `Conversation`."""
        yield Piece(data, 1)

    def kept_up(self) -> bytes:
        """See `Conversation`."""
        return b""

    def kept_down(self) -> bytes:
        """See `Conversation`."""
        return b""

    def up_has_passed(self) -> None:
        """See `Conversation`."""

    def down_has_passed(self) -> None:
        """See `Conversation`."""

    def is_whole(self, request: int) -> bool:
        """See `Conversation`."""
        return self._has_begun and request > 0


class MessageConversation:
    """HTTP/1.1. See `Conversation`."""

    protocol: str | None = "http/1.1"

    def __init__(self) -> None:
        methods: deque[bytes] = deque()
        self.requests = 0
        self._whole = 0
        self._replied = 0
        self._up = MessageTracker(methods, takes_replies=False)
        self._down = MessageTracker(methods, takes_replies=True)

    @property
    def under_way(self) -> int:
        """See `Conversation`."""
        return self.requests - self._replied

    @property
    def is_within_request(self) -> bool:
        """See `Conversation`."""
        return self.requests > self._whole

    def up(self, data: bytes | memoryview) -> Iterator[Piece]:
        """See `Conversation`."""
        for part in self._up.walk(data):
            self.requests += part.begins
            self._whole += part.ends
            yield Piece(part.data, self.requests, part.begins, part.ends)

    def down(self, data: bytes | memoryview) -> Iterator[Piece]:
        """See `Conversation`."""
        for part in self._down.walk(data):
            number = min(self._replied + 1, self.requests)
            piece = Piece(part.data, number, part.begins, part.ends)
            yield piece
            self._replied += part.ends and number > self._replied

    def kept_up(self) -> bytes:
        """See `Conversation`."""
        return b""

    def kept_down(self) -> bytes:
        """See `Conversation`."""
        return b""

    def up_has_passed(self) -> None:
        """See `Conversation`."""

    def down_has_passed(self) -> None:
        """See `Conversation`."""

    def is_whole(self, request: int) -> bool:
        """See `Conversation`."""
        return self._replied < request <= self._whole


class FrameConversation:
    """HTTP/2. See `Conversation`.

    Args:
        last_id: The last stream that began before the tracking.
        whole: The open streams, and whether the request of each is complete.
        has_begun: Whether the preface of the client and the first SETTINGS of the server have
            passed.
        server_window: The flow-control window that the server gives each stream.

    Attributes:
        last_id: The last stream that began.
        server_window: The last one that the server set.
        has_settings: Whether the first SETTINGS of the server have passed.
        is_our_ack: Whether the last SETTINGS acknowledged by the client were inserted.
    """

    protocol: str | None = "h2"

    def __init__(
        self,
        *,
        last_id: int = 0,
        whole: dict[int, bool] | None = None,
        has_begun: bool = False,
        server_window: int = frames.DEFAULT_WINDOW,
    ) -> None:
        self.requests = 0
        self.last_id = last_id
        self.server_window = server_window
        self.is_our_ack = False
        self._streams: dict[int, bool] = dict(whole or {})
        self._up = _Way(FrameTracker(expects_preface=not has_begun))
        self._down = _Way(FrameTracker(expects_preface=False))
        self.has_settings = has_begun
        self._settings = b""
        self._unacknowledged: deque[bool] = deque()

    @property
    def under_way(self) -> int:
        """See `Conversation`."""
        return len(self._streams)

    @property
    def is_within_request(self) -> bool:
        """See `Conversation`."""
        return not all(self._streams.values())

    @property
    def awaits_our_ack(self) -> bool:
        """Return whether the client will acknowledge SETTINGS that the server never sent."""
        return any(self._unacknowledged)

    def has_under_way(self, last: int) -> bool:
        """Return whether a stream up to `last` is open."""
        return any(stream <= last for stream in self._streams)

    def is_under_way(self, stream: int) -> bool:
        """Return whether the stream has begun and not ended."""
        return stream in self._streams

    @property
    def can_insert_up(self) -> bool:
        """Return whether a frame can be inserted towards the server now."""
        return self._up.is_between_frames

    @property
    def can_insert_down(self) -> bool:
        """Return whether a frame can be inserted towards the client now; SETTINGS come first."""
        return self.has_settings and self._down.is_between_frames

    def up(self, data: bytes | memoryview) -> Iterator[Piece]:
        """See `Conversation`."""
        for part in self._up.walker.walk(data):
            stream = part.stream_id
            begins = part.begins and part.kind == frames.HEADERS and stream > self.last_id
            if begins:
                self.last_id = stream
                self.requests += 1
                self._streams[stream] = False
            if part.begins and part.kind == frames.SETTINGS and part.flags & frames.ACK:
                self.is_our_ack = bool(self._unacknowledged) and self._unacknowledged.popleft()
            ends = self._up.ends_stream(part)
            yield Piece(part.data, stream, begins, ends, part)
            if ends and stream in self._streams:
                self._streams[stream] = True
            elif part.ends and part.kind == frames.RST_STREAM:
                self._streams.pop(stream, None)

    def down(self, data: bytes | memoryview) -> Iterator[Piece]:
        """See `Conversation`."""
        for part in self._down.walker.walk(data):
            stream = part.stream_id
            if part.kind == frames.SETTINGS and not part.flags & frames.ACK:
                self._settings_pass(part)
            ends = self._down.ends_stream(part)
            yield Piece(part.data, stream, part.begins, ends, part)
            if ends or (part.ends and part.kind == frames.RST_STREAM):
                self._streams.pop(stream, None)

    def _settings_pass(self, part: FramePart) -> None:
        """Note the windows that the server sets."""
        if part.begins:
            self._settings = b""
            self._unacknowledged.append(False)
        self._settings += part.data
        if not part.ends:
            return
        self.has_settings = True
        payload = self._settings[frames.HEAD_SIZE :]
        whole = len(payload) // frames.SETTING.size * frames.SETTING.size
        for name, value in frames.SETTING.iter_unpack(payload[:whole]):
            if name == frames.Setting.INITIAL_WINDOW_SIZE:
                self.server_window = value

    def settings_inserted(self) -> None:
        """Note that inserted SETTINGS went to the client, who will acknowledge them."""
        self._unacknowledged.append(True)

    def kept_up(self) -> bytes:
        """See `Conversation`."""
        return self._up.walker.kept()

    def kept_down(self) -> bytes:
        """See `Conversation`."""
        return self._down.walker.kept()

    def up_has_passed(self) -> None:
        """See `Conversation`."""
        self._up.walker.has_passed()

    def down_has_passed(self) -> None:
        """See `Conversation`."""
        self._down.walker.has_passed()

    def is_whole(self, request: int) -> bool:
        """See `Conversation`."""
        return self._streams.get(request, False)

    def forget(self, stream: int) -> None:
        """Forget a stream that a fault has ended."""
        self._streams.pop(stream, None)


class _Way:
    """One direction: its frames, and header blocks that span several of them."""

    def __init__(self, walker: FrameTracker) -> None:
        self.walker = walker
        self._in_block = False
        self._block_ends_stream = False

    @property
    def is_between_frames(self) -> bool:
        return self.walker.is_between_frames and not self._in_block

    def ends_stream(self, part: FramePart) -> bool:
        """Return whether this side sends nothing more on the stream after `part`."""
        if not part.ends:
            return False
        if part.kind == frames.HEADERS and not part.flags & frames.END_HEADERS:
            self._in_block = True
            self._block_ends_stream = bool(part.flags & frames.END_STREAM)
            return False
        if part.kind == frames.CONTINUATION and part.flags & frames.END_HEADERS:
            was_in_block, self._in_block = self._in_block, False
            return was_in_block and self._block_ends_stream
        return part.ends_stream


def spoken(data: bytes) -> Conversation | None:
    """Return the conversation that begins with `data` from the client; None if too short."""
    if data.startswith(frames.PREFACE):
        return FrameConversation()
    if frames.PREFACE.startswith(data):
        return None
    if data[0] == _TLS_HANDSHAKE or not data[:1].isalpha():
        return Unknown()
    return MessageConversation()
