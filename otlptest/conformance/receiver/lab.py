"""The lab of a receiver case: the receiver's endpoints, clients for it, and its read-back.

    def _judge(lab: ReceiverLab) -> Iterator[CheckResult]:
        with lab.connect() as wire:           # a socket, plain or TLS, to lab.protocol's endpoint
            wire.sendall(request_head)
        answer = lab.send(request_bytes, signal="traces")
        yield passed("OTLP-HTTP-004", f"answered HTTP {answer.http_status}")
        fall = crash_result(lab, "OTLP-SRV-002", "after ...")
        if fall is not None:
            yield fall

A case marks what it sends with `lab.marker()` (an attribute value that nothing else has) and asks
the read-back for it.
"""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from otlptest import model
from otlptest.conformance.receiver.health import Condition
from otlptest.sending import ExportResult

MARKER_ATTRIBUTE = "otlptest.marker"
"""The attribute that read-back searches for: of an item or of its resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The address of a receiver.

    Attributes:
        host: A name or address.
        port: TCP port.
        path: Prefix of the paths on an HTTP endpoint, without a trailing slash; mostly empty.
        is_tls: Whether TLS is spoken.
    """

    host: str
    port: int
    path: str = ""
    is_tls: bool = False

    @property
    def url(self) -> str:
        """As a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_tls else 'http'}://{host}:{self.port}{self.path}"

    @property
    def authority(self) -> str:
        """`host:port`, as a Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class ReadBack(Protocol):
    """Access to what the receiver has stored or passed on. Thread-safe."""

    @property
    def name(self) -> str:
        """Its name in messages."""
        ...

    def items(
        self, signal: model.Signal, marker: str, *, count: int = 1, timeout_s: float = 5.0
    ) -> tuple[Any, ...]:
        """Return spans, data points, log records or profiles that carry `marker`.

        Blocks until there are `count`, at most `timeout_s`; returns what is there then, maybe
        fewer or more. The marker is the value of `MARKER_ATTRIBUTE` of the item or of its resource.
        """
        ...


class ReceiverLab(Protocol):
    """Access to the receiver under test. Thread-safe."""

    @property
    def protocol(self) -> model.Protocol:
        """The protocol of this run of the suite."""
        ...

    @property
    def signals(self) -> tuple[model.Signal, ...]:
        """The signals that it takes, as plain valid requests have shown; never empty."""
        ...

    @property
    def untaken(self) -> "Mapping[model.Signal, Condition]":
        """The answers to plain valid requests of signals that it serves and does not take."""
        ...

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint of `protocol`: that of gRPC or that of HTTP."""
        ...

    @property
    def grpc(self) -> Endpoint | None:
        """The gRPC endpoint; None if none was given."""
        ...

    @property
    def http(self) -> Endpoint | None:
        """The HTTP endpoint; None if none was given."""
        ...

    @property
    def ca_file(self) -> Path | None:
        """The authority to trust, if one was given."""
        ...

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Header fields, over gRPC metadata, that this receiver wants with each request."""
        ...

    @property
    def left_s(self) -> float:
        """Seconds that the whole run may still take, never below 0; no wait may be longer."""
        ...

    @property
    def read_back(self) -> ReadBack | None:
        """Access to what it stored; None if that cannot be read."""
        ...

    @property
    def timeout_s(self) -> float:
        """Seconds to wait for each answer before it counts as a hang."""
        ...

    def marker(self) -> str:
        """Return a unique text for `MARKER_ATTRIBUTE`."""
        ...

    def connect(
        self, endpoint: Endpoint | None = None, *, alpn: str = ""
    ) -> "socket.socket | ssl.SSLSocket":
        """Return a connected socket with `timeout_s` set on it; close it or use `with`.

        Args:
            endpoint: The endpoint; `lab.endpoint` if None.
            alpn: With TLS, the protocol to ask for (`h2`); empty: `h2` for the gRPC endpoint,
                else `http/1.1`.

        Raises:
            SendError: It cannot be reached.
        """
        ...

    def send(
        self,
        body: bytes,
        *,
        signal: model.Signal,
        protocol: model.Protocol | None = None,
        compression: str | None = None,
    ) -> ExportResult:
        """Send one valid request with otlptest's own client and return the answer.

        Args:
            body: The request message in protobuf; sent as JSON over `http/json`.
            signal: The signal of the request.
            protocol: The suite's if None.
            compression: `gzip`, `deflate`, `zstd` or None.

        Raises:
            SendError: It cannot be reached, or did not answer in time.
        """
        ...

    def condition(self) -> Condition:
        """Return the result of a plain valid request now; blocks at most `timeout_s`."""
        ...

    def is_alive(self) -> bool:
        """Return whether it takes a plain valid request now; blocks at most `timeout_s`."""
        ...

    def resident_bytes(self) -> int | None:
        """Return the memory of the receiver's process; None if unknown (it is not local)."""
        ...
