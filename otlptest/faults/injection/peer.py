"""The interface between wire faults and the owner of the sockets."""

from typing import Protocol

from otlptest.faults.wire_faults import WireFault


class Peer(Protocol):
    """The owner of the two ends of a connection. Called from within `ConnectionFaultInjector`."""

    needs_reply_blocks: bool
    """The server's header blocks build on earlier ones, see `FrameFilter`."""

    def to_server(self, data: bytes | memoryview) -> None:
        """Take bytes for the server; a view is valid during the call only."""
        ...

    def to_client(self, data: bytes | memoryview) -> None:
        """Take bytes for the client; a view is valid during the call only."""
        ...

    def end_to_server(self) -> None:
        """Note that the client sends nothing more."""
        ...

    def end_to_client(self) -> None:
        """Note that the server sends nothing more."""
        ...

    def request_lost(self, stream_id: int | None) -> None:
        """Note that a fault keeps a request from the server; `stream_id` is None on HTTP/1.1."""
        ...

    def reply_passed(self, request: int) -> None:
        """Note that a whole reply has gone to the client, by stream or number of the request."""
        ...

    def fired(self, fault: WireFault) -> None:
        """Note that a fault has acted on this connection."""
        ...

    def abort(self, reason: str) -> None:
        """Reset the connection, both sides."""
        ...

    def close(self, reason: str) -> None:
        """Close the connection in order, both sides, after the bytes sent to them."""
        ...

    def wake_at(self, when: float) -> None:
        """Call `wake` at `when` seconds."""
        ...
