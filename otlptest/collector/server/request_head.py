"""The head of a request: signal, protocol, encoding, and whether it is acceptable.

A head is worked out once for all requests that share their header fields.
"""

import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final, Literal
from urllib.parse import urlsplit

from otlptest.collector.server.cors import CorsPolicy
from otlptest.collector.server.refusals import Refusal, refused
from otlptest.model import Headers, Protocol, Signal
from otlptest.wire.otlp.signals import SIGNAL_BY_GRPC_PATH, SIGNAL_BY_HTTP_PATH, has_profiles
from otlptest.wire.transport.compression import SUPPORTED_ENCODINGS, canonical_encoding
from otlptest.wire.transport.grpc_framing import is_grpc_content_type, timeout_seconds

Role = Literal["grpc", "http"]
"""The purpose of a port."""

BodyEncoding = Literal["protobuf", "json"]
"""The encoding of a `google.rpc.Status` in an answer."""

_PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "application/x-protobuf": "http/protobuf",
    "application/json": "http/json",
}
_GRPC_METHODS: Final = ", ".join(SIGNAL_BY_GRPC_PATH)
_SHOWN: Final = 200  # characters of a sender's value in a message


class Head:
    """The head of a request, judged.

    Attributes:
        method: The HTTP method.
        path: The request target without scheme, authority and query.
        headers: The fields, without pseudo-headers.
        signal: By path; None if the path is not one of OTLP's.
        protocol: By content type; None if that is not one of OTLP's.
        encoding: The canonical name, or the sender's own.
        is_grpc: Whether the answer has gRPC's form.
        error_encoding: The encoding of an error body: that of the request (OTLP-RESP-055).
        timeout_s: The `grpc-timeout` in seconds; None without one.
        expects_continue: Whether the client waits before it sends the body.
        cors_fields: The fields of any answer for the browser.
        preflight_fields: The whole answer to a preflight, if it is one.
        refusal: The reason to refuse it whatever its body; None if it is acceptable.
    """

    __slots__ = (
        "cors_fields",
        "encoding",
        "error_encoding",
        "expects_continue",
        "headers",
        "is_grpc",
        "method",
        "path",
        "preflight_fields",
        "protocol",
        "refusal",
        "signal",
        "timeout_s",
    )

    def __init__(
        self,
        method: str,
        target: str,
        fields: tuple[tuple[str, str], ...],
        *,
        role: Role,
        is_http2: bool,
        cors: CorsPolicy | None,
    ) -> None:
        self.method = sys.intern(method)
        self.path = sys.intern(_path(target))
        self.headers = _shared_headers(fields)
        content_types = [value for name, value in fields if name.lower() == "content-type"]
        media_type = _media_type(content_types)
        if is_http2 and all(map(is_grpc_content_type, map(_plain, content_types))):
            media_type = _plain(content_types[-1]) if content_types else ""  # as for grpc-go
        self.is_grpc = is_http2 and is_grpc_content_type(media_type)
        self.protocol = "grpc" if self.is_grpc else _PROTOCOLS.get(media_type)
        self.signal = _signal(self.path, is_grpc=self.is_grpc)
        self.encoding = sys.intern(canonical_encoding(self._coding()))
        is_protobuf = self.protocol in {"grpc", "http/protobuf"}
        self.error_encoding: BodyEncoding = "protobuf" if is_protobuf else "json"
        self.timeout_s = timeout_seconds(self.headers.get("grpc-timeout", ""))
        self.expects_continue = self.headers.get("expect", "").strip().lower() == "100-continue"
        self.cors_fields = cors.answer_fields(self.headers) if cors and role == "http" else ()
        self.preflight_fields: tuple[tuple[str, str], ...] | None = None
        if cors and role == "http" and cors.is_preflight(method, self.headers):
            self.preflight_fields = cors.preflight_fields(self.headers)
        if role == "grpc":
            self.refusal = self._refusal_on_grpc_port(content_types, is_http2=is_http2)
        else:
            self.refusal = self._refusal_on_http_port(content_types)

    def _coding(self) -> str:
        """Return the sender's name for the encoding of its body.

        `Content-Encoding` is a list, `grpc-encoding` one name: if that header occurs twice,
        the last one counts, as it does for grpc-go.
        """
        if not self.is_grpc:
            return self.headers.get("content-encoding", "")
        pairs = self.headers.pairs
        named = [value for name, value in pairs if name.lower() == "grpc-encoding"]
        return named[-1] if named else ""

    def _refusal_on_grpc_port(self, content_types: list[str], *, is_http2: bool) -> Refusal | None:
        if not is_http2:
            return refused(
                "wrong_port",
                "OTLP-GRPC-006",
                "this port takes OTLP/gRPC over HTTP/2, and the request came as HTTP/1.1",
                expected="OTLP/gRPC here, OTLP/HTTP on the collector's HTTP port",
            )
        if not self.is_grpc:
            if self.protocol is not None:
                return refused(
                    "wrong_port",
                    "OTLP-GRPC-006",
                    "this port takes OTLP/gRPC, and the request came as OTLP/HTTP",
                    expected="OTLP/gRPC here, OTLP/HTTP on the collector's HTTP port",
                    http_status=415,
                )
            return refused(
                "wrong_content_type",
                "OTLP-GRPC-006",
                f"the content type is {_shown(content_types)}",
                expected="application/grpc",
            )
        if self.method != "POST":
            return refused("wrong_method", "OTLP-GRPC-006", f"a gRPC call by {_shown(self.method)}")
        if self.signal is None:
            return refused(
                "wrong_path",
                "OTLP-GRPC-004",
                f"no method {_shown(self.path)} here",
                expected=f"one of {_GRPC_METHODS}",
            )
        return self._refusal_of_encoding("OTLP-GRPC-012")

    def _refusal_on_http_port(self, content_types: list[str]) -> Refusal | None:
        if self.is_grpc or (content_types and is_grpc_content_type(_media_type(content_types))):
            return refused(
                "wrong_port",
                "OTLP-GRPC-047",
                "this port takes OTLP/HTTP, and the request is a gRPC call",
                expected="OTLP/HTTP here, OTLP/gRPC on the collector's gRPC port",
            )
        if self.signal is None:
            return refused("wrong_path", "OTLP-HTTP-006", f"no path {_shown(self.path)} here")
        if CorsPolicy.is_preflight(self.method, self.headers):
            origin = _shown(self.headers["origin"])
            return refused(
                "wrong_method",
                "OTLP-HTTP-001",
                f"the origin {origin} is not allowed: a browser's preflight",
                expected="an origin of cors_origins= (otlptest serve --cors-origin)",
            )
        if self.method != "POST":
            return refused("wrong_method", "OTLP-HTTP-001", f"a request by {_shown(self.method)}")
        if self.protocol is None:
            message = f"the content type is {_shown(content_types)}"
            return refused("wrong_content_type", "OTLP-HTTP-007", message)
        return self._refusal_of_encoding("OTLP-SRV-022")

    def _refusal_of_encoding(self, rule: str) -> Refusal | None:
        parts = [self.encoding] if self.is_grpc else self.encoding.split(",")
        codings = [canonical_encoding(part) for part in parts]
        if all(coding in SUPPORTED_ENCODINGS for coding in codings):
            return None
        return refused("unknown_encoding", rule, f"the encoding is {_shown(self.encoding)}")


@lru_cache(maxsize=1024)
def head_of(
    method: str,
    target: str,
    fields: tuple[tuple[str, str], ...],
    role: Role,
    cors: CorsPolicy | None,
    *,
    is_http2: bool,
) -> Head:
    """Return the judged head of a request.

    Args:
        method: As sent.
        target: The request target, or `:path`.
        fields: Header fields without pseudo-headers.
        role: The purpose of the port.
        cors: The pages that may send from browsers.
        is_http2: Whether it came over HTTP/2.
    """
    return Head(method, target, fields, role=role, is_http2=is_http2, cors=cors)


@lru_cache(maxsize=1024)
def _shared_headers(fields: tuple[tuple[str, str], ...]) -> Headers:
    return Headers(tuple((sys.intern(name), sys.intern(value)) for name, value in fields))


def _path(target: str) -> str:
    if target.startswith("/"):
        return target.partition("?")[0]
    try:
        return urlsplit(target).path or "/"
    except ValueError:
        return target


def _media_type(content_types: list[str]) -> str:
    """Return the lower-case media type without parameters; empty unless there is exactly one."""
    if len(content_types) != 1:
        return ""
    return _plain(content_types[0])


def _plain(content_type: str) -> str:
    """Return a content type in lower case without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _signal(path: str, *, is_grpc: bool) -> Signal | None:
    signal = (SIGNAL_BY_GRPC_PATH if is_grpc else SIGNAL_BY_HTTP_PATH).get(path)
    return None if signal == "profiles" and not _serves_profiles() else signal


def _shown(value: str | list[str]) -> str:
    if isinstance(value, list):
        return " and ".join(map(_shown, value)) or "missing"
    return ascii(value[:_SHOWN])


_serves_profiles = cache(has_profiles)  # what is installed does not change
