"""What wire faults need of whoever has the sockets."""

from typing import Protocol

from otlptest.faults.wire_faults import WireFault


class Peer(Protocol):
    """Whoever has the two ends of a connection. Called from within `ConnectionFaultInjector`."""

    needs_reply_blocks: bool
    """Whether the server's header blocks build on earlier ones, see `FrameFilter`."""

    def to_server(self, data: bytes | memoryview) -> None:
        """Bytes for the server; a view is valid during the call only."""
        ...

    def to_client(self, data: bytes | memoryview) -> None:
        """Bytes for the client; a view is valid during the call only."""
        ...

    def end_to_server(self) -> None:
        """The client sends no more."""
        ...

    def end_to_client(self) -> None:
        """The server sends no more."""
        ...

    def request_lost(self, stream_id: int | None) -> None:
        """A fault sees to it that the server does not get a request whole; None: on HTTP/1.1."""
        ...

    def reply_passed(self, request: int) -> None:
        """A whole reply has gone towards the client: the stream, or the number of the request."""
        ...

    def fired(self, fault: WireFault) -> None:
        """A fault has acted on this connection."""
        ...

    def abort(self, reason: str) -> None:
        """Reset the connection, both sides."""
        ...

    def close(self, reason: str) -> None:
        """Close the connection in order, both sides, after what they were sent."""
        ...

    def wake_at(self, when: float) -> None:
        """Call `wake` at `when` seconds."""
        ...
