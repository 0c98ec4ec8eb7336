"""`send`: one call for everything that can be sent, to everything that takes OTLP."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import Protocol, Signal
from otlptest.sending.payloads import payloads_of
from otlptest.sending.results import SendResult
from otlptest.sending.targets import Target, target_of
from otlptest.timing import checked_timeout
from otlptest.wire.otlp.signals import signal_names
from otlptest.wire.transport.compression import SUPPORTED_ENCODINGS, canonical_encoding

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")


def send(
    data: object,
    *,
    to: object,
    protocol: Protocol | None = None,
    signal: Signal | None = None,
    compression: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
    ca_file: str | Path | None = None,
    certificate_file: str | Path | None = None,
    key_file: str | Path | None = None,
) -> SendResult:
    """Send telemetry to a receiver and return its answers.

    Blocks for at most `timeout_s` per request. An error status is an answer and comes back in the
    result; nothing is retried, no redirect is followed, no proxy used. Thread-safe.

    Args:
        data: A file's path (an OTLP file, a JSON request, a protobuf request, `builtin:NAME`), a
            generated request message, spans, data points, log records or profiles (one or many),
            a trace, or bytes. With `signal`, bytes are sent unchecked.
        to: A URL, `host:port`, or an object with endpoints, e.g. a `FakeCollector`. A URL's path
            is put before `/v1/traces`.
        protocol: `grpc`, `http/protobuf` or `http/json`; if None, gRPC for port 4317 and otherwise
            HTTP with protobuf.
        signal: The signal of bytes or a protobuf file; needed only if it cannot be recognized.
        compression: `gzip`, `deflate`, or over HTTP `zstd`; None sends plain.
        headers: HTTP headers or gRPC metadata to add.
        timeout_s: Seconds for each request with its answer.
        ca_file: PEM of the authority to trust, for https.
        certificate_file: PEM of the client's certificate, for mTLS.
        key_file: PEM of its key.

    Raises:
        SendError: Nothing listens there, its answer is not OTLP, or time ran out.
        UsageError: An argument is not as described.
        UnknownNameError: A protocol, signal or compression does not exist.
        FileFormatError: A file cannot be read or holds no request; nothing was sent then.
        WireError: Bytes are not a request, and no `signal` was given.

    Example:
        >>> from otlptest import FakeCollector, builtin, send
        >>> with FakeCollector() as otlp:
        ...     send(builtin("payloads/traces/checkout.json"), to=otlp).is_success
        True
    """
    wait_s = checked_timeout(timeout_s)
    encoding = canonical_encoding(compression or "")
    if encoding not in SUPPORTED_ENCODINGS:
        raise UnknownNameError("compression", str(compression), SUPPORTED_ENCODINGS)
    if signal is not None:
        signal_names(signal)
    target = _with_files(
        target_of(to, protocol),
        ca_file=ca_file,
        certificate_file=certificate_file,
        key_file=key_file,
    )
    payloads = payloads_of(data, signal)
    delivery = _delivery(target, compression=encoding, headers=_checked_headers(headers or {}))
    with delivery:
        return SendResult(exports=tuple(delivery.export(each, wait_s) for each in payloads))


def _with_files(target: Target, **files: str | Path | None) -> Target:
    given: dict[str, Any] = {name: Path(file) for name, file in files.items() if file is not None}
    return replace(target, **given)


def _delivery(target: Target, *, compression: str, headers: list[tuple[str, str]]) -> Any:  # noqa: ANN401 -- either kind of delivery
    if target.protocol == "grpc":
        from otlptest.sending.grpc_delivery import (  # noqa: PLC0415 -- grpcio takes long to load
            GrpcDelivery,
        )

        return GrpcDelivery(target, compression=compression, headers=headers)
    from otlptest.sending.http_delivery import HttpDelivery  # noqa: PLC0415 -- as above

    return HttpDelivery(target, compression=compression, headers=headers)


def _checked_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the headers as pairs.

    Raises:
        UsageError: One is not text, or has characters that HTTP does not allow.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in headers.items():
        given: tuple[object, object] = (name, value)  # callers may be untyped
        if not all(isinstance(part, str) for part in given):
            raise UsageError(f"the header {name!r} must be text and is {value!r}")
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise UsageError(
                f"the header {name!r} cannot be sent",
                "its name must be one word and its value one line of printable ASCII",
            )
        pairs.append((name, value))
    return pairs
