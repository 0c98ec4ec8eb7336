"""Calls and requests that no library makes, frame by frame, by the word in `WRONG`."""

import gzip
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from hpack import Encoder

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from tests.subjects.exporters.planted import WRONG
from tests.subjects.exporters.settings import USER_AGENT, Settings

__all__ = ["OVER_HTTP2", "RAW_CALLS", "post_over_http2", "raw_call"]

_Fields: TypeAlias = tuple[tuple[str, str], ...]
_Call: TypeAlias = tuple[_Fields, bytes, bool]
_GZIP: Final = "gzip"
_PATIENCE_S: Final = 0.5  # after the last word of the receiver


def raw_call(target: str, method: str, message: bytes, compression: str) -> bool:
    """Make one call on a connection of its own; whether anything came back."""
    fields, body, ends_stream = RAW_CALLS[WRONG](message, compression)
    named = {":method": "POST", ":scheme": "http", ":path": method, ":authority": target}
    named |= {"user-agent": USER_AGENT}
    head = Encoder().encode([*named.items(), *fields])
    host, _, port = target.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=_PATIENCE_S) as connection:
        return _exchange(connection, head, body, ends_stream=ends_stream)


def post_over_http2(settings: Settings, content: bytes, headers: Mapping[str, str]) -> bool | None:
    """Send a request if ALPN agrees to HTTP/2; None if it does not."""
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    context.set_alpn_protocols(["h2", "http/1.1"])
    place = (settings.host, settings.port or 443)
    with (
        socket.create_connection(place, timeout=_PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=settings.host) as connection,
    ):
        if connection.selected_alpn_protocol() != "h2":
            return None
        named = {":method": "POST", ":scheme": "https", ":path": settings.path}
        named |= {":authority": f"{place[0]}:{place[1]}"}
        named |= {name.lower(): value for name, value in headers.items()}
        head = Encoder().encode(list(named.items()))
        return _exchange(connection, head, content, ends_stream=True)


def _exchange(connection: socket.socket, head: bytes, body: bytes, *, ends_stream: bool) -> bool:
    connection.sendall(frames.PREFACE + frames.settings(()))
    connection.sendall(frames.header_frames(1, head, ends_stream=False))
    for at in range(0, len(body), 16384):
        piece = body[at : at + 16384]
        is_last = at + 16384 >= len(body)
        connection.sendall(frames.data_frame(1, piece, ends_stream=is_last and ends_stream))
    return _hears(connection)


def _hears(connection: socket.socket) -> bool:
    heard = b""
    try:
        while piece := connection.recv(65536):
            heard += piece
    except OSError:  # time is up, or the receiver had enough
        pass
    return bool(heard)


_TYPE: Final[_Fields] = (("content-type", "application/grpc"),)
_TE: Final[_Fields] = (("te", "trailers"),)
_RIGHT: Final[_Fields] = (*_TYPE, *_TE)
_PACKED: Final[_Fields] = (("grpc-encoding", _GZIP),)


def _two_messages(message: bytes, _compression: str) -> _Call:
    return _RIGHT, encode_grpc_frame(message) * 2, True


def _endless(message: bytes, _compression: str) -> _Call:
    return _RIGHT, encode_grpc_frame(message), False


def _without_te(message: bytes, _compression: str) -> _Call:
    return _TYPE, encode_grpc_frame(message), True


def _named_as_over_http(message: bytes, _compression: str) -> _Call:
    fields = (("content-type", "application/x-protobuf"), *_TE)
    return fields, encode_grpc_frame(message), True


def _flag_alone(message: bytes, compression: str) -> _Call:
    body = gzip.compress(message) if compression == _GZIP else message
    return _RIGHT, encode_grpc_frame(body, is_compressed=compression == _GZIP), True


def _claimed_gzip(message: bytes, compression: str) -> _Call:
    fields = (*_RIGHT, *_PACKED) if compression == _GZIP else _RIGHT
    return fields, encode_grpc_frame(message, is_compressed=compression == _GZIP), True


def _silent_gzip(message: bytes, compression: str) -> _Call:
    body = gzip.compress(message) if compression == _GZIP else message
    return _RIGHT, encode_grpc_frame(body), True


def _packed(message: bytes) -> bytes:
    return encode_grpc_frame(gzip.compress(message), is_compressed=True)


def _twice(*doubled: _Fields) -> Callable[[bytes, str], _Call]:
    """A right call, whatever it is told, in which some header is there twice."""

    def call(message: bytes, _compression: str) -> _Call:
        fields = (*_RIGHT, *_PACKED, *(pair for each in doubled for pair in each))
        return fields, _packed(message), True

    return call


def _listed(message: bytes, _compression: str) -> _Call:
    return (*_RIGHT, ("grpc-encoding", "gzip, gzip")), _packed(gzip.compress(message)), True


RAW_CALLS: Final[dict[str, Callable[[bytes, str], _Call]]] = {
    "two messages in a call": _two_messages,
    "never ends its stream": _endless,
    "no te": _without_te,
    "a media type of HTTP": _named_as_over_http,
    "flag without an encoding": _flag_alone,
    "says gzip and is none": _claimed_gzip,
    "gzip without saying so": _silent_gzip,
    "grpc-encoding and te twice": _twice(_PACKED, _TE),
    "grpc-encoding twice": _twice(_PACKED),
    "te twice": _twice(_TE),
    "content-type twice": _twice(_TYPE),
    "a list of encodings": _listed,
}
"""Word to the call: fields, body, and whether its stream ends."""

# The first is right: it goes on over HTTP/1.1 where that is all there is.
OVER_HTTP2: Final = frozenset({"prefers HTTP/2", "HTTP/2 or nothing"})
"""Words with which requests over TLS go over HTTP/2."""
