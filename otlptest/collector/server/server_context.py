"""The state shared by all connections of a receiver: intake, limits, time, requests."""

from otlptest.collector.intake import Intake
from otlptest.collector.server.cors import CorsPolicy
from otlptest.collector.server.decoding import Export
from otlptest.collector.server.refusals import Refusal, refused_by
from otlptest.collector.server.replies import Reply, ReplyChoice
from otlptest.collector.server.request_head import Head
from otlptest.faults.injection.injections import WirePlan
from otlptest.model import Connection, Request
from otlptest.net.local_network import local_network
from otlptest.timing import Clock
from otlptest.wire.transport.limits import Limits


class ServerContext:
    """The shared state. Belongs to the receiver's thread.

    Args:
        intake: Receives the events.
        limits: The limits for a peer.
        cors: The pages that may send from browsers.
        clock: The clock for requests.
        choose_reply: Decides replies.
        wire_plan: The wire faults in force.

    Attributes:
        now: Seconds on `clock`, taken when bytes were last read.
        unix_nanos: The same on the wall clock.
        failures: Errors of ours, raised when the receiver is closed.
    """

    def __init__(
        self,
        intake: Intake,
        limits: Limits,
        cors: CorsPolicy | None,
        clock: Clock,
        choose_reply: ReplyChoice,
        *,
        wire_plan: WirePlan,
    ) -> None:
        self.intake = intake
        self.limits = limits
        self.cors = cors
        self.clock = clock
        self.wire_plan = wire_plan
        self.now = clock.monotonic()
        self.unix_nanos = clock.unix_nanos()
        self.failures: list[BaseException] = []
        self._choose_reply = choose_reply
        self._connections = 0

    def look_at_clock(self) -> None:
        """Read the clock for the bytes just read."""
        self.now = self.clock.monotonic()
        self.unix_nanos = self.clock.unix_nanos()

    def opened(
        self,
        endpoint: str,
        port: int,
        owner: str | None,
        peer: str,
        *,
        is_tls: bool,
        port_opened_at: float,
    ) -> Connection:
        """Record a connection that was just accepted."""
        self.look_at_clock()
        self._connections += 1
        connection = Connection(
            number=self._connections,
            endpoint=endpoint,
            port=port,
            owner=owner,
            port_opened_at=port_opened_at,
            peer=peer,
            is_tls=is_tls,
            opened_at=self.now,
            opened_unix_nano=self.unix_nanos,
        )
        self.intake.connection_opened(connection)
        return connection

    def closed(self, connection: Connection, reason: str) -> None:
        """Record that a connection has ended and is read to its end."""
        connection.closed_at = self.clock.monotonic()
        connection.close_reason = connection.close_reason or reason
        self.intake.connection_closed(connection)

    def found(
        self, connection: Connection, refusal: Refusal, began_at: float | None = None
    ) -> None:
        """Record something that is not a whole request; `began_at` is the start of that request."""
        _attach_fault(connection)
        self.intake.problem_found(refusal.problem(connection, self.now, began_at))

    def arrived(
        self,
        head: Head,
        connection: Connection,
        export: Export,
        refusal: Refusal | None,
        *,
        wire_size: int,
        started_at: float,
        stream_id: int | None = None,
    ) -> tuple[Request, Reply]:
        """Record an accepted or refused request, and decide its reply."""
        if refusal is None and export.error is not None:
            refusal = refused_by(export.error)
        if refusal is not None:
            _attach_fault(connection)
        request = Request(
            connection=connection,
            signal=head.signal,
            protocol=head.protocol,
            method=head.method,
            path=head.path,
            headers=head.headers,
            encoding=head.encoding,
            wire_size=wire_size,
            body=export.body,
            packed_json=export.packed_json,
            unread_keys=export.unread_keys,
            stream_id=stream_id,
            started_at=started_at,
            received_at=self.now,
            received_unix_nano=self.unix_nanos,
            problem=None if refusal is None else refusal.problem(connection, self.now, started_at),
        )
        reply = self._choose_reply(request, refusal)  # notes a planned fault on the request
        # The request is visible to waiting threads from here on, with its status.
        request.http_status, request.grpc_status = reply.statuses(is_grpc=head.is_grpc)
        self.intake.request_received(request)
        return request, reply

    def replied(self, requests: list[Request]) -> None:
        """Record that the replies to `requests` were passed to the socket."""
        now = self.clock.monotonic()
        for request in requests:
            request.replied_at = now
            self.intake.request_replied(request)

    def failed(self, error: BaseException) -> None:
        """Keep an error that is ours, for `Receiver.close` to raise."""
        self.failures.append(error)


def _attach_fault(connection: Connection) -> None:
    """Record on a connection the fault of a proxy that acted on it, if any."""
    found = local_network.fault_of(connection.peer)
    if found is not None:
        connection.wire_fault = found.fault
        connection.is_corrupted = connection.is_corrupted or found.corrupts
