"""One export over gRPC."""

from pathlib import Path
from typing import Final

import grpc

from tests.support.exporters.planted import WRONG
from tests.support.exporters.settings import Settings, warn

__all__ = ["export"]

METHODS: Final = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}


def export(settings: Settings, kind: str, body: bytes) -> bool:
    """Send one message; whether it was taken."""
    method = METHODS[kind]
    if WRONG == "transport/grpc_calls":
        method = method.replace(".v1.", ".")
    with _channel(settings) as channel:
        call = channel.unary_unary(method, lambda sent: sent, lambda received: received)
        try:
            call(body, timeout=settings.timeout_s, metadata=_metadata(settings))
        except grpc.RpcError as refused:
            warn(f"{kind}: {refused.code()} {refused.details()}")
            return False
    return True


def _channel(settings: Settings) -> grpc.Channel:
    gzip = settings.compression == "gzip"
    compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
    if not settings.is_tls:
        return grpc.insecure_channel(settings.host, compression=compression)
    credentials = grpc.ssl_channel_credentials(
        _content(settings.ca_file),
        _content(settings.client_key_file),
        _content(settings.client_certificate_file),
    )
    return grpc.secure_channel(settings.host, credentials, compression=compression)


def _content(file: str) -> bytes | None:
    return Path(file).read_bytes() if file else None


def _metadata(settings: Settings) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in settings.headers.items())
