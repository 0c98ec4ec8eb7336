"""Large requests and decompression bombs, made piece by piece: they never fill memory."""

import zlib
from collections.abc import Iterator
from functools import cache
from typing import Final

from otlptest.conformance.receiver.sample_requests import sample_request
from otlptest.model import Signal
from otlptest.wire.otlp.protobuf_writing import tag, varint

MIB: Final = 1024 * 1024
_PAD_FIELD: Final = 1999
_CHUNK: Final = 2
_LEVEL: Final = 9
_WINDOW: Final = -15


def _head(signal: Signal, marker: str, size: int) -> bytes:
    """Return a valid request with one item, up to the `size` bytes of an unknown field's value.

    The padding is an unknown field of the request: it must be read but has no meaning.
    """
    return sample_request(signal, marker) + tag(_PAD_FIELD, _CHUNK) + varint(size)


def padded(signal: Signal, marker: str, size: int) -> Iterator[bytes]:
    """Yield a valid request with `size` bytes of padding, in pieces of 1 MiB."""
    yield _head(signal, marker, size)
    piece = bytes(MIB)
    for at in range(0, size, MIB):
        yield piece[: min(MIB, size - at)]


def padded_size(signal: Signal, marker: str, size: int) -> int:
    """Return the number of bytes that `padded` yields."""
    return len(_head(signal, marker, size)) + size


@cache
def _packed_mib() -> bytes:
    """Return one MiB of zeros as independent deflate blocks."""
    packer = zlib.compressobj(_LEVEL, wbits=_WINDOW)
    packer.compress(b"")
    return packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)


@cache
def gzip_bomb(signal: Signal, mebibytes: int) -> bytes:
    """Return a gzip stream of a valid, padded request: about 1 KiB for each MiB inflated."""
    head = _head(signal, "bomb", mebibytes * MIB)
    packer = zlib.compressobj(_LEVEL, wbits=_WINDOW)
    begin = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(_LEVEL, wbits=_WINDOW).flush()
    check = zlib.crc32(head)
    zeros = bytes(MIB)
    for _ in range(mebibytes):
        check = zlib.crc32(zeros, check)
    size = (len(head) + mebibytes * MIB) & 0xFFFFFFFF
    data = begin + _packed_mib() * mebibytes + end
    trailer = check.to_bytes(4, "little") + size.to_bytes(4, "little")
    return b"\x1f\x8b\x08\x00" + b"\x00" * 4 + b"\x02\xff" + data + trailer
