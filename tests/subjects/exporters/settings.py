"""How the small exporter sends one signal: what it makes of the standard `OTEL_*` variables."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from tests.subjects.exporters.configuration import configured_exporter
from tests.subjects.exporters.planted import WRONG
from tests.subjects.exporters.timeouts import timeout_s_of

__all__ = ["PATHS", "USER_AGENT", "Settings", "is_disabled", "is_on", "settings_of", "warn"]

PATHS: Final = {"traces": "/v1/traces", "metrics": "/v1/metrics", "logs": "/v1/logs"}
PROTOCOLS: Final = ("grpc", "http/protobuf", "http/json")
USER_AGENT: Final = (
    "grpc-python/1.0" if WRONG == "no user agent" else "OTel-OTLP-Exporter-Python/1.0.0"
)
# Headers that belong to the request itself.
_FRAMING: Final = ("content-type", "content-encoding", "content-length", "host")
_DEFAULT_TIMEOUT_S: Final = 10.0
# The default ports of both transports, and that of a URL without one. Tests have their own.
_PORTS: Final = {
    kind: int(os.environ.get(f"DEFAULT_{kind.upper()}_PORT", port))
    for kind, port in (("grpc", "4317"), ("http", "4318"), ("plain", "80"))
}
_OLD_INSECURE: Final = {"traces": "SPAN_INSECURE", "metrics": "METRIC_INSECURE"}


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
    if os.environ.get("OTEL_CONFIG_FILE") and WRONG != "no configuration file":
        return settings_of_file(kind)
    protocol = protocol_of(kind)
    certificates: dict[str, Any] = {
        "ca_file": option(kind, "CERTIFICATE"),
        "client_certificate_file": option(kind, "CLIENT_CERTIFICATE"),
        "client_key_file": option(kind, "CLIENT_KEY"),
    }
    if WRONG == "ignores the client pair without a CA" and not certificates["ca_file"]:
        certificates = {}
    if WRONG == "ignores the client pair":
        certificates |= {"client_certificate_file": "", "client_key_file": ""}
    if WRONG == "ignores the CA":
        certificates["ca_file"] = ""
    is_grpc = protocol == "grpc"
    place = grpc_place(kind) if is_grpc else http_place(kind)
    agent = {} if is_grpc or WRONG == "no user agent" else {"User-Agent": USER_AGENT}
    return Settings(
        protocol=protocol,
        headers=agent | headers(kind),
        compression=compression(kind),
        timeout_s=timeout_s_of(option(kind, "TIMEOUT") or os.environ.get("DEFAULT_TIMEOUT", "")),
        **place,
        **certificates,
    )


def settings_of_file(kind: str) -> Settings:
    """The settings of one signal, as OTEL_CONFIG_FILE has them: JSON, which is YAML too."""
    endpoint, protocol = configured_exporter(kind)
    if WRONG == "the variables beat the file":
        protocol = option(kind, "PROTOCOL")
        place = grpc_place(kind) if protocol == "grpc" else http_place(kind)
        return Settings(protocol=protocol, headers={}, **place)
    url = urlsplit(endpoint)
    host = url.netloc if protocol == "grpc" else url.hostname or ""
    return Settings(protocol=protocol, headers={}, host=host, port=url.port, path=url.path)


def protocol_of(kind: str) -> str:
    alone = {
        "JSON alone": "http/json",
        "grpc alone": "grpc",
        "http/protobuf alone": "http/protobuf",
    }
    if WRONG in alone:
        return alone[WRONG]
    if WRONG == "empty PROTOCOL is grpc" and os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "":
        return "grpc"
    default = "http/json" if WRONG == "http/json by default" else "http/protobuf"
    return os.environ.get("ONLY") or choice(kind, "PROTOCOL", PROTOCOLS, default)


# Options.


def option(kind: str, name: str) -> str:
    """An option of one signal, else the general one, else nothing; empty is unset."""
    general = os.environ.get(f"OTEL_EXPORTER_OTLP_{name}", "")
    own = os.environ.get(f"OTEL_EXPORTER_OTLP_{kind.upper()}_{name}", "")
    if f"general {name} wins" == WRONG and general:
        return general
    if WRONG == "general HEADERS win" and name == "HEADERS":
        return general or own
    if f"no own {name}" == WRONG or (WRONG == "exporters in code" and name == "PROTOCOL"):
        return general
    if WRONG == "empty own is set" and f"OTEL_EXPORTER_OTLP_{kind.upper()}_{name}" in os.environ:
        return own
    return own or general


def choice(kind: str, name: str, values: tuple[str, ...], default: str) -> str:
    """An option that is one of some words; others are ignored with a warning."""
    told = option(kind, name)
    if name == "COMPRESSION" and WRONG == "empty compression is refused":
        refuse_empty(kind, name)
    value = told if WRONG == "enums in small letters only" else told.lower()
    if not value or value in values:
        return value or default
    if WRONG.endswith(f"stops at an unknown {name}"):
        sys.exit(f"unknown value {told!r}")
    if WRONG != "silent about unknown values":
        warn(f"OTEL_EXPORTER_OTLP_{name}: unknown value {told!r} is ignored")
    return default


def refuse_empty(kind: str, name: str) -> None:
    names = (f"OTEL_EXPORTER_OTLP_{name}", f"OTEL_EXPORTER_OTLP_{kind.upper()}_{name}")
    if any(os.environ.get(each) == "" for each in names):
        sys.exit("unknown value ''")


def is_true(name: str, value: str) -> bool:
    """Whether a boolean is `true`; odd ones are false, with a warning."""
    if WRONG == "1 is true" and value in {"1", "yes", "on"}:
        return True
    if WRONG == "TRUE is false":
        return value == "true"
    if value.lower() not in {"", "true", "false"} and WRONG != "silent about unknown values":
        warn(f"{name}: {value!r} is not a boolean, and false")
    return value.lower() == "true"


def compression(kind: str) -> str:
    if WRONG == "no gzip" or (WRONG == "gzip for traces alone" and kind != "traces"):
        return "none"
    if WRONG == "always gzip":
        return "gzip"
    if WRONG == "none is unknown" and option(kind, "COMPRESSION") == "none":
        sys.exit("unknown compression 'none'")
    if WRONG == "takes any COMPRESSION":
        return option(kind, "COMPRESSION") or "none"
    return choice(kind, "COMPRESSION", ("gzip", "none"), "none")


# Endpoints.


def endpoints(kind: str) -> tuple[str, str]:
    """The endpoint of the signal and the general one, each maybe empty."""
    if WRONG == "deaf":
        return os.environ["DEAF_ENDPOINT"] + PATHS[kind], ""
    own = os.environ.get(f"OTEL_EXPORTER_OTLP_{kind.upper()}_ENDPOINT", "")
    general = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if own and WRONG == "stops at an own ENDPOINT":
        sys.exit("one endpoint for all signals")
    if WRONG == "no own ENDPOINT":
        own = ""
    if WRONG == "own ENDPOINT counts for all":
        names = (f"OTEL_EXPORTER_OTLP_{each.upper()}_ENDPOINT" for each in PATHS)
        own = next((os.environ[name] for name in names if name in os.environ), "")
    return own, general


def default_endpoint(right: str, wrong: str) -> str:
    is_empty = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") == ""
    is_wrong = WRONG == "default port" or (WRONG == "empty endpoint is kept" and is_empty)
    scheme = "https" if WRONG == "TLS by default" else "http"
    return f"{scheme}://localhost:{_PORTS[wrong if is_wrong else right]}"


def http_place(kind: str) -> dict[str, Any]:
    own, general = endpoints(kind)
    base = general or default_endpoint("http", "grpc")
    url = urlsplit(own) if own else urlsplit(base)
    if WRONG == "refuses parts of a URL" and (url.query or url.username):
        sys.exit("a URL must have no query and no user")
    insecure = option(kind, "INSECURE")
    if WRONG == "stops at INSECURE" and insecure:
        sys.exit("INSECURE is not for HTTP")
    if own:
        path = own_path(url, kind)
    else:
        path = (url.path if WRONG == "environment/base_url" else url.path.rstrip("/")) + PATHS[kind]
    is_tls = url.scheme == "https"
    if WRONG == "INSECURE over HTTP" and is_true("INSECURE", insecure):
        is_tls = False
    if WRONG == "no scheme":
        is_tls = False
    usual = _PORTS["http" if WRONG == "no standard port" else "plain"]
    port = url.port or (443 if is_tls else usual)
    return {"host": url.hostname or "", "port": port, "path": path, "is_tls": is_tls}


def own_path(url: SplitResult, kind: str) -> str:
    path = url.path or "/"
    if WRONG == "appends to own URL":
        return path.rstrip("/") + PATHS[kind]
    if WRONG == "strips a slash of own URL":
        return path.rstrip("/") or "/"
    if WRONG == "appends to own URL without a path" and not url.path:
        return PATHS[kind]
    if WRONG == "decodes the path":
        return unquote(path).replace(" ", "%20")
    if WRONG == "lowers the path":
        return path.lower()
    return path


def grpc_place(kind: str) -> dict[str, Any]:
    own, general = endpoints(kind)
    target = own or general or default_endpoint("grpc", "http")
    scheme, separator, rest = target.partition("://")
    insecure = is_insecure(kind)
    if WRONG == "stops at INSECURE" and option(kind, "INSECURE"):
        sys.exit("INSECURE is not supported")
    if separator and scheme in {"http", "https"}:
        is_tls = scheme == "https"
        if WRONG == "INSECURE beats https" and insecure:
            is_tls = False
        if WRONG == "INSECURE=false beats http" and option(kind, "INSECURE") == "false":
            is_tls = True
        return {"host": rest.rstrip("/"), "is_tls": is_tls}
    if WRONG == "no bare target":
        sys.exit(f"{target!r} is not a URL")
    return {"host": target, "is_tls": not insecure and WRONG != "bare target in plaintext"}


def is_insecure(kind: str) -> bool:
    if WRONG == "never insecure":
        return False
    if WRONG == "always insecure":
        return True
    old = _OLD_INSECURE.get(kind)
    if old and is_true(old, os.environ.get(f"OTEL_EXPORTER_OTLP_{old}", "")):
        return True
    return is_true("OTEL_EXPORTER_OTLP_INSECURE", option(kind, "INSECURE"))


# Headers.


def told_headers(kind: str) -> str:
    if WRONG == "no headers":
        return ""
    told = option(kind, "HEADERS")
    if WRONG == "stops at any header" and told:
        sys.exit("no headers here")
    return told


def headers(kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in told_headers(kind).split(","):
        key, separator, text = entry.partition("=")
        if separator and key.strip():
            if WRONG != "keeps spaces":
                key, text = key.strip(), text.strip()
            if WRONG == "stops at a property" and ";" in text:
                sys.exit("no properties here")
            found |= entries(key, text)
        elif entry.strip():
            if WRONG == "stops at a malformed header":
                sys.exit(f"no header: {entry!r}")
            warn(f"OTEL_EXPORTER_OTLP_HEADERS: {entry!r} is not a header, and skipped")
            if WRONG == "drops all headers with a malformed one":
                return {}
    if WRONG == "another Host":
        found["Host"] = "otlptest.invalid"
    allowed = {key: value for key, value in found.items() if is_allowed(key)}
    if WRONG == "takes any COMPRESSION" and compression(kind) not in {"gzip", "none"}:
        allowed["Content-Encoding"] = compression(kind)
    return allowed


def is_allowed(key: str) -> bool:
    return key.lower() not in _FRAMING or WRONG in {"framing headers are kept", "another Host"}


def entries(key: str, text: str) -> dict[str, str]:
    if WRONG == "splits headers at every =":
        return {key: unquote(text.partition("=")[0])}
    if WRONG == "properties are headers" and ";" in text:
        first, _, rest = text.partition(";")
        name, _, value = rest.partition("=")
        return {key: first, name: value}
    return {key: text if WRONG == "environment/headers" else unquote(text)}


# Switches of the SDK.


def is_disabled() -> bool:
    """Whether nothing must be sent at all."""
    value = os.environ.get("OTEL_SDK_DISABLED", "")
    if WRONG in {"never disabled", "disabled in part", "exporters in code"}:
        return False
    return is_true("OTEL_SDK_DISABLED", value)


def is_on(kind: str) -> bool:
    """Whether the signal is exported over OTLP."""
    if WRONG == "silent without an endpoint" and not any(endpoints(kind)):
        return False
    name = f"OTEL_{kind.upper()}_EXPORTER"
    default = "none" if WRONG == "no default exporter" else "otlp"
    value = os.environ.get(name, "") or default
    if WRONG.startswith(("exporters in code", "in code, ")) or (
        WRONG == "logs are always on" and kind == "logs"
    ):
        return True
    if WRONG == "disabled in part" and os.environ.get("OTEL_SDK_DISABLED") == "true":
        return kind != "traces" and value == "otlp"
    if value not in {"otlp", "none"}:
        if WRONG == "stops at an unknown exporter":
            sys.exit(f"no exporter {value!r}")
        if WRONG != "silent about unknown values":
            warn(f"{name}: unknown exporter {value!r}, nothing is exported")
    return value == "otlp"
