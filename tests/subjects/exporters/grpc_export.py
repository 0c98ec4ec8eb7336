"""One export over gRPC: the attempts, and what each status means."""

import os
from pathlib import Path
from typing import Any, Final

import grpc

from tests.subjects.exporters.answers import partial_success, protobuf_fields
from tests.subjects.exporters.planted import WRONG
from tests.subjects.exporters.raw_calls import RAW_CALLS, raw_call
from tests.subjects.exporters.retrying import Answer, deliver, planted_verdict
from tests.subjects.exporters.settings import USER_AGENT, Settings
from tests.subjects.exporters.telemetry import anew

__all__ = ["export"]

METHODS: Final = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_RETRYABLE: Final = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
)
_MOST_BYTES: Final = 4 * 1024 * 1024
_ANY_SIZE: Final = -1
_RETRY_INFO: Final = b"type.googleapis.com/google.rpc.RetryInfo"

_kept: dict[tuple[object, ...], grpc.Channel] = {}


def export(settings: Settings, kind: str, body: bytes) -> bool:
    """Send one message; whether it was taken."""
    method = METHODS[kind]
    if WRONG == "transport/grpc_calls":
        method = method.replace(".v1.", ".")
    if WRONG in RAW_CALLS and kind == "traces":
        return raw_call(settings.host, method, body, settings.compression)
    attempts = 0
    if WRONG == "sends empty requests":
        _answer(settings, method, b"", settings.timeout_s)

    def send(timeout_s: float | None) -> Answer:
        nonlocal attempts
        attempts += 1
        content = body
        if attempts > 1 and WRONG == "changes what it sends again":
            content = body + body
        if attempts > 1 and WRONG == "other ids in each attempt":
            content = anew(kind)
        return _answer(settings, method, content, timeout_s)

    return deliver(kind, settings.timeout_s, send)


def _answer(settings: Settings, method: str, body: bytes, timeout_s: float | None) -> Answer:
    """One attempt, whatever becomes of it."""
    call = _channel(settings).unary_unary(method, lambda sent: sent, lambda received: received)
    try:
        content = call(body, timeout=timeout_s, metadata=_metadata(settings))
    except grpc.RpcError as refused:
        return _refused(settings, refused)
    return _success(content)


def _success(content: bytes) -> Answer:
    try:
        told = partial_success(content, is_json=False)
        fields = {number for number, _ in protobuf_fields(content)}
    except ValueError as problem:
        return Answer(told=f"taken, with an answer that cannot be read: {problem}", is_success=True)
    if WRONG == "dies of a partial success" and "rejected" in told:
        os.abort()
    again = WRONG == "sends again after partial success" and "rejected" in told
    if WRONG == "sends again after unknown fields" and fields - {1}:
        again = True
    return Answer(told=told, is_success=not again, is_retryable=again)


def _refused(settings: Settings, refused: Any) -> Answer:  # noqa: ANN401 -- a call and an error in one
    code = refused.code().name
    delay_s = _retry_delay_s(refused)
    if code == "UNAVAILABLE" and WRONG == "heeds a full receiver alone":
        delay_s = None
    is_lost = code == "UNAVAILABLE" and not _is_from_the_receiver(refused)
    if is_lost and WRONG == "dies of a lost connection":
        os.abort()
    is_retryable = code in _RETRYABLE or (code == "RESOURCE_EXHAUSTED" and delay_s is not None)
    if WRONG == "retries a full receiver" and code == "RESOURCE_EXHAUSTED":
        is_retryable = True
    if "larger than max" in refused.details():
        if WRONG == "dies of too long an answer":
            os.abort()
        is_retryable = WRONG == "sends again after too long an answer"
    if WRONG == "drops what was in a reset stream" and "RST_STREAM" in refused.details():
        is_retryable = False
    if WRONG == "reads no bare status" and "http2 header with status" in refused.details():
        is_retryable = False
    if WRONG == "reads only trailers" and "is_trailers_only=False" in refused.details():
        is_retryable = False
    return Answer(
        told=f"{code} {refused.details()}",
        is_retryable=planted_verdict("lost" if is_lost else code, is_retryable=is_retryable),
        retry_after_s=delay_s,
    )


def _is_from_the_receiver(refused: Any) -> bool:  # noqa: ANN401 -- as above
    """Whether a receiver said so: grpcio says it by itself when a connection is lost."""
    return bool(refused.details()) and "ailed to connect" not in refused.details()


def _retry_delay_s(refused: Any) -> float | None:  # noqa: ANN401 -- as above
    """The delay of a RetryInfo in the status details, seconds."""
    name = "grpc-status-details-bin"
    if WRONG == "reads RetryInfo elsewhere":
        name = "google.rpc.retryinfo-bin"
    packed = dict(refused.trailing_metadata() or ()).get(name)
    if not isinstance(packed, bytes):
        return None
    try:
        for number, detail in protobuf_fields(packed):
            if number == 3 and isinstance(detail, bytes):
                parts = dict(protobuf_fields(detail))
                if parts.get(1) == _RETRY_INFO:
                    return _seconds(parts.get(2, b""))
    except ValueError:
        return None
    return None


def _seconds(retry_info: Any) -> float:  # noqa: ANN401 -- bytes, or broken
    delay = dict(protobuf_fields(retry_info)).get(1, b"")
    parts = dict(protobuf_fields(delay)) if isinstance(delay, bytes) else {}
    return float(parts.get(1, 0)) + float(parts.get(2, 0)) / 1e9


def _channel(settings: Settings) -> grpc.Channel:
    key = (settings.is_tls, settings.host, settings.compression, settings.client_certificate_file)
    if WRONG == "a connection for each request" and key in _kept:
        _kept.pop(key).close()
    if key not in _kept:
        _kept[key] = _opened(settings)
    return _kept[key]


def _opened(settings: Settings) -> grpc.Channel:
    gzip = settings.compression == "gzip"
    compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
    most = _ANY_SIZE if WRONG == "takes answers of any size" else _MOST_BYTES
    options = (
        ("grpc.enable_retries", 0),
        ("grpc.max_receive_message_length", most),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.primary_user_agent", USER_AGENT),
    )
    if not settings.is_tls:
        return grpc.insecure_channel(settings.host, options, compression)
    credentials = grpc.ssl_channel_credentials(
        _content(settings.ca_file),
        _content(settings.client_key_file),
        _content(settings.client_certificate_file),
    )
    return grpc.secure_channel(settings.host, credentials, options, compression)


def _content(file: str) -> bytes | None:
    return Path(file).read_bytes() if file else None


def _metadata(settings: Settings) -> tuple[tuple[str, str], ...]:
    if WRONG == "capitals in metadata":
        return tuple(settings.headers.items())
    return tuple((name.lower(), value) for name, value in settings.headers.items())
