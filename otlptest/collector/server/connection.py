"""One accepted socket: read until it is empty, then write; lose nothing that was sent.

The reason: a client that exits with unread answers resets the connection. What it had sent
before is still in our receive buffer then, and must reach the store. So every write follows a read
that emptied the socket, and after a failed write the rest is read.
"""

import ssl
from collections.abc import Callable
from typing import Final

from otlptest.collector.server.fault_injection import FaultyPassage
from otlptest.collector.server.http1_session import Http1Session
from otlptest.collector.server.http2_session import Http2Session
from otlptest.collector.server.listeners import Endpoint
from otlptest.collector.server.protocol_detection import plaintext_answer, speaks_http2
from otlptest.collector.server.refusals import refused
from otlptest.collector.server.server_context import ServerContext
from otlptest.collector.server.session import Outbox, Session
from otlptest.model import Connection
from otlptest.net.loop import READ, WRITE, ReadinessLoop
from otlptest.net.sockets import (
    Socket,
    close_socket,
    end_writing,
    reset_socket,
    send_some,
)
from otlptest.net.tls_stream import TLS_REFUSAL, TlsStream

_READ_SIZE: Final = 256 * 1024
_READS_IN_TURN: Final = 32  # then the others get their turn
_TURNS_AT_END: Final = 64
_MOST_UNSENT: Final = 1024 * 1024  # a client that does not read its answers is not read either
_TLS_HANDSHAKE: Final = 0x16


class SocketConnection:
    """Moves bytes between one socket and its session. Belongs to the receiver's thread.

    Args:
        socket: Accepted, non-blocking.
        peer: The address of its other end.
        endpoint: The listener that accepted it.
        reception: The state that all connections share.
        loop: Reports when the socket is ready.

    Attributes:
        record: The store's record of it.
        is_closed: Whether the socket is closed.
        session: The protocol session; None until the protocol is known.
    """

    def __init__(
        self,
        socket: Socket,
        peer: str,
        endpoint: "Endpoint[SocketConnection]",
        reception: ServerContext,
        loop: ReadinessLoop,
    ) -> None:
        self.endpoint = endpoint
        self.record: Connection = reception.opened(
            endpoint.role,
            endpoint.port,
            endpoint.owner,
            peer,
            is_tls=endpoint.tls is not None,
            port_opened_at=endpoint.opened_at,
        )
        self.is_closed = False
        self._socket = socket
        self._descriptor = socket.fileno()
        self._reception = reception
        self._loop = loop
        self._outbox = Outbox(self.end, self.reset, self._call_later)
        self._handle: Callable[[bytes], None] = (
            self._begin if endpoint.tls is None else self._take_tls
        )
        self.session: Session | None = None
        self._faults: FaultyPassage | None = None
        self._awaits_faults = False
        self._first_bytes = b""
        self._tls = TlsStream(endpoint.tls) if endpoint.tls is not None else None
        self._unsent = bytearray()
        self._unsent_at = 0.0
        self._watched = READ
        self._is_at_end = False  # the peer sends no more
        self._is_ending = False  # close once all is sent
        self._discarded = -1  # bytes read and dropped since we ended our side; -1 before
        self._discarding_at = 0.0
        self._late = 0  # replies that a session writes later
        self._active_at = reception.now
        loop.watch(self._descriptor, READ, self.ready)

    # --- events

    def ready(self, events: int) -> None:
        """Handle a ready socket; an error of ours ends this connection and is kept."""
        if not self._watched and self.is_read_to_its_end:  # the reader of a late reply is gone
            self._close(self.record.close_reason)
            return
        try:
            if events & READ:
                self.read()
            if events & WRITE:
                self._send_rest()
        except Exception as error:  # noqa: BLE001 -- one connection must not end its neighbours
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Keep an error of ours until the receiver is closed, and close."""
        self._reception.failed(error)
        self._close("an error in the receiver")

    def read(self) -> bool:
        """Read until the socket is empty, handle it, then write; return whether it was emptied."""
        for _ in range(_READS_IN_TURN):
            if self.is_closed or self._is_at_end:
                break
            if self._faults is not None and self._faults.is_full:
                break
            try:
                data = self._socket.recv(_READ_SIZE)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self._peer_ended(f"reset by the client ({error.strerror})")
                break
            if not data:
                self._peer_ended("closed by the client")
                break
            self._reception.look_at_clock()
            self.record.bytes_received += len(data)
            self._active_at = self._reception.now
            self._handle(data)
            if len(data) < _READ_SIZE:
                break
        else:
            if sum(map(len, self._outbox.chunks)) > _MOST_UNSENT:
                self._send()
            return False
        self._send()
        return self._faults is None or self._faults.is_settled

    def read_guarded(self) -> bool:
        """Read as `read` does, guarded, for outside callers; return whether the socket is empty."""
        try:
            return self.read()
        except Exception as error:  # noqa: BLE001 -- one connection must not end its neighbours
            self.fail(error)
            return True

    def check_patience(self, now: float) -> None:
        """Give up after a timeout."""
        limits = self._reception.limits
        if self._discarded >= 0:
            if now - self._discarding_at > limits.drain_s:
                self._close(self.record.close_reason)
            return
        if self._unsent and now - self._unsent_at > limits.idle_s:
            self._close("the client did not read its answers")
            return
        if self._faults is not None and self._faults.holds_requests:
            return
        if self.session is None:
            has_begun = self.record.bytes_received > 0
            if now - self.record.opened_at > (limits.handshake_s if has_begun else limits.idle_s):
                self._give_up_handshake(has_begun=has_begun)
            return
        self.session.check_patience(now)
        if self.session.is_idle and now - self._active_at > limits.idle_s:
            self.session.go_away()
            self.end("idle for too long")
        if self._outbox.chunks or self._is_ending:
            self.read()

    def go_away(self) -> None:
        """End because the receiver stops: read what is there, say so, close."""
        if self._faults is not None:
            self._faults.flush()
        for _ in range(_TURNS_AT_END):
            if self.read():
                break
        if self.is_closed:
            return
        if self.session is not None:
            self.session.ended()
            self.session.go_away()
        self._send()
        self._close("the collector was closed")

    @property
    def is_read_to_its_end(self) -> bool:
        """Return whether the client has sent everything; a late reply may still be due."""
        return self._is_at_end and self._faults is None  # what faults hold back is not read yet

    @property
    def is_within_request(self) -> bool:
        """Return whether a request has begun and is incomplete."""
        return self.session is not None and self.session.is_within_request

    # --- what a session or a fault asks for

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        def act() -> None:
            self._late -= 1
            call()

        self._late += 1
        self.call_at(self._reception.clock.monotonic() + seconds, act)

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        """Call something at `when` seconds if the connection is open, then send its output."""

        def act() -> None:
            if self.is_closed:
                return
            try:
                call()
                self.read()
            except Exception as error:  # noqa: BLE001 -- one connection must not end its neighbours
                self.fail(error)

        self._loop.call_at(when, act)

    def look_at_wire_plan(self, *, is_new: bool = False) -> None:
        """Apply the wire faults in force, after a change or on a new connection."""
        if self._faults is not None:
            self._faults.plan_changed()
        elif not FaultyPassage.can_attach(self.session):
            self._awaits_faults = True
            return
        else:
            self._attach(is_new=is_new)
        if not self.is_closed:
            self._send()

    def _attach(self, *, is_new: bool) -> None:
        self._awaits_faults = False
        faults = FaultyPassage(self, self._reception, is_new=is_new)
        if self.is_closed:
            return
        self._faults = faults
        if self._tls is None and not self._is_ending:
            self._handle = faults.from_client
        if self._first_bytes:
            first, self._first_bytes = self._first_bytes, b""
            faults.from_client(first)

    def record_answered(self) -> None:
        """Record the replies that have gone to the client."""
        replied = self._outbox.replied
        if self._faults is not None:
            replied = self._faults.answered(replied)
        if replied:
            self._reception.replied(replied)
            replied.clear()

    def reset(self, reason: str) -> None:
        """Drop the connection so that the client gets an error (RST instead of FIN)."""
        self._handle = self._drop
        self._close(reason, by=reset_socket)

    # --- bytes in

    def _drop(self, data: bytes) -> None:
        """Drop what follows the last request that is answered."""
        if self._discarded >= 0:
            self._discarded += len(data)
            if self._discarded > self._reception.limits.drain_bytes:
                self._close(self.record.close_reason)

    def _take_tls(self, data: bytes) -> None:
        tls = self._tls
        if tls is None:
            return
        if not tls.is_established and not self._looks_like_tls(data):
            return
        try:
            plain = tls.receive(data)
        except ssl.SSLError as error:
            reason = error.reason or str(error)
            self._mismatch("OTLP-SRV-080", f"the TLS handshake failed: {reason}")
            return
        if plain and self._faults is not None:
            self._faults.from_client(plain)
        elif plain:
            self.take_plain(plain)
        if tls.is_ended and not self._is_ending:
            self._peer_ended("closed by the client")

    def take_plain(self, data: bytes) -> None:
        """Take plain bytes from the client: pass them to the session, or detect the protocol."""
        if self._is_ending:
            self._drop(data)
        elif self.session is not None:
            self.session.receive(data)
        else:
            self._begin(data)

    def _looks_like_tls(self, data: bytes) -> bool:
        """Answer a client that speaks TLS to a plaintext port."""
        if self.record.bytes_received != len(data) or data[0] == _TLS_HANDSHAKE:
            return True
        self._tls = None
        message = "this port takes TLS only, and the client spoke plaintext"
        for answer in plaintext_answer(data, message):
            self._outbox.write(answer)
        self._mismatch("OTLP-SRV-081", message)
        return False

    def _mismatch(self, rule: str, message: str) -> None:
        expected = "https:// (TLS 1.2 or newer)" if self.endpoint.tls else "plaintext, http://"
        refusal = refused("tls_mismatch", rule, message, expected=expected)
        self._reception.found(self.record, refusal)
        self.end(message)

    def _begin(self, data: bytes) -> None:
        """Detect the client's protocol from its first bytes."""
        data = self._first_bytes + data
        self._first_bytes = b""
        if self._tls is None and data[0] == _TLS_HANDSHAKE:
            self._outbox.write(TLS_REFUSAL)
            self._mismatch(
                "OTLP-SRV-063", "this port takes plaintext only, and the client spoke TLS"
            )
            return
        agreed = self._tls.alpn if self._tls is not None else None
        is_http2 = speaks_http2(data, self.endpoint.role) if agreed is None else agreed == "h2"
        if is_http2 is None:
            self._first_bytes = data  # not enough to tell
            return
        kind: type[Http1Session | Http2Session] = Http2Session if is_http2 else Http1Session
        session = kind(self._reception, self.record, self.endpoint.role, self._outbox)
        self.session = session
        if self._tls is None and self._faults is None:
            self._handle = session.receive
        session.receive(data)

    def _give_up_handshake(self, *, has_begun: bool) -> None:
        if not has_begun:
            self._close("idle for too long")
            return
        limit_s = self._reception.limits.handshake_s
        message = f"the client had not begun a request {limit_s:g} s after it connected"
        refusal = refused("too_slow", "OTLP-SRV-053", message)
        self._reception.found(self.record, refusal)
        self._close(message)

    # --- the end

    def _peer_ended(self, reason: str) -> None:
        """Handle the end of the client's bytes."""
        self._is_at_end = True
        self.record.close_reason = self.record.close_reason or reason
        if self._faults is not None:
            self._faults.client_ended()
        else:
            self._finish_session(reason)

    def client_has_ended(self) -> None:
        """Note that the faults have let the end of the client's bytes pass."""
        self._finish_session(self.record.close_reason)

    def _finish_session(self, reason: str) -> None:
        self.record.close_reason = self.record.close_reason or reason
        self._reception.look_at_clock()
        if self.session is not None and not self._is_ending:
            self.session.ended()
        elif self._first_bytes:
            message = f"the connection ended after {len(self._first_bytes)} bytes"
            refusal = refused("cut_request", "OTLP-SRV-050", message)
            self._reception.found(self.record, refusal)
        self.end(reason)

    def end(self, reason: str) -> None:
        """End the connection once all is sent."""
        self.record.close_reason = self.record.close_reason or reason
        self._is_ending = True
        self._handle = self._drop

    def _close(self, reason: str, *, by: Callable[[Socket], None] = close_socket) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._loop.unwatch(self._descriptor)
        by(self._socket)
        self._outbox.chunks.clear()
        self._reception.closed(self.record, reason)
        self.endpoint.connections.discard(self)

    # --- bytes out

    def _send(self) -> None:
        """Pass the session's output to the socket, which was read empty just before."""
        if self._socket.fileno() < 0:
            return
        chunks = self._passed(self._outbox.chunks)
        if self.is_closed:
            return
        if chunks or self._tls is not None:
            data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            chunks.clear()
            self.hand_over(data)
        if not self._unsent and (self._outbox.replied or self._is_ending):
            self._sent_all()
        if self._unsent or self._is_at_end or self._watched != READ or self._faults is not None:
            self._watch()

    def _passed(self, chunks: list[bytes]) -> list[bytes]:
        """Return the part of `chunks` that the wire faults let pass; all without faults."""
        if self._awaits_faults and FaultyPassage.can_attach(self.session):
            self._attach(is_new=False)
        return chunks if self._faults is None else self._faults.passed(chunks)

    def _encrypted(self, tls: TlsStream, data: bytes) -> bytes:
        if data and tls.is_established:
            tls.send(data)
        if self._is_ending and tls.is_established and self._discarded < 0:
            tls.say_end()
        return tls.pending()

    def hand_over(self, data: bytes) -> None:
        """Send as many bytes as the kernel takes now, and the rest later."""
        if self._tls is not None:
            data = self._encrypted(self._tls, data)
        if self._unsent:
            self._unsent += data
        elif data:
            self._unsent += data[self._hand_over(data) :]

    def _hand_over(self, data: bytes | bytearray) -> int:
        """Pass bytes to the kernel; return how many are done with."""
        try:
            sent = send_some(self._socket, data)
        except OSError as error:
            self._write_failed(error)
            return len(data)
        self._unsent_at = self._reception.now
        return sent

    def _send_rest(self) -> None:
        """Send the rest when the socket takes more."""
        if self.is_closed:
            return
        if self._unsent:
            del self._unsent[: self._hand_over(self._unsent[:_MOST_UNSENT])]
        self._send()

    def _sent_all(self) -> None:
        """Record the replies; end the connection if these were its last bytes."""
        if self._faults is not None and self._faults.holds_replies:
            return
        if self._outbox.replied:
            self.record_answered()
        if not self._is_ending or self.is_closed or self._late:
            return
        if self._is_at_end:
            self._close(self.record.close_reason)
        elif self._discarded < 0:
            # The client may still be sending: if we closed now, a reset could overtake the answer.
            end_writing(self._socket)
            self._discarded = 0
            self._discarding_at = self._reception.clock.monotonic()

    def _watch(self) -> None:
        if self.is_closed:
            return
        wanted = WRITE if self._unsent else 0
        is_full = self._faults is not None and self._faults.is_full
        if not self._is_at_end and not is_full and len(self._unsent) < _MOST_UNSENT:
            wanted |= READ
        if wanted != self._watched:
            self._watched = wanted
            self._loop.watch(self._descriptor, wanted, self.ready)

    def _write_failed(self, error: OSError) -> None:
        """Handle the loss of the client: its earlier bytes are still there to be read."""
        self._outbox.replied.clear()
        while not self._is_at_end and not self.is_closed:
            try:
                data = self._socket.recv(_READ_SIZE)
            except OSError:
                break
            if not data:
                break
            self._handle(data)
            self._outbox.replied.clear()
        if not self._is_at_end:
            self._is_at_end = True
            self._finish_session(f"gone before its answer ({error.strerror})")
        self._close(self.record.close_reason)
