"""One export over HTTP."""

import gzip
import http.client
import os
import ssl

from tests.support.exporters.planted import WRONG
from tests.support.exporters.settings import Settings, warn
from tests.support.exporters.telemetry import json_text

__all__ = ["export"]


def export(settings: Settings, kind: str, body: bytes) -> bool:
    """Send one message in protobuf, as JSON if the settings say so; whether it was taken."""
    connection = _connection(settings)
    try:
        content, headers = _content(settings, kind, body)
        method = "PUT" if WRONG == "transport/http_requests" else "POST"
        connection.request(method, settings.path, body=content, headers=headers)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as problem:
        warn(f"{kind}: {problem}")
        return False
    finally:
        connection.close()
    if response.status >= http.client.MULTIPLE_CHOICES:
        warn(f"{kind}: HTTP {response.status}")
    return response.status < http.client.MULTIPLE_CHOICES


def _connection(settings: Settings) -> http.client.HTTPConnection:
    if not settings.is_tls:
        return http.client.HTTPConnection(settings.host, settings.port, timeout=settings.timeout_s)
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.client_certificate_file:
        context.load_cert_chain(settings.client_certificate_file, settings.client_key_file)
    return http.client.HTTPSConnection(
        settings.host, settings.port, timeout=settings.timeout_s, context=context
    )


def _content(settings: Settings, kind: str, body: bytes) -> tuple[bytes, dict[str, str]]:
    """The body as it goes out, and all headers."""
    without_json = os.environ.get("WITHOUT_JSON", "").split(",")
    is_json = settings.protocol == "http/json" and kind not in without_json
    media_type = "application/json" if is_json else "application/x-protobuf"
    if WRONG == "transport/json_requests":
        media_type = "text/plain"
    headers = {**settings.headers, "Content-Type": media_type}
    content = json_text(kind, body) if is_json else body
    if settings.compression == "gzip":
        headers["Content-Encoding"] = "gzip"
        content = gzip.compress(content)
    return content, headers
