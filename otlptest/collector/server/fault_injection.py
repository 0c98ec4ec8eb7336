"""Wire faults in the fake itself: between a connection's plain bytes and its session.

A connection has none of this until a fault is injected: then `attach` puts it in, also in the
middle of a connection.
"""

from collections.abc import Callable
from typing import Protocol

from otlptest.collector.server.http1_session import Http1Session
from otlptest.collector.server.http2_session import Http2Session
from otlptest.collector.server.refusals import refused
from otlptest.collector.server.server_context import ServerContext
from otlptest.collector.server.session import Session
from otlptest.faults.injection.injector import ConnectionFaultInjector
from otlptest.faults.injection.protocol_tracker import Conversation, MessageConversation
from otlptest.faults.wire_faults import WireFault
from otlptest.model import Connection, Request


class Owner(Protocol):
    """The connection as its passage sees it."""

    @property
    def record(self) -> Connection:
        """Return the store's record of the connection."""
        ...

    @property
    def session(self) -> Session | None:
        """Return the protocol session; None until the protocol is known."""
        ...

    def take_plain(self, data: bytes) -> None:
        """Take plain bytes from the client, for the session."""
        ...

    def client_has_ended(self) -> None:
        """Note that the client sends nothing more."""
        ...

    def record_answered(self) -> None:
        """Record the replies that have gone to the client."""
        ...

    def hand_over(self, data: bytes) -> None:
        """Send as many bytes as the kernel takes."""
        ...

    def reset(self, reason: str) -> None:
        """Reset the connection immediately."""
        ...

    def end(self, reason: str) -> None:
        """End the connection once all is sent."""
        ...

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        """Call something at `when` seconds, then send its output."""
        ...


class FaultyPassage:
    """The passage of one connection, see `faults.injection.peer.Peer`. Receiver's thread only.

    Args:
        owner: The connection.
        reception: The state that all connections share.
        is_new: Whether it has just been accepted.
    """

    needs_reply_blocks = False  # our header blocks never build on earlier ones

    def __init__(
        self,
        owner: Owner,
        reception: ServerContext,
        *,
        is_new: bool,
    ) -> None:
        self._owner = owner
        self._reception = reception
        self._for_client: list[bytes] = []
        self._passed_replies: list[int] = []
        self._last_fault = ""
        self._interference = ConnectionFaultInjector(
            self,
            reception.wire_plan,
            owner.record.number,
            reception.clock.monotonic,
            conversation=_conversation(owner.session),
        )
        self._interference.plan_changed(is_new=is_new)
        if is_new:
            self._interference.opened()
        self.from_client: Callable[[bytes], None] = self._interference.from_client
        self.client_ended = self._interference.client_ended
        self.plan_changed = self._interference.plan_changed
        self.flush = self._interference.flush

    @staticmethod
    def can_attach(session: Session | None) -> bool:
        """Return whether the start of the next request is known."""
        return not isinstance(session, Http1Session) or session.is_idle

    @property
    def is_settled(self) -> bool:
        """Return whether no bytes of the client wait here that will go on by themselves."""
        return self._interference.up_is_clear

    @property
    def is_full(self) -> bool:
        """Return whether the client should not be read."""
        return self._interference.up_is_full

    @property
    def holds_replies(self) -> bool:
        """Return whether bytes for the client wait here."""
        return not self._interference.down_is_clear

    @property
    def holds_requests(self) -> bool:
        """Return whether bytes from the client wait here."""
        return self._interference.holds_up

    def passed(self, chunks: list[bytes]) -> list[bytes]:
        """Return what goes to the client now, of `chunks` and of late bytes; empty `chunks`."""
        if chunks:
            data = b"".join(chunks)
            chunks.clear()
            self._interference.from_server(data)
        passed, self._for_client = self._for_client, []
        return passed

    # --- what the interference calls

    def to_server(self, data: bytes | memoryview) -> None:
        """See `Peer`."""
        self._owner.take_plain(bytes(data))

    def to_client(self, data: bytes | memoryview) -> None:
        """See `Peer`."""
        self._for_client.append(bytes(data))

    def end_to_server(self) -> None:
        """See `Peer`."""
        self._owner.client_has_ended()

    def end_to_client(self) -> None:
        """Do nothing: the connection handles the end of the session."""

    def request_lost(self, stream_id: int | None) -> None:
        """See `Peer`: evidence must count what did not arrive."""
        if stream_id is not None and isinstance(self._owner.session, Http2Session):
            self._owner.session.excused.add(stream_id)
        where = "" if stream_id is None else f" on stream {stream_id}"
        message = f"{self._last_fault} kept a request{where} from the collector"
        record = self._owner.record
        rule = "OTLP-GRPC-049" if record.protocol == "h2" else "OTLP-SRV-050"
        self._reception.found(record, refused("cut_request", rule, message))

    def reply_passed(self, request: int) -> None:
        """See `Peer`."""
        self._passed_replies.append(request)

    def answered(self, replied: list[Request]) -> list[Request]:
        """Return the requests in `replied` whose reply has passed; remove them from it."""
        passed, self._passed_replies = self._passed_replies, []
        found = []
        for number in passed:
            of_stream = (each for each in replied if each.stream_id in {None, number})
            request = next(of_stream, None)
            if request is not None:
                replied.remove(request)
                found.append(request)
        return found

    def fired(self, fault: WireFault) -> None:
        """See `Peer`."""
        self._last_fault = repr(fault)
        record = self._owner.record
        record.wire_fault = self._last_fault
        if fault.corrupts_requests:
            record.is_corrupted = True

    def abort(self, reason: str) -> None:
        """See `Peer`."""
        passed, self._for_client = self._for_client, []
        self._owner.hand_over(b"".join(passed))
        self._owner.record_answered()
        self._owner.reset(reason)

    def close(self, reason: str) -> None:
        """See `Peer`."""
        self._owner.end(reason)

    def wake_at(self, when: float) -> None:
        """See `Peer`."""
        self._owner.call_at(when, self._interference.wake)


def _conversation(session: Session | None) -> Conversation | None:
    if isinstance(session, Http2Session):
        return session.conversation()
    return None if session is None else MessageConversation()
