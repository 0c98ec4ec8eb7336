"""OTLP/HTTP over one HTTP/1.1 connection."""

from typing import Final

from otlptest.collector.server.decoding import Export, decoded
from otlptest.collector.server.fault_replies import planned_http_answer
from otlptest.collector.server.refusals import Refusal, refused
from otlptest.collector.server.replies import planned_statuses, refusal_reply
from otlptest.collector.server.reply_encoding import http1_answer
from otlptest.collector.server.request_head import Head, Role, head_of
from otlptest.collector.server.server_context import ServerContext
from otlptest.collector.server.session import Outbox
from otlptest.faults import ReplyFault
from otlptest.model import Connection, Request
from otlptest.wire.transport.http1 import (
    CONTINUE,
    Http1Request,
    RequestFault,
    RequestHead,
    RequestParser,
    encode_response,
)

_MOST_HELD: Final = 64


class Http1Session:
    """Answers the requests of one HTTP/1.1 connection, in order. See `session.Session`."""

    def __init__(
        self, reception: ServerContext, connection: Connection, role: Role, outbox: Outbox
    ) -> None:
        self._reception = reception
        self._connection = connection
        self._role = role
        self._outbox = outbox
        self._parser = RequestParser(reception.limits)
        self._began_at = reception.now
        self._is_waved_on = False
        self._is_over = False
        self._is_held = False  # a reply is late or never comes: what follows has to wait
        self._held: list[Http1Request] = []
        connection.protocol = "http/1.1"

    # --- what the connection calls, see session.Session

    def receive(self, data: bytes) -> None:
        """Take plain bytes from the peer."""
        parser = self._parser
        if not parser.is_within_request:
            self._began_at = self._reception.now
            only = parser.only_request(data)
            if only is not None:
                self._answer(only)
                return
        try:
            for request in parser.feed(data):
                if self._is_over:
                    return
                self._answer(request)
        except RequestFault as fault:
            self._refuse(fault)
            return
        if parser.current is not None and not self._is_over and not self._is_held:
            self._wave_on(parser.current)

    @property
    def is_within_request(self) -> bool:
        """Return whether a request has begun and is incomplete."""
        return not self._is_over and self._parser.is_within_request

    @property
    def is_idle(self) -> bool:
        """Return whether no request or reply is in progress."""
        return not self.is_within_request and not self._is_held

    def ended(self) -> None:
        """Note that the peer sends nothing more: an incomplete request never completes."""
        if not self.is_within_request:
            return
        self._connection.requests += 1
        request = self._parser.current
        had = "half of its head" if request is None else self._shown(request)
        message = f"the connection ended within a request: {had} had arrived"
        refusal = refused("cut_request", "OTLP-SRV-050", message)
        self._reception.found(self._connection, refusal, self._began_at)
        self._is_over = True

    def go_away(self) -> None:
        """Do nothing when the receiver stops: HTTP/1.1 cannot announce it."""
        self._is_over = True

    def check_patience(self, now: float) -> None:
        """Give up a request that takes too long (OTLP-SRV-053)."""
        patience_s = self._reception.limits.patience_s
        if self.is_within_request and now - self._began_at > patience_s:
            message = f"the request is not whole after {patience_s:g} s"
            fault = RequestFault(408, "too_slow", "OTLP-SRV-053", message, self._parser.current)
            self._refuse(fault)

    # --- answers

    def _shown(self, request: Http1Request) -> str:
        return f"{request.size} bytes of {request.head.method} {self._head(request.head).path}"

    def _head(self, sent: RequestHead) -> Head:
        head: Head | None = sent.derived
        if head is None:
            head = sent.derived = head_of(
                sent.method,
                sent.target,
                sent.fields,
                self._role,
                self._reception.cors,
                is_http2=False,
            )
        return head

    def _wave_on(self, request: Http1Request) -> None:
        """Ask a client that waits for it to send its body, or not to."""
        head = self._head(request.head)
        if not head.expects_continue or request.size or self._is_waved_on:
            return
        if head.refusal is None:
            self._outbox.write(CONTINUE)
            self._is_waved_on = True
            return
        request.keeps_alive = False
        self._answer(request)

    def _answer(self, request: Http1Request) -> None:
        """Decode, record, answer."""
        if self._is_held:
            self._hold(request)
            return
        reception = self._reception
        head: Head = request.head.derived or self._head(request.head)
        body = request.body
        self._connection.requests += 1
        self._is_waved_on = False
        keeps_alive = request.keeps_alive
        if head.refusal is None:
            export = decoded(head, body, reception.limits)
        elif head.preflight_fields is not None:
            answer = encode_response(204, head.preflight_fields, b"", keeps_alive=keeps_alive)
            self._outbox.write(answer)
            self._began_at = reception.now
            if not keeps_alive:
                self._end("the client asked for it")
            return
        else:
            export = Export(body)
        kept, reply = reception.arrived(
            head,
            self._connection,
            export,
            head.refusal,
            wire_size=len(body),
            started_at=self._began_at,
        )
        if reply.fault is not None:
            self._answer_as_planned(kept, reply.fault, head, keeps_alive=keeps_alive)
            return
        self._outbox.write(
            http1_answer(
                reply,
                head.protocol,
                head.error_encoding,
                head.cors_fields,
                keeps_alive=keeps_alive,
                is_head=head.method == "HEAD",
            )
        )
        self._outbox.replied.append(kept)
        self._began_at = reception.now
        if not keeps_alive:
            self._end("the client asked for it")

    def _answer_as_planned(
        self, request: Request, fault: ReplyFault, head: Head, *, keeps_alive: bool
    ) -> None:
        """Answer with a planned fault, now, later, or never."""
        self._is_held = True

        def act() -> None:
            if fault.ending == "reply":
                self._write_planned(request, fault, head, keeps_alive=keeps_alive)
                self._release()
            elif fault.ending != "hang":
                self._is_over = True
                end = self._outbox.close if fault.ending == "close" else self._outbox.reset
                end(f"a planned fault: {fault.text}")

        if fault.delay_s:
            self._outbox.later(fault.delay_s, act)
        else:
            act()

    def _write_planned(
        self, request: Request, fault: ReplyFault, head: Head, *, keeps_alive: bool
    ) -> None:
        answer = planned_http_answer(fault, head, self._reception.clock.unix_nanos())
        request.http_status, _ = planned_statuses(fault, is_grpc=False)
        self._outbox.write(
            encode_response(answer.status, answer.fields, answer.body, keeps_alive=keeps_alive)
        )
        self._outbox.replied.append(request)
        self._began_at = self._reception.now
        if not keeps_alive:
            self._end("the client asked for it")

    def _hold(self, request: Http1Request) -> None:
        """Hold a request that came before the previous reply (RFC 9112, 9.3.2)."""
        self._held.append(request)
        if len(self._held) > _MOST_HELD:
            self._end(f"{len(self._held)} requests without waiting for a reply")

    def _release(self) -> None:
        """Continue with the requests that came meanwhile."""
        self._is_held = False
        held, self._held = self._held, []
        for request in held:
            if self._is_over:
                return
            self._answer(request)

    def _refuse(self, fault: RequestFault) -> None:
        """Refuse a request and end the connection: the following bytes are unknown."""
        refusal = refused(fault.kind, fault.rule, fault.problem, http_status=fault.status)
        if fault.request is None:
            self._refuse_headless(refusal)
            return
        head = self._head(fault.request.head)
        self._connection.requests += 1
        request, reply = self._reception.arrived(
            head,
            self._connection,
            Export(b""),
            refusal,
            wire_size=fault.request.size,
            started_at=self._began_at,
        )
        self._outbox.write(
            http1_answer(
                reply,
                head.protocol,
                head.error_encoding,
                head.cors_fields,
                keeps_alive=False,
                is_head=head.method == "HEAD",
            )
        )
        self._outbox.replied.append(request)
        self._end(refusal.message)

    def _refuse_headless(self, refusal: Refusal) -> None:
        """Answer bytes that have no readable head."""
        self._connection.requests += 1
        self._reception.found(self._connection, refusal, self._began_at)
        reply = refusal_reply(refusal)
        answer = http1_answer(reply, None, "json", (), keeps_alive=False, is_head=False)
        self._outbox.write(answer)
        self._end(refusal.message)

    def _end(self, reason: str) -> None:
        self._is_over = True
        self._outbox.close(reason)
