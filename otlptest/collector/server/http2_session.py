"""OTLP over one HTTP/2 connection: gRPC calls, and OTLP/HTTP with prior knowledge or by ALPN."""

from typing import Final

from otlptest.collector.server.decoding import Export, decoded
from otlptest.collector.server.fault_replies import (
    planned_grpc_answer,
    planned_http_answer,
)
from otlptest.collector.server.refusals import Refusal, refused, refused_by
from otlptest.collector.server.replies import SUCCESS, Reply, planned_statuses
from otlptest.collector.server.reply_encoding import (
    GRPC_SUCCESS,
    grpc_answer,
    http2_answer,
    http2_head,
    preflight_block,
)
from otlptest.collector.server.request_head import Head, Role, head_of
from otlptest.collector.server.server_context import ServerContext
from otlptest.collector.server.session import Outbox
from otlptest.errors import WireError
from otlptest.faults import ReplyFault
from otlptest.faults.injection.protocol_tracker import FrameConversation
from otlptest.model import Connection, Request
from otlptest.wire.transport.grpc_framing import PREFIX_SIZE, declared_size, only_message
from otlptest.wire.transport.http2 import ServerConnection
from otlptest.wire.transport.http2_flow import CannedReply, Stream
from otlptest.wire.transport.http2_frames import MAX_WINDOW, ErrorCode
from otlptest.wire.transport.http2_headers import encode_fields
from otlptest.wire.transport.http2_reader import ConnectionFault

_EMPTY: Final = Export(b"")


class Http2Session:
    """Answers the requests of one HTTP/2 connection. See `session.Session`."""

    def __init__(
        self, reception: ServerContext, connection: Connection, role: Role, outbox: Outbox
    ) -> None:
        self._reception = reception
        self._connection = connection
        self._role = role
        self._outbox = outbox
        self._limits = reception.limits
        self._http2 = ServerConnection(
            self, outbox.write, reception.limits, reception.clock.monotonic
        )
        self.excused: set[int] = set()
        self._held_back: dict[int, Request] = {}
        self._progress: int | None = None
        self._progress_at = reception.now
        connection.protocol = "h2"
        self.receive = self._http2.receive

    # --- what the connection calls, see session.Session

    @property
    def is_within_request(self) -> bool:
        """Return whether a request has begun and is incomplete."""
        return any(not stream.is_remote_closed for stream in self._http2.streams.values())

    @property
    def is_idle(self) -> bool:
        """Return whether no request or reply is in progress."""
        return not self._http2.streams

    def ended(self) -> None:
        """Note that the peer sends nothing more."""
        self._http2.cut("the connection ended within the request")

    def go_away(self) -> None:
        """Announce that the receiver stops."""
        self._http2.end()

    def check_patience(self, now: float) -> None:
        """Give up what exceeds a timeout (OTLP-SRV-053, OTLP-GRPC-050)."""
        for stream in list(self._http2.streams.values()):
            if stream.is_remote_closed:
                continue
            head: Head = stream.context
            allowed = self._limits.patience_s
            if head.timeout_s is not None:
                allowed = min(allowed, head.timeout_s)
            if now - stream.started_at > allowed:
                self._give_up(stream, allowed)
        progress = self._http2.frame_progress
        if progress is None or progress != self._progress:
            self._progress, self._progress_at = progress, now
        elif now - self._progress_at > self._limits.patience_s:
            message = f"a frame is not whole after {self._limits.patience_s:g} s"
            self._http2.end(ErrorCode.PROTOCOL_ERROR, message)
            self._reception.found(self._connection, refused("too_slow", "OTLP-SRV-053", message))
            self._outbox.close(message)

    def _give_up(self, stream: Stream, allowed: float) -> None:
        rule = "OTLP-SRV-053" if allowed == self._limits.patience_s else "OTLP-GRPC-050"
        message = f"the request is not whole after {allowed:g} s"
        self._refuse(stream, refused("too_slow", rule, message))

    def conversation(self) -> FrameConversation:
        """Return what is in progress, for faults that begin in the middle of it."""
        http2 = self._http2
        conversation = FrameConversation(
            last_id=http2.last_id,
            whole={stream.id: stream.is_remote_closed for stream in http2.streams.values()},
            has_begun=True,
            server_window=MAX_WINDOW,
        )
        for _ in conversation.up(http2.incomplete):
            pass
        conversation.up_has_passed()
        return conversation

    # --- what ServerConnection calls, see http2.StreamHandler

    def request_started(self, stream: Stream) -> None:
        """Judge the head; the body may follow."""
        fields = stream.fields
        head: Head | None = fields.derived
        if head is None:
            cors = self._reception.cors
            head = fields.derived = head_of(
                fields.method, fields.path, fields.fields, self._role, cors, is_http2=True
            )
        stream.context = head
        stream.started_at = self._reception.now
        stream.notify_at = PREFIX_SIZE if head.is_grpc else self._limits.request_bytes + 1
        self._connection.requests += 1
        size, count = fields.size, len(fields.fields)
        if size > self._limits.header_bytes or count > self._limits.header_count:
            message = f"{count} headers with {size} bytes"
            refusal = refused("too_large", "OTLP-SRV-052", message, http_status=431)
            self._refuse(stream, refusal)

    def body_arriving(self, stream: Stream) -> None:
        """Refuse early a body that is too large, or more than one message."""
        head: Head = stream.context
        limit = self._limits.request_bytes
        if not head.is_grpc:
            message = f"a body of over {limit} bytes"
            self._refuse(stream, refused("too_large", "OTLP-HTTP-021", message))
            return
        try:
            if stream.notify_at == PREFIX_SIZE:
                prefix = b"".join(bytes(part[:PREFIX_SIZE]) for part in stream.parts)
                stream.notify_at += declared_size(prefix, limit) + 1
            if stream.size >= stream.notify_at:
                only_message(stream.parts, limit)
        except WireError as error:
            self._refuse(stream, refused_by(error))

    def request_finished(self, stream: Stream) -> None:
        """Decode, record, answer."""
        head: Head = stream.context
        size = stream.size
        refusal = head.refusal
        export = _EMPTY
        if refusal is not None:
            if head.preflight_fields is not None:
                self._http2.reply(stream, preflight_block(head.preflight_fields))
                return
            export = Export(stream.body)
        elif head.is_grpc:
            size -= PREFIX_SIZE
            export, refusal = self._call(head, stream)
        else:
            export = decoded(head, stream.body, self._limits)
        request, reply = self._reception.arrived(
            head,
            self._connection,
            export,
            refusal,
            wire_size=max(size, 0),
            started_at=stream.started_at,
            stream_id=stream.id,
        )
        if reply.fault is not None:
            self._answer_as_planned(stream, request, reply.fault)
            return
        if not head.is_grpc:
            answer = self._http_answer(head, reply)
        elif reply is SUCCESS:
            answer = GRPC_SUCCESS
        else:
            answer = grpc_answer(reply)
        self._http2.reply_canned(stream, answer)
        self._outbox.replied.append(request)

    def request_cut(self, stream: Stream, reason: str) -> None:
        """Record a request that stays incomplete, unless a planned fault caused that."""
        if stream.id in self.excused:
            self.excused.discard(stream.id)
            return
        head: Head = stream.context
        message = f"{reason}: {stream.size} bytes of {head.method} {head.path} had arrived"
        rule = "OTLP-GRPC-049" if head.is_grpc else "OTLP-SRV-050"
        if head.is_grpc and self._has_whole_message(stream):
            rule = "OTLP-GRPC-005"
            message += ", a whole message without the end of its stream"
        refusal = refused("cut_request", rule, message)
        self._reception.found(self._connection, refusal, stream.started_at)

    def _has_whole_message(self, stream: Stream) -> bool:
        try:
            only_message(stream.parts, self._limits.request_bytes)
        except WireError:
            return False
        return True

    def reply_unwanted(self, stream: Stream) -> None:
        """Record that a client no longer waits for a reply that a planned fault holds back."""
        request = self._held_back.pop(stream.id, None)
        if request is not None:
            request.given_up_at = self._reception.now

    def stream_faulted(self, stream_id: int, problem: str) -> None:
        """Record a protocol error that ended one stream."""
        message = f"HTTP/2 stream {stream_id} was reset: {problem}"
        self._reception.found(self._connection, refused("protocol_error", "OTLP-SRV-064", message))

    def connection_faulted(self, fault: ConnectionFault) -> None:
        """Record a protocol error that ended the connection, and close it."""
        message = f"{fault.problem} ({fault.code.name})"
        refusal = refused(
            "protocol_error", "OTLP-SRV-064", f"the HTTP/2 connection was ended: {message}"
        )
        if fault.is_flood:
            refusal = Refusal(
                kind="flood",
                rule="OTLP-SRV-064",
                message=f"the HTTP/2 connection was ended: {message}",
                expected=f"at most {self._limits.control_frames} such frames "
                f"in {self._limits.control_window_s:g} s",
            )
        self._reception.found(self._connection, refusal)
        self._http2.cut("the connection ended within the request")
        self._outbox.close(message)

    # --- answers

    def _call(self, head: Head, stream: Stream) -> tuple[Export, Refusal | None]:
        """Return the message of a gRPC call, or the reason to refuse it."""
        timeout_s = head.timeout_s
        if timeout_s is not None and self._reception.now - stream.started_at > timeout_s:
            message = f"the request took longer than its grpc-timeout of {timeout_s:g} s"
            return _EMPTY, refused("too_slow", "OTLP-GRPC-050", message)
        try:
            is_compressed, sent = only_message(stream.parts, self._limits.request_bytes)
        except WireError as error:
            return Export(stream.body), refused_by(error)
        if is_compressed and head.encoding == "identity":
            message = "the message is flagged as compressed, and no grpc-encoding says how"
            return _EMPTY, refused("protocol_error", "OTLP-GRPC-013", message)
        return decoded(head, sent, self._limits, is_compressed=is_compressed), None

    def _refuse(self, stream: Stream, refusal: Refusal) -> None:
        """Answer an incomplete request; the stream is reset after it."""
        head: Head = stream.context
        request, reply = self._reception.arrived(
            head,
            self._connection,
            _EMPTY,
            refusal,
            wire_size=stream.size,
            started_at=stream.started_at,
            stream_id=stream.id,
        )
        answer = self._http_answer(head, reply)
        if head.is_grpc:
            answer = grpc_answer(reply)
        self._http2.reply_canned(stream, answer)
        self._outbox.replied.append(request)

    def _answer_as_planned(self, stream: Stream, request: Request, fault: ReplyFault) -> None:
        """Answer with a planned fault, now, later, or never."""
        self._held_back[stream.id] = request

        def act() -> None:
            if fault.ending == "reply":
                if self._http2.streams.get(stream.id) is stream and not self._http2.is_over:
                    self._write_planned(stream, request, fault)
            elif fault.ending != "hang":
                self._http2.is_over = True
                end = self._outbox.close if fault.ending == "close" else self._outbox.reset
                end(f"a planned fault: {fault.text}")

        if fault.delay_s:
            self._outbox.later(fault.delay_s, act)
        else:
            act()

    def _write_planned(self, stream: Stream, request: Request, fault: ReplyFault) -> None:
        self._held_back.pop(stream.id, None)
        head: Head = stream.context
        statuses = planned_statuses(fault, is_grpc=head.is_grpc)
        request.http_status, request.grpc_status = statuses
        if head.is_grpc:
            call = planned_grpc_answer(fault, head)
            trailers = None if call.trailers is None else encode_fields(call.trailers)
            self._http2.reply(stream, encode_fields(call.head), call.body, trailers)
        else:
            answer = planned_http_answer(fault, head, self._reception.clock.unix_nanos())
            block = http2_head(answer.status, answer.fields, len(answer.body))
            self._http2.reply(stream, block, answer.body)
        self._outbox.replied.append(request)

    def _http_answer(self, head: Head, reply: Reply) -> CannedReply:
        return http2_answer(
            reply,
            head.protocol,
            head.error_encoding,
            head.cors_fields,
            is_head=head.method == "HEAD",
        )
