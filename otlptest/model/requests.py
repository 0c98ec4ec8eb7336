"""Connections, export requests and problems with them, as the wire showed them.

The receiver fills `Connection` and `Request` while they happen, and everyone else reads them;
after `closed_at` and `replied_at` are set they do not change. Times `…_at` are seconds on the
collector's monotonic clock, `…_unix_nano` are nanoseconds since 1970.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar, overload

from otlptest.errors import MissingAttributeError
from otlptest.model.attributes import Resource
from otlptest.model.enums import Protocol, Signal

T = TypeVar("T")

SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "api-key", "x-api-key"}
)

PROBLEM_KINDS: Final = (
    "malformed",  # the body is not OTLP message of the signal
    "bad_compression",  # the body is not what its Content-Encoding or grpc-encoding says
    "unknown_encoding",  # a Content-Encoding or grpc-encoding that is not supported
    "too_large",  # over the size limit, before or after decompression
    "wrong_content_type",  # a media type that OTLP does not have, or none
    "wrong_path",  # a path or gRPC method that OTLP does not have
    "wrong_method",  # not POST
    "wrong_port",  # gRPC spoken to the HTTP port, or HTTP/1.1 to the gRPC port
    "tls_mismatch",  # TLS spoken to a plaintext port, plaintext to a TLS port, a failed handshake
    "protocol_error",  # broken HTTP/1.1, HTTP/2 or gRPC framing
    "cut_request",  # the connection or stream ended within a request
    "too_slow",  # a request that did not arrive within the receiver's patience
    "flood",  # frames or headers in numbers that only an attack sends
)


_CUT_KINDS: Final = frozenset({"cut_request", "too_slow"})
_PROBE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_PROBED_SERVICES: Final = ("/grpc.health.v1.Health/", "/grpc.reflection.")


class Headers(Mapping[str, str]):
    """Request headers (HTTP) or metadata (gRPC): read-only, with case-insensitive names.

    A repeated header is joined with `, `, as RFC 9110 section 5.3 allows. `repr` masks secrets;
    values read by name are unchanged.
    """

    __slots__ = ("_fields", "pairs")

    def __init__(self, pairs: tuple[tuple[str, str], ...] = ()) -> None:
        self.pairs = pairs
        self._fields: dict[str, str] | None = None

    def _by_name(self) -> dict[str, str]:
        if self._fields is None:
            fields: dict[str, str] = {}
            for name, value in self.pairs:
                key = name.lower()
                fields[key] = f"{fields[key]}, {value}" if key in fields else value
            self._fields = fields
        return self._fields

    def __getitem__(self, name: str) -> str:
        """Return the value of a header.

        Raises:
            MissingAttributeError: The header is missing; also a `KeyError`.
        """
        __tracebackhide__ = True
        try:
            return self._by_name()[name.lower()]
        except KeyError:
            raise MissingAttributeError("header", name.lower(), self._shown()) from None

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, /, default: T) -> str | T: ...

    def get(self, name: str, /, default: object = None) -> object:
        """Return the value of a header, or `default` if it is missing."""
        return self._by_name().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name()

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def __repr__(self) -> str:
        return f"Headers({self._shown()!r})"

    def _shown(self) -> dict[str, str]:
        return {k: "***" if k in SECRET_HEADERS else v for k, v in self._by_name().items()}


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One TCP connection to the collector.

    Attributes:
        number: 1 for the collector's first.
        endpoint: The one of the collector's two ports that it came to.
        port: The local port.
        owner: The name of the process under test that this port was opened for, else None.
        port_opened_at: When that port began to listen.
        port_closed_at: When that port stopped listening while this connection was still open;
            None if it did not.
        opened_at: When it was accepted.
        closed_at: When both sides had ended it and all that was sent had been read; None before.
        protocol: `http/1.1`, `h2`, or None until it is known.
        peer: The other end as the socket knows it: `127.0.0.1:40000`; empty if it does not.
        bytes_received: Bytes read from the socket, TLS included.
        requests: How many requests began on it.
        close_reason: The reason for its end, as text.
        wire_fault: The injected fault that acted on it last, as a test writes it; empty if none.
        is_corrupted: Whether an injected fault has changed bytes that it brought.
    """

    number: int
    endpoint: str
    port: int
    owner: str | None = None
    port_opened_at: float = 0.0
    port_closed_at: float | None = None
    is_tls: bool = False
    opened_at: float = 0.0
    opened_unix_nano: int = 0
    closed_at: float | None = None
    protocol: str | None = None
    bytes_received: int = 0
    requests: int = 0
    close_reason: str = ""
    peer: str = ""
    wire_fault: str = ""
    is_corrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that the receiver could not take as a valid OTLP request.

    Attributes:
        kind: One of `PROBLEM_KINDS`.
        rule: The requirement that was broken, e.g. `OTLP-HTTP-008`.
        message: What is wrong, one sentence; also the message of the error reply.
        place: A field path or an offset, empty if unknown.
        expected: The demand of the specification, as text.
        connection: The connection on which it was found.
        began_at: The start of its request; None if it was not found in one.
        found_at: When it was found.
    """

    kind: str
    rule: str
    message: str
    place: str = ""
    expected: str = ""
    connection: Connection | None = field(default=None, compare=False, repr=False)
    began_at: float | None = None
    found_at: float = 0.0

    @property
    def planned_by(self) -> str:
        """Return the injected fault that caused it, as a test writes it; else empty."""
        connection = self.connection
        if connection is None or not (connection.is_corrupted or self.kind in _CUT_KINDS):
            return ""
        return connection.wire_fault


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """One request as received, whole: an export call, or one that was refused.

    Attributes:
        number: 1 for the first request that the collector received.
        connection: The connection that brought it.
        signal: The signal of its path; None if the path is not one of OTLP's.
        protocol: gRPC, HTTP with protobuf, or HTTP with JSON; by content type and port.
        method: The HTTP method.
        path: The request target without its query.
        headers: Header fields or metadata, without HTTP/2 pseudo-headers.
        encoding: `identity`, `gzip`, `deflate`, `zstd`, or the sender's own name.
        wire_size: Bytes of the body as sent, compressed or not.
        body: The request message as protobuf bytes, inflated; of a JSON request its protobuf
            equivalent; of a refused one the readable part, maybe empty.
        packed_json: The JSON text as received, inflated then zlib-compressed; None if not JSON.
        unread_keys: JSON keys of an accepted request that may hold telemetry but were not read,
            since OTLP has no such keys there: `resource_spans instead of
            resourceSpans`, or only the place. At most five; empty if there are none.
        stream_id: The HTTP/2 stream, None on HTTP/1.1.
        started_at: When its headers were complete.
        received_at: When its last byte was read.
        received_unix_nano: The same on the wall clock.
        replied_at: When the reply was handed to the socket; None without one.
        http_status: Status of the reply, 0 before it.
        grpc_status: gRPC status of the reply, None on HTTP and before it.
        problem: The reason for its refusal; None if it was accepted.
        reply_fault: The planned fault that answered it, as written, e.g.
            `faults.unavailable(retry_after_s=0.2)`; empty without one.
        is_discarded: Whether that fault makes its telemetry count as not received.
        given_up_at: When the client reset its stream while a planned fault held the reply back;
            None if it did not, and on HTTP/1.1, where only the end of the connection shows it.
    """

    number: int = 0
    connection: Connection
    signal: Signal | None = None
    protocol: Protocol | None = None
    method: str = "POST"
    path: str = ""
    headers: Headers = field(default_factory=Headers)
    encoding: str = "identity"
    wire_size: int = 0
    body: bytes = field(default=b"", repr=False)
    packed_json: bytes | None = field(default=None, repr=False)
    unread_keys: tuple[str, ...] = ()
    stream_id: int | None = None
    started_at: float = 0.0
    received_at: float = 0.0
    received_unix_nano: int = 0
    replied_at: float | None = None
    http_status: int = 0
    grpc_status: int | None = None
    problem: Problem | None = None
    reply_fault: str = ""
    is_discarded: bool = False
    given_up_at: float | None = None

    @property
    def is_accepted(self) -> bool:
        """Return whether its telemetry counts: decoded, and not refused by a planned fault."""
        return self.problem is None and not self.is_discarded

    @property
    def is_preflight(self) -> bool:
        """Return whether it is a browser's preflight (WHATWG Fetch, CORS-preflight)."""
        return self.method == "OPTIONS" and "access-control-request-method" in self.headers

    @property
    def is_probe(self) -> bool:
        """Return whether it only checks that the receiver is there, and cannot hold telemetry.

        A GET, HEAD, OPTIONS or TRACE without a body, or gRPC's health and reflection services; not
        a browser's preflight, after which a page that is refused does not send its telemetry.
        """
        if self.is_preflight:
            return False
        if self.path.startswith(_PROBED_SERVICES):
            return True
        return self.method in _PROBE_METHODS and not self.wire_size

    @property
    def size(self) -> int:
        """Return the number of bytes of the message, inflated."""
        return len(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """The sender of telemetry: a process under test with its own ports, and a resource.

    Attributes:
        owner: Name of the process (`otlp_process`), None for senders otlptest did not start.
        resource: The resource that the telemetry carries.
    """

    owner: str | None
    resource: Resource

    def __str__(self) -> str:
        """Return its name in a failure message."""
        service = self.resource.service or "unknown service"
        instance = self.resource.get("service.instance.id") or self.resource.get("process.pid")
        name = f"{service} ({instance})" if instance else service
        return f"{name} in process {self.owner!r}" if self.owner else name
