"""How the small exporter sends one signal: what it makes of the standard `OTEL_*` variables."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from tests.support.exporters.planted import WRONG
from tests.support.exporters.timeouts import timeout_s_of

__all__ = ["PATHS", "Settings", "is_on", "settings_of", "warn"]

PATHS: Final = {"traces": "/v1/traces", "metrics": "/v1/metrics", "logs": "/v1/logs"}
_DEFAULT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one signal is sent.

    Attributes:
        protocol: `grpc`, `http/protobuf` or `http/json`.
        host: Of the endpoint; over gRPC the whole target.
        port: None: the scheme's own. Not used over gRPC.
        path: The whole path. Not used over gRPC.
        is_tls: Whether to speak TLS.
        headers: To be sent with every request; names as they were told.
        compression: `gzip` or `none`.
        timeout_s: For a whole export; None: no limit.
        ca_file: PEM of the authority to trust; the system's if empty.
        client_certificate_file: PEM to present; none if empty.
        client_key_file: Its key.
    """

    protocol: str
    host: str
    port: int | None = None
    path: str = "/"
    is_tls: bool = False
    headers: Mapping[str, str]
    compression: str = "none"
    timeout_s: float | None = _DEFAULT_TIMEOUT_S
    ca_file: str = ""
    client_certificate_file: str = ""
    client_key_file: str = ""


def warn(message: str) -> None:
    """Tell the person who set a variable what is wrong with it."""
    sys.stderr.write(f"WARNING: {message}\n")


def settings_of(kind: str) -> Settings:
    """The settings of one signal."""
    protocol = os.environ.get("ONLY") or option(kind, "PROTOCOL") or "http/protobuf"
    is_grpc = protocol == "grpc"
    url = urlsplit(endpoint(kind, is_grpc=is_grpc))
    return Settings(
        protocol=protocol,
        host=url.netloc if is_grpc else url.hostname or "",
        port=url.port,
        path=url.path or "/",
        is_tls=url.scheme == "https",
        headers=headers(option(kind, "HEADERS")),
        compression=option(kind, "COMPRESSION") or "none",
        timeout_s=timeout_s_of(option(kind, "TIMEOUT")),
        ca_file=option(kind, "CERTIFICATE"),
        client_certificate_file=option(kind, "CLIENT_CERTIFICATE"),
        client_key_file=option(kind, "CLIENT_KEY"),
    )


def option(kind: str, name: str) -> str:
    """An option of one signal, else the general one, else nothing; empty is unset."""
    general = os.environ.get(f"OTEL_EXPORTER_OTLP_{name}", "")
    return os.environ.get(f"OTEL_EXPORTER_OTLP_{kind.upper()}_{name}", "") or general


def endpoint(kind: str, *, is_grpc: bool) -> str:
    """The URL of one signal, with the whole path."""
    if WRONG == "deaf":
        return os.environ["DEAF_ENDPOINT"] + PATHS[kind]
    own = os.environ.get(f"OTEL_EXPORTER_OTLP_{kind.upper()}_ENDPOINT", "")
    general = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if is_grpc:
        return own or general or "http://localhost:4317"
    base = general or "http://localhost:4318"
    return own or (base if WRONG == "environment/base_url" else base.rstrip("/")) + PATHS[kind]


def headers(value: str) -> dict[str, str]:
    found = {}
    for entry in value.split(","):
        key, separator, text = entry.partition("=")
        if separator:
            text = text.strip()
            found[key.strip()] = text if WRONG == "environment/headers" else unquote(text)
    return found


def is_on(kind: str) -> bool:
    """Whether the signal is exported over OTLP."""
    return os.environ.get(f"OTEL_{kind.upper()}_EXPORTER", "otlp") != "none"
