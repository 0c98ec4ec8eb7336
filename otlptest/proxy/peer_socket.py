"""One socket of a relayed connection: reads when bytes are wanted, writes without blocking."""

import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from otlptest.net.loop import READ, WRITE, ReadinessLoop
from otlptest.net.sockets import (
    Socket,
    close_socket,
    end_writing,
    reset_socket,
    send_some,
)

_READS_IN_TURN: Final = 4  # then the others get their turn


class PeerSocket:
    """One socket of a relay. Belongs to the proxy's thread.

    Args:
        connection: Non-blocking, connected or connecting.
        loop: Reports when it is ready.
        buffer: The buffer to read into; shared with others, so its bytes are valid for one call.
        arrived: Takes the bytes.
        ended: Called when the peer sends no more, with the reason if it was not in order.
        drained: Called when all written bytes were handed over.
        failed: Called with an error of ours.

    Attributes:
        is_closed: Whether the socket is closed.
        is_reading: Whether bytes are wanted; set with `want`.
        has_ended: Whether the peer sends no more.
        is_finished: Whether nothing more will be written.
    """

    def __init__(
        self,
        connection: Socket,
        loop: ReadinessLoop,
        buffer: memoryview,
        *,
        arrived: Callable[[memoryview], None],
        ended: Callable[[str], None],
        drained: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.is_closed = False
        self.is_reading = False
        self.has_ended = False
        self.is_finished = False
        self._socket = connection
        self._descriptor = connection.fileno()
        self._loop = loop
        self._buffer = buffer
        self._arrived = arrived
        self._ended = ended
        self._drained = drained
        self._failed = failed
        self._unsent: deque[memoryview] = deque()
        self._is_broken = False  # nothing can be written any more
        self._watched = 0

    @property
    def is_drained(self) -> bool:
        """Return whether all written bytes have been handed over."""
        return not self._unsent

    def want(self, *, reading: bool) -> None:
        """Start or stop reading."""
        self.is_reading = reading
        self._watch()

    def ready(self, events: int) -> None:
        """Handle a ready socket; an error of ours ends this connection only."""
        try:
            if events & WRITE and self._unsent:
                self._flush()
            if events & READ and self.is_reading:
                self.read()
        except Exception as error:  # noqa: BLE001 -- one connection must not end its neighbours
            self._failed(error)

    def read(self) -> None:
        """Read the available bytes, or a good part of them."""
        for _ in range(_READS_IN_TURN):
            if self.is_closed or not self.is_reading or self.has_ended:
                return
            try:
                size = self._socket.recv_into(self._buffer)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._peer_ended(f"reset ({error.strerror})")
                return
            if not size:
                self._peer_ended("")
                return
            self._arrived(self._buffer[:size])
            if size < len(self._buffer):
                return

    def write(self, data: bytes | memoryview) -> None:
        """Send bytes; copy what the kernel does not take, and send it later."""
        if self.is_closed or self.is_finished or self._is_broken:
            return
        if self._unsent:
            self._unsent.append(memoryview(bytes(data)))
            return
        sent = self._try_to_send(data)
        if sent < len(data) and not self._is_broken:
            self._unsent.append(memoryview(bytes(memoryview(data)[sent:])))
            self._watch()

    def finish(self) -> None:
        """Announce the end to the peer, once everything is sent."""
        if self.is_finished or self.is_closed:
            return
        self.is_finished = True
        if not self._unsent:
            end_writing(self._socket)

    def close(self) -> None:
        """Close the socket in order; bytes in the kernel are still delivered."""
        self._leave()
        close_socket(self._socket)

    def reset(self) -> None:
        """Close the socket with a reset."""
        self._leave()
        reset_socket(self._socket)

    def _leave(self) -> None:
        self.is_closed = True
        self.is_reading = False
        self._unsent.clear()
        self._loop.unwatch(self._descriptor)
        self._watched = 0

    def _peer_ended(self, why: str) -> None:
        if self._is_broken and not why:
            why = "reset"  # writing has reported it
        self.has_ended = True
        self._watch()
        self._ended(why)

    def _flush(self) -> None:
        while self._unsent:
            piece = self._unsent[0]
            sent = self._try_to_send(piece)
            if self._is_broken:
                self._unsent.clear()
            elif sent == len(piece):
                self._unsent.popleft()
            else:
                self._unsent[0] = piece[sent:]
                return
        self._watch()
        if self.is_finished:
            end_writing(self._socket)
        self._drained()

    def _try_to_send(self, data: bytes | memoryview) -> int:
        try:
            return send_some(self._socket, data)
        except OSError:
            self._is_broken = True  # reading will report it
            return 0

    def _watch(self) -> None:
        if self.is_closed:
            return
        wanted = READ if self.is_reading and not self.has_ended else 0
        if self._unsent:
            wanted |= WRITE
        if wanted == self._watched:
            return
        self._watched = wanted
        if wanted:
            self._loop.watch(self._descriptor, wanted, self.ready)
        else:  # an error would be reported again and again
            self._loop.unwatch(self._descriptor)


def connecting(family: int, address: tuple[str, int]) -> Socket:
    """Return a non-blocking socket that connects to `address`.

    Raises:
        OSError: It cannot even begin.
    """
    connection = socket.SocketType(family, socket.SOCK_STREAM, 0)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError):
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection
