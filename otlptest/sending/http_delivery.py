"""Sends requests over HTTP/1.1, with the standard library's client (SPEC "OTLP/HTTP")."""

import http.client
import re
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Self, cast

from otlptest.errors import SendError, WireError
from otlptest.model import Headers, Protocol, Signal
from otlptest.net.deadline_sockets import DeadlineSocket
from otlptest.sending.failures import reason_of
from otlptest.sending.payloads import Payload
from otlptest.sending.results import ExportResult
from otlptest.sending.targets import Target
from otlptest.timing import SYSTEM_CLOCK, Deadline
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.signals import SIGNAL_NAMES, response_class
from otlptest.wire.transport.certificates import client_context
from otlptest.wire.transport.compression import compress, decompress
from otlptest.wire.transport.limits import DEFAULT_LIMITS
from otlptest.wire.transport.statuses import RpcStatus, decode_status, retry_after_seconds

_MEDIA_TYPES: Final = {"http/protobuf": "application/x-protobuf", "http/json": "application/json"}
_SUCCESS: Final = range(200, 300)
_NO_CONTENT: Final = 204
_SHOWN: Final = 200
_BLANKS: Final = re.compile(r"\s+")


class HttpDelivery:
    """One receiver over HTTP; a context manager that keeps its connection between requests.

    Args:
        target: The receiver; its protocol is `http/protobuf` or `http/json`.
        compression: One of `otlptest.wire.transport.compression.SUPPORTED_ENCODINGS`.
        headers: Added to each request; one of the same name replaces ours.

    Raises:
        UsageError: A certificate cannot be used.
    """

    def __init__(
        self, target: Target, *, compression: str, headers: Iterable[tuple[str, str]]
    ) -> None:
        self._target = target
        self._compression = compression
        self._headers = {name.lower(): (name, value) for name, value in headers}
        self._context = _context(target) if target.is_tls else None
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def export(self, payload: Payload, timeout_s: float) -> ExportResult:
        """Send one request and read its answer.

        Blocks for at most `timeout_s`, name resolution excepted.

        Raises:
            SendError: Nothing listens there, time ran out, or the answer is not HTTP or not OTLP.
        """
        deadline = Deadline(timeout_s)
        url = self._target.url_of(payload.signal)
        try:
            connection = self._connected(deadline)
            sent = payload.body(self._target.protocol)
            response = self._exchange(connection, payload.signal, sent)
            body = _body(response)
        except (OSError, http.client.HTTPException) as failed:
            self._forget()
            raise SendError(url, *reason_of(failed, self._target, timeout_s)) from failed
        if len(body) > DEFAULT_LIMITS.response_bytes or response.will_close:
            self._forget()
        if len(body) > DEFAULT_LIMITS.response_bytes:
            limit = DEFAULT_LIMITS.response_bytes
            raise SendError(url, f"the answer is larger than {limit} bytes")
        answer = _Answer(Headers(tuple(response.getheaders())), body, url)
        return replace(
            self._result(payload.signal, response.status, answer),
            origin=payload.origin,
            size=len(sent),
            elapsed_s=deadline.elapsed_s(),
        )

    def _connected(self, deadline: Deadline) -> http.client.HTTPConnection:
        """Return the connection of the last request if it is still open, else a new one.

        Raises:
            OSError: The connection failed.
        """
        if self._connection is not None:
            kept: Any = self._connection.sock
            if kept is not None and not kept.is_stale():
                kept.deadline = deadline
                return self._connection
            self._forget()
        plain = socket.create_connection(
            (self._target.host, self._target.port), max(deadline.remaining_s(), 0.001)
        )
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is not None:
            try:
                plain = self._context.wrap_socket(plain, server_hostname=self._target.host)
            except OSError:
                plain.close()
                raise
        connection = http.client.HTTPConnection(self._target.host, self._target.port)
        connection.sock = cast("Any", DeadlineSocket(plain, deadline))
        self._connection = connection
        return connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(
        self, connection: http.client.HTTPConnection, signal: Signal, sent: bytes
    ) -> http.client.HTTPResponse:
        """Send the request, and read the head of its answer."""
        protocol = self._target.protocol
        body = compress(self._compression, sent)
        fields = {
            "content-type": ("Content-Type", _MEDIA_TYPES[protocol]),
            "content-length": ("Content-Length", str(len(body))),
            "user-agent": ("User-Agent", "otlptest"),
        }
        if self._compression != "identity":
            fields["content-encoding"] = ("Content-Encoding", self._compression)
        headers = dict((fields | self._headers).values())
        # A receiver that refuses early ends the sending; its answer may be there (OTLP-SRV-057).
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", self._target.path_of(signal), body, headers)
        return connection.getresponse()

    def _result(self, signal: Signal, http_status: int, answer: "_Answer") -> ExportResult:
        """Return the result of an answer.

        Raises:
            SendError: It is a success that is not OTLP.
        """
        success = http_status in _SUCCESS
        rejected, message, status = 0, "", None
        if success and http_status != _NO_CONTENT:
            rejected, message = answer.partial_success(signal, self._target.protocol)
        elif not success:
            status = answer.status()
            message = answer.shown() if status is None else status.message
        return ExportResult(
            signal=signal,
            protocol=self._target.protocol,
            target=answer.url,
            http_status=http_status,
            is_success=success,
            rejected=rejected,
            message=message,
            status=status,
            retry_after_s=answer.retry_after_s(),
            headers=answer.headers,
        )


def _body(response: http.client.HTTPResponse) -> bytes:
    """Return the body, read until it ends or is too large.

    Raises:
        http.client.IncompleteRead: It ends before its Content-Length.
    """
    body = response.read(DEFAULT_LIMITS.response_bytes + 1)
    missing: int | None = response.length  # read() with a size does not look at it
    if missing and len(body) <= DEFAULT_LIMITS.response_bytes:
        raise http.client.IncompleteRead(body, missing)
    return body


class _Answer:
    """Headers and body of an answer.

    Raises:
        SendError: The body cannot be decompressed.
    """

    def __init__(self, headers: Headers, body: bytes, url: str) -> None:
        self.headers = headers
        self.url = url
        self._media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = headers.get("content-encoding", "identity")
        try:
            self._body = decompress(encoding, body, DEFAULT_LIMITS.response_bytes)
        except WireError as refused:
            raise SendError(url, f"its answer cannot be read: {refused}") from refused

    def partial_success(self, signal: Signal, protocol: Protocol) -> tuple[int, str]:
        """Return the number of refused items, and the reason.

        Raises:
            SendError: It is not an `Export…ServiceResponse` of the signal.
        """
        expected = _MEDIA_TYPES[protocol]
        if self._media_type not in {expected, ""} or (not self._media_type and self._body):
            problem = f"it answers success as {self._media_type or 'no media type'}"
            raise SendError(
                self.url, f"{problem}, not as {expected}: {self.shown()!r}", "is it OTLP/HTTP?"
            )
        try:
            response: Any = (
                otlp_json.decode_response(signal, self._body)
                if protocol == "http/json" and self._body
                else otlp_protobuf.decode_message(
                    response_class(signal), self._body, rule="OTLP-RESP-002"
                )
            )
        except WireError as refused:
            raise SendError(
                self.url, f"it answers success with what is not OTLP: {refused}"
            ) from refused
        partial = response.partial_success
        return getattr(partial, SIGNAL_NAMES[signal].rejected_field), partial.error_message

    def retry_after_s(self) -> float | None:
        """Return the wait that `Retry-After` asks for."""
        value = self.headers.get("retry-after")
        return (
            None if value is None else retry_after_seconds(value, SYSTEM_CLOCK.unix_nanos() / 1e9)
        )

    def status(self) -> RpcStatus | None:
        """Return the `google.rpc.Status` of an error; None if there is none."""
        encoding = {"application/json": "json", "application/x-protobuf": "protobuf"}.get(
            self._media_type
        )
        if encoding is None or not self._body:
            return None
        try:
            return decode_status(self._body, encoding)
        except WireError:
            return None

    def shown(self) -> str:
        """Return the beginning of it as text."""
        text = self._body[: 4 * _SHOWN].decode("utf-8", "replace")
        return _BLANKS.sub(" ", text).strip()[:_SHOWN]


def _context(target: Target) -> ssl.SSLContext:
    return client_context(
        target.ca_file,
        certificate_file=target.certificate_file,
        key_file=target.key_file,
        alpn=["http/1.1"],
    )
