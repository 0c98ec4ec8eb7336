"""The answers of a receiver."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from otlptest.model import Headers, Protocol, Signal
from otlptest.wire.transport.statuses import RETRYABLE_HTTP_STATUSES, RpcStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """The answer to one request.

    Attributes:
        signal: The signal that was sent.
        protocol: The protocol that was used.
        target: The URL or gRPC method.
        origin: The file and line that it came from; empty if it was not a file.
        size: Bytes of the request message, uncompressed.
        http_status: None over gRPC.
        grpc_status: None over HTTP.
        is_success: Whether the receiver took the request, maybe in part.
        rejected: How many items it refused of a request that it took (OTLP-RESP-012).
        message: The reason of a partial success or an error; empty otherwise.
        status: The `google.rpc.Status` of an error; None if absent or unreadable.
        retry_after_s: How long the receiver asks to wait (`Retry-After`, `RetryInfo`).
        headers: Of the answer; over gRPC its trailing metadata.
        elapsed_s: From the first byte sent to the last read.
    """

    signal: Signal
    protocol: Protocol
    target: str
    origin: str = ""
    size: int = 0
    http_status: int | None = None
    grpc_status: int | None = None
    is_success: bool = False
    rejected: int = 0
    message: str = ""
    status: RpcStatus | None = None
    retry_after_s: float | None = None
    headers: Headers = field(default_factory=Headers)
    elapsed_s: float = 0.0

    @property
    def is_retryable(self) -> bool:
        """Return whether an OTLP client should send the request again."""
        if self.grpc_status is None:
            return self.http_status in RETRYABLE_HTTP_STATUSES
        return (self.status or RpcStatus(code=self.grpc_status)).is_retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The answers to everything that one `send` sent.

    Attributes:
        exports: One per request, in the order of sending.
    """

    exports: tuple[ExportResult, ...]

    @property
    def is_success(self) -> bool:
        """Return whether every request was taken and no item was refused."""
        return all(export.is_success and not export.rejected for export in self.exports)

    @property
    def rejected(self) -> int:
        """The number of items refused of the requests that were taken."""
        return sum(export.rejected for export in self.exports)

    @property
    def message(self) -> str:
        """The first reason given for a refusal; empty if none was."""
        return next((export.message for export in self.exports if export.message), "")

    def __iter__(self) -> Iterator[ExportResult]:
        return iter(self.exports)

    def __len__(self) -> int:
        return len(self.exports)
