"""Sends requests over gRPC with grpcio, the reference client (SPEC "OTLP/gRPC")."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

import grpc

from otlptest.errors import SendError, UsageError, WireError
from otlptest.model import Headers
from otlptest.sending.http2_probe import check_speaks_http2
from otlptest.sending.payloads import Payload
from otlptest.sending.results import ExportResult
from otlptest.sending.targets import Target
from otlptest.timing import Deadline
from otlptest.wire.otlp.otlp_protobuf import decode_message
from otlptest.wire.otlp.signals import SIGNAL_NAMES, response_class
from otlptest.wire.transport.limits import DEFAULT_LIMITS
from otlptest.wire.transport.statuses import GrpcCode, RpcStatus, decode_status_details

_COMPRESSIONS: Final = {
    "identity": grpc.Compression.NoCompression,
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
}
_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),  # a test talks to the receiver directly
    ("grpc.enable_retries", 0),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", DEFAULT_LIMITS.response_bytes),
    ("grpc.primary_user_agent", "otlptest"),
)
# grpcio's texts for statuses that it makes up; only these distinguish them from an answer.
_LOST: Final = re.compile(
    r"Socket closed|Stream removed|Connection reset|Broken pipe|recvmsg:|sendmsg:|GOAWAY received"
)
_NO_GRPC: Final = re.compile(r"http2.*status", re.IGNORECASE)
_NO_CONNECTION: Final = re.compile(r"connect|resol|handshake|refused|unavailable", re.IGNORECASE)
_TOO_LARGE: Final = re.compile(r"\bReceived message larger than max \((\d+) vs\. (\d+)\)")


class GrpcDelivery:
    """One receiver over gRPC; a context manager that keeps its channel between requests.

    Args:
        target: The receiver.
        compression: `identity`, `gzip` or `deflate`.
        headers: Metadata added to each call.

    Raises:
        UsageError: grpcio does not have the compression, or a certificate cannot be read.
    """

    def __init__(
        self, target: Target, *, compression: str, headers: Iterable[tuple[str, str]]
    ) -> None:
        if compression not in _COMPRESSIONS:
            raise UsageError(
                f"grpcio cannot compress with {compression}",
                f"over gRPC there are {', '.join(_COMPRESSIONS)}",
            )
        self._target = target
        self._compression = _COMPRESSIONS[compression]
        self._metadata = tuple((name.lower(), value) for name, value in headers)
        self._channel = _channel(target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def export(self, payload: Payload, timeout_s: float) -> ExportResult:
        """Make one call and read its answer.

        Blocks for at most `timeout_s`.

        Raises:
            SendError: Nothing listens there, time ran out, or the answer is not gRPC or not OTLP.
        """
        deadline = Deadline(timeout_s)
        body = payload.body("grpc")
        call = self._channel.unary_unary(self._target.path_of(payload.signal), None, None)
        common: dict[str, Any] = {
            "signal": payload.signal,
            "protocol": "grpc",
            "target": self._target.url_of(payload.signal),
            "origin": payload.origin,
            "size": len(body),
        }
        try:
            answer, outcome = call.with_call(
                body,
                timeout=deadline.remaining_s(),
                metadata=self._metadata,
                compression=self._compression,
            )
        except grpc.RpcError as failed:
            status = self._status(failed, deadline, size=len(body))
            return ExportResult(
                **common,
                grpc_status=int(status.code),
                message=status.message,
                status=status,
                retry_after_s=status.retry_delay_s,
                headers=_headers(failed),
                elapsed_s=deadline.elapsed_s(),
            )
        rejected, message = self._partial_success(payload, answer)
        return ExportResult(
            **common,
            grpc_status=0,
            is_success=True,
            rejected=rejected,
            message=message,
            headers=_headers(outcome),
            elapsed_s=deadline.elapsed_s(),
        )

    def _partial_success(self, payload: Payload, answer: bytes) -> tuple[int, str]:
        """Return the number of refused items, and the reason.

        Raises:
            SendError: The answer is not an `Export…ServiceResponse` of the signal.
        """
        kind = response_class(payload.signal)
        try:
            response: Any = decode_message(kind, answer, rule="OTLP-RESP-001")
        except WireError as refused:
            raise SendError(
                self._target.url_of(payload.signal),
                f"it answers success with what is not OTLP: {refused}",
            ) from refused
        partial = response.partial_success
        return getattr(partial, SIGNAL_NAMES[payload.signal].rejected_field), partial.error_message

    def _status(self, failed: Any, deadline: Deadline, *, size: int) -> RpcStatus:  # noqa: ANN401 -- an RpcError that is a call too
        """Return the status that the receiver sent.

        Raises:
            SendError: It sent no status: grpcio made this one up.
        """
        code, details = failed.code().value[0], failed.details() or ""
        address = self._target.address
        if code == GrpcCode.DEADLINE_EXCEEDED and deadline.has_passed():
            problem = f"no answer within {deadline.timeout_s:g} s"
            raise SendError(address, problem, "give more time with timeout_s=")
        limit = DEFAULT_LIMITS.response_bytes
        too_large = _TOO_LARGE.search(details)
        # A receiver that refuses our request sends the same text, but with the size of the request.
        if too_large and too_large.groups() != (str(size), str(limit)) and "SERVER" not in details:
            raise SendError(address, f"the answer is larger than {limit} bytes")
        if _LOST.match(details):
            raise SendError(address, f"it closed the connection without an answer: {details}")
        if _NO_GRPC.search(details):
            hint = "an HTTP port is spoken to with protocol='http/protobuf'"
            raise SendError(address, f"it answers nothing that is gRPC: {details}", hint)
        if _NO_CONNECTION.search(details):
            check_speaks_http2(self._target)
        return _with_details(RpcStatus(code=_code(code), message=details), failed)


def _with_details(status: RpcStatus, failed: Any) -> RpcStatus:  # noqa: ANN401 -- as above
    for key, value in failed.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            try:
                return decode_status_details(value)
            except WireError:
                return status
    return status


def _code(number: int) -> GrpcCode | int:
    return GrpcCode(number) if number in set(GrpcCode) else number


def _headers(call: Any) -> Headers:  # noqa: ANN401 -- a call, or an RpcError that is one too
    return Headers(
        tuple(
            (key, value.hex() if isinstance(value, bytes) else value)
            for key, value in call.trailing_metadata() or ()
        )
    )


def _channel(target: Target) -> grpc.Channel:
    if not target.is_tls:
        return grpc.insecure_channel(target.address, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(
        _content(target.ca_file), _content(target.key_file), _content(target.certificate_file)
    )
    return grpc.secure_channel(target.address, credentials, options=_OPTIONS)


def _content(file: Path | None) -> bytes | None:
    """Return the content of a PEM file.

    Raises:
        UsageError: It cannot be read.
    """
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as failed:
        raise UsageError(f"the file {str(file)!r} cannot be read: {failed.strerror}") from failed
