"""Content codings: identity, gzip, deflate and zstd, both ways.

Inflating stops at the limit while it goes, so that a small body cannot become a large one
(OTLP-SRV-027); a stream that is cut short, has a wrong checksum or is followed by other bytes is
refused (OTLP-SRV-016 to -020, RFC 1952, RFC 1950, RFC 8878).
"""

import gzip
import zlib
from collections.abc import Callable
from typing import Final

import zstandard

from otlptest.errors import UnknownNameError, WireError
from otlptest.model import Protocol

SUPPORTED_ENCODINGS: Final = ("identity", "gzip", "deflate", "zstd")
"""The codings in the order of `grpc-accept-encoding` and `Accept-Encoding`."""

_CUT: Final = "it ends early"
_MAX_MEMBERS: Final = 10_000  # no real writer makes as many; each costs a decompressor

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_SLICE: Final = 64 * 1024
_GZIP_WBITS: Final = 31
_ZLIB_WBITS: Final = 15
_RAW_WBITS: Final = -15

_ZSTD_MAX_RATIO: Final = 32 * 1024  # a 4-byte block makes at most 128 KiB
_ZSTD_MIN_SLICE: Final = 64
_ZSTD_MAX_WINDOW: Final = 1 << 27
_MAX_CODINGS: Final = 2

_BAD_RULES: Final = {"grpc": "OTLP-GRPC-011"}
_LARGE_RULES: Final = {"grpc": "OTLP-GRPC-015"}
_UNKNOWN_RULES: Final = {"grpc": "OTLP-GRPC-012"}


class _BrokenStreamError(Exception):
    """The bytes are not a stream of that coding; the argument says why."""


class _LimitReachedError(Exception):
    """Inflating gives more bytes than wanted."""


def canonical_encoding(encoding: str) -> str:
    """Return `encoding` in lower case, with `x-gzip` as `gzip` and nothing as `identity`."""
    name = encoding.strip().lower()
    return {"": "identity", "x-gzip": "gzip"}.get(name, name)


def decompress(
    encoding: str, data: bytes, limit: int, *, protocol: Protocol = "http/protobuf"
) -> bytes:
    """Return `data` inflated.

    Args:
        encoding: The value of `Content-Encoding` or `grpc-encoding`, in any case; two codings
            (`gzip, gzip`) are undone in turn.
        data: The bytes as sent.
        limit: Most bytes that may come out; memory is bounded by about this.
        protocol: The protocol it came by; decides which rule a fault breaks.

    Raises:
        WireError: Kind `unknown_encoding`, `bad_compression` or `too_large`.
    """
    if "," in encoding:
        codings = [canonical_encoding(part) for part in encoding.split(",") if part.strip()]
    else:
        codings = [canonical_encoding(encoding)]
    unknown = [name for name in codings if name not in SUPPORTED_ENCODINGS]
    if unknown or len(codings) > _MAX_CODINGS:
        raise WireError(
            "unknown_encoding",
            _UNKNOWN_RULES.get(protocol, "OTLP-SRV-022"),
            f"the encoding {encoding!r} is none of {', '.join(SUPPORTED_ENCODINGS)}",
        )
    for name in reversed(codings):
        data = _inflated(name, data, limit, protocol)
    return data


def compress(encoding: str, data: bytes) -> bytes:
    """Return `data` compressed, the same bytes each time.

    Args:
        encoding: One of `SUPPORTED_ENCODINGS`, or `x-gzip`.
        data: What to compress.

    Raises:
        UnknownNameError: The encoding does not exist.
    """
    name = canonical_encoding(encoding)
    if name == "identity":
        return data
    if name == "gzip":
        return gzip.compress(data, compresslevel=6, mtime=0)
    if name == "deflate":
        return zlib.compress(data)
    if name == "zstd":
        return zstandard.ZstdCompressor().compress(data)
    raise UnknownNameError("encoding", encoding, SUPPORTED_ENCODINGS)


def _inflated(name: str, data: bytes, limit: int, protocol: Protocol) -> bytes:
    try:
        return _INFLATERS[name](data, limit)
    except _LimitReachedError as reached:
        raise WireError(
            "too_large",
            _LARGE_RULES.get(protocol, "OTLP-HTTP-022"),
            f"the body is larger than {limit} bytes once inflated",
        ) from reached
    except (_BrokenStreamError, zlib.error, zstandard.ZstdError) as broken:
        raise WireError(
            "bad_compression",
            _BAD_RULES.get(protocol, "OTLP-HTTP-012"),
            f"the body is not a {name} stream: {_plain(broken)}",
        ) from broken


def _plain(error: Exception) -> str:
    """Return the library's message without its error number."""
    return str(error).rpartition("data: ")[2]


def _identity(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise _LimitReachedError
    return data


def _gunzip(data: bytes, limit: int) -> bytes:
    """Return every member of a gzip stream (RFC 1952 section 2.2), checksums checked.

    Raises:
        _BrokenStreamError: It ends early, or something else follows.
    """
    part, rest = _zlib_stream(zlib.decompressobj(_GZIP_WBITS), data, limit)
    if not rest:
        return part
    parts = [part]
    at, left = len(data) - len(rest), limit - len(part)
    while at < len(data):
        if not data.startswith(_GZIP_MAGIC, at):
            raise _BrokenStreamError(f"{len(data) - at} bytes follow its end")
        part, at = _gzip_member(data, at, left)
        parts.append(part)
        left -= len(part)
        if len(parts) > _MAX_MEMBERS:
            raise _BrokenStreamError(f"it has more than {_MAX_MEMBERS} members")
    return b"".join(parts)


def _gzip_member(data: bytes, at: int, limit: int) -> tuple[bytes, int]:
    """Return one member from offset `at` on, and the offset after it; reads in slices.

    zlib copies what it does not use: given all the rest, many members would take quadratic time.

    Raises:
        _BrokenStreamError: It ends early.
        _LimitReachedError: There is more than `limit`.
    """
    member = zlib.decompressobj(_GZIP_WBITS)
    parts: list[bytes] = []
    while not member.eof:
        piece = data[at : at + _GZIP_SLICE]
        if not piece:
            raise _BrokenStreamError(_CUT)
        part = member.decompress(piece, limit + 1)
        at += len(piece) - len(member.unused_data)
        limit -= len(part)
        if limit < 0:
            raise _LimitReachedError
        parts.append(part)
    return b"".join(parts), at


def _zlib_stream(stream: "zlib._Decompress", data: bytes, limit: int) -> tuple[bytes, bytes]:
    part = stream.decompress(data, limit + 1)
    if len(part) > limit:
        raise _LimitReachedError
    if not stream.eof:
        raise _BrokenStreamError(_CUT)
    return part, stream.unused_data


def _undeflated(data: bytes, limit: int) -> bytes:
    """Inflate zlib's format (RFC 9110 section 8.4.1.2), or bare deflate data, as some send.

    Raises:
        _BrokenStreamError: It is neither, ends early, or something else follows.
    """
    try:
        part, rest = _zlib_stream(zlib.decompressobj(_ZLIB_WBITS), data, limit)
    except zlib.error as no_zlib:
        try:
            part, rest = _zlib_stream(zlib.decompressobj(_RAW_WBITS), data, limit)
        except (zlib.error, _BrokenStreamError):
            raise _BrokenStreamError(_plain(no_zlib)) from None
    if rest:
        raise _BrokenStreamError(f"{len(rest)} bytes follow its end")
    return part


def _unzstd(data: bytes, limit: int) -> bytes:
    """Yield every frame of a zstd stream.

    zstandard has no output limit, so it gets slices that cannot exceed what is left.

    Raises:
        _BrokenStreamError: It ends early.
        _LimitReachedError: There is more than `limit`.
    """
    parts: list[bytes] = []
    at, frames = 0, 0
    while at < len(data) or not frames:
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW).decompressobj()
        while not frame.eof:
            piece = data[at : at + max(_ZSTD_MIN_SLICE, limit // _ZSTD_MAX_RATIO)]
            if not piece:
                raise _BrokenStreamError(_CUT)
            part = frame.decompress(piece)
            at += len(piece) - len(frame.unused_data)
            limit -= len(part)
            if limit < 0:
                raise _LimitReachedError
            parts.append(part)
        frames += 1
        if frames > _MAX_MEMBERS:
            raise _BrokenStreamError(f"it has more than {_MAX_MEMBERS} frames")
    return b"".join(parts)


_INFLATERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "identity": _identity,
    "gzip": _gunzip,
    "deflate": _undeflated,
    "zstd": _unzstd,
}
