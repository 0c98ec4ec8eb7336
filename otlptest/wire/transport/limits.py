"""Limits of what a receiver takes from a peer.

Sizes are bytes, times are seconds. The defaults allow all that a real exporter sends and stop
only faulty or hostile peers.
"""

from dataclasses import dataclass, fields

from otlptest.errors import UsageError

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one receiver; every one must be above 0.

    Attributes:
        request_bytes: Largest request, as sent and again inflated (OTLP-GRPC-014/015/017,
            OTLP-HTTP-021/022: 64 MiB is what the specification recommends).
        response_bytes: Largest response that is sent or read (OTLP-GRPC-023/026: 4 MiB).
        header_bytes: Largest header list, names and values together (OTLP-SRV-052).
        header_count: Most header fields in one request.
        target_bytes: Longest request target.
        streams: HTTP/2 streams that one connection may have open (SETTINGS_MAX_CONCURRENT_STREAMS).
        control_frames: PING, SETTINGS, empty DATA and RST_STREAM frames that one connection may
            send within `control_window_s` beyond what its requests explain (OTLP-SRV-062/064).
        control_window_s: The window of `control_frames`.
        patience_s: Longest time from the first byte of a request to its last (OTLP-SRV-053).
        handshake_s: Longest TLS handshake or HTTP/2 preface.
        idle_s: Seconds that a connection without requests is kept (OTLP-SRV-054).
        drain_s: How long, and `drain_bytes` how much, a refused body is read on so that the peer
            can read the answer (OTLP-SRV-057).
        json_depth: Deepest nesting of objects and lists in a JSON body (OTLP-JSON-044);
            160 are what protobuf's own limit of 101 messages can need.
    """

    request_bytes: int = 64 * _MIB
    response_bytes: int = 4 * _MIB
    header_bytes: int = 64 * 1024
    header_count: int = 256
    target_bytes: int = 8 * 1024
    streams: int = 1000
    control_frames: int = 2000
    control_window_s: float = 10.0
    patience_s: float = 60.0
    handshake_s: float = 10.0
    idle_s: float = 600.0
    drain_s: float = 5.0
    drain_bytes: int = 128 * _MIB
    json_depth: int = 200

    def __post_init__(self) -> None:
        """Refuse values that would refuse everything.

        Raises:
            UsageError: A limit is not above 0.
        """
        for limit in fields(self):
            value = getattr(self, limit.name)
            if not value > 0:
                raise UsageError(f"the limit {limit.name} must be above 0 and is {value!r}")


DEFAULT_LIMITS = Limits()
"""The limits of receivers if the user sets none."""
