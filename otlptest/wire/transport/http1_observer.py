"""A walk over HTTP/1.1 messages as they pass (RFC 9112), for a proxy between two ends.

A walker keeps nothing back and never judges. It knows where each message begins and ends; once it
cannot know (an upgrade, framing that is not HTTP/1.1), all that follows is one message.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LONGEST_HEAD: Final = 256 * 1024
_HEAD_PIECE: Final = 16 * 1024
_LONGEST_CHUNK_LINE: Final = 4096
_ANY_LINE: Final = re.IGNORECASE | re.MULTILINE
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(rb"\n(?:content-length):[ \t]*(\d{1,18})[ \t]*\r?$", _ANY_LINE)
_CHUNKED: Final = re.compile(rb"\ntransfer-encoding:[^\n]*chunked[ \t]*\r?$", _ANY_LINE)
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")
_REQUEST_LINE: Final = re.compile(rb"([!-~]{1,64}) (\S+) HTTP/1\.[01]\r?\n")
_FOREVER: Final = 2**62
_SWITCHING: Final = 101
_FIRST_FINAL: Final = 200
_BODILESS: Final = frozenset({204, 304})


@dataclass(slots=True)
class MessagePart:
    """A piece of one message.

    Attributes:
        data: Its bytes.
        begins: Whether the message begins here.
        ends: Whether it is whole now.
    """

    data: bytes | memoryview
    begins: bool
    ends: bool


class MessageTracker:
    """A splitter of one direction of a connection into messages. Not thread-safe.

    Args:
        methods: A queue of methods from the requests' walker to the replies' one: the reply to a
            HEAD has no body.
        takes_replies: Whether the direction carries replies; 1xx ones count as part of the
            final one.

    Attributes:
        target: The target of the last request with a whole head; empty for replies.
    """

    def __init__(self, methods: deque[bytes], *, takes_replies: bool) -> None:
        self._methods = methods
        self._takes_replies = takes_replies
        self._head = bytearray()
        self._left = 0  # of the body, or of one chunk with its line end
        self._is_chunked = False
        self._line = bytearray()  # of a chunk's size, or of a trailer
        self._in_trailers = False
        self._in_message = False
        self.target = ""

    @property
    def is_between_messages(self) -> bool:
        """Return whether no message is under way."""
        return not self._in_message

    def walk(self, data: bytes | memoryview) -> Iterator[MessagePart]:
        """Yield the pieces of messages in `data`, all of it."""
        at, end = 0, len(data)
        view = memoryview(data)
        while at < end:
            begins = not self._in_message
            self._in_message = True
            start = at
            while at < end and self._in_message:
                at += self._step(view[at:])
            yield MessagePart(view[start:at], begins, ends=not self._in_message)

    def _step(self, view: memoryview) -> int:
        """Go on with the message; return how many bytes of `view` that took."""
        if self._left:
            size = min(self._left, len(view))
            self._left -= size
            if not self._left and not self._is_chunked:
                self._finish()
            return size
        if self._is_chunked:
            return self._chunk_line(view)
        return self._take_head(view)

    def _take_head(self, view: memoryview) -> int:
        had = len(self._head)
        piece = view[:_HEAD_PIECE]
        self._head += piece
        found = _HEAD_END.search(self._head, max(0, had - 3))
        if found is None:
            if len(self._head) > _LONGEST_HEAD:
                self._lose_track()
            return len(piece)
        head = bytes(self._head[: found.end()])
        self._head.clear()
        if self._takes_replies:
            self._reply_begins(head)
        else:
            self._request_begins(head)
        return found.end() - had

    def _request_begins(self, head: bytes) -> None:
        line = _REQUEST_LINE.match(head)
        if line is None:
            self._lose_track()
            return
        self.target = line[2].decode("latin-1")
        self._methods.append(line[1])
        self._body_begins(head, without_length=0)

    def _reply_begins(self, head: bytes) -> None:
        line = _STATUS_LINE.match(head)
        if line is None or int(line[1]) == _SWITCHING:
            self._lose_track()
            return
        status = int(line[1])
        if status < _FIRST_FINAL:
            return  # the final one follows
        method = self._methods.popleft() if self._methods else b""
        if method == b"HEAD" or status in _BODILESS:
            self._finish()
        else:
            self._body_begins(head, without_length=_FOREVER)

    def _body_begins(self, head: bytes, *, without_length: int) -> None:
        if _CHUNKED.search(head):
            self._is_chunked = True
            return
        length = _LENGTH.search(head)
        self._left = without_length if length is None else int(length[1])
        if not self._left:
            self._finish()

    def _chunk_line(self, view: memoryview) -> int:
        """Read the size line of a chunk, or a trailer, as far as it has come."""
        piece = bytes(view[:_LONGEST_CHUNK_LINE])
        end = piece.find(b"\n") + 1
        self._line += piece[:end] if end else piece
        if not end:
            if len(self._line) > _LONGEST_CHUNK_LINE:
                self._lose_track()
            return len(piece)
        line = bytes(self._line).strip()
        self._line.clear()
        if self._in_trailers:
            if not line:
                self._finish()
            return end
        try:
            size = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            self._lose_track()
            return end
        if size > 0:
            self._left = size + 2
        else:
            self._in_trailers = True
        return end

    def _finish(self) -> None:
        self._in_message = self._is_chunked = self._in_trailers = False

    def _lose_track(self) -> None:
        self._head.clear()
        self._is_chunked = False
        self._left = _FOREVER
