"""What says that it is compressed is inflated whole, within the limit, or refused."""

import gzip
import io
import tracemalloc
import zlib

import pytest
import zstandard

from otlptest.errors import UnknownNameError, WireError
from otlptest.model import Protocol
from otlptest.wire.transport.compression import (
    SUPPORTED_ENCODINGS,
    canonical_encoding,
    compress,
    decompress,
)

TEXT = b"telemetry " * 1000
LIMIT = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def gzip_with_all_header_fields(data: bytes) -> bytes:
    """FEXTRA, FNAME, FCOMMENT and FHCRC (RFC 1952 section 2.3.1), header checksum included."""
    head = b"\x1f\x8b\x08" + bytes([2 | 4 | 8 | 16]) + b"\0\0\0\0\0\xff"
    head += b"\x04\x00abcd" + b"name.bin\0" + b"a comment\0"
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
    tail = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    return head + raw_deflate(data) + tail


def zstd_stream(data: bytes) -> bytes:
    """A frame that does not tell its content size, as streaming writers make it."""
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        writer.write(data)
    return out.getvalue()


ZSTD_SKIPPABLE = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"

GOOD: dict[str, tuple[str, bytes, bytes]] = {
    "identity": ("identity", TEXT, TEXT),
    "no-encoding": ("", TEXT, TEXT),
    "gzip": ("gzip", gzip.compress(TEXT), TEXT),
    "gzip-upper-case": ("GZIP", gzip.compress(TEXT), TEXT),
    "x-gzip": ("x-gzip", gzip.compress(TEXT), TEXT),
    "gzip-stored": ("gzip", gzip.compress(TEXT, 0), TEXT),
    "gzip-best": ("gzip", gzip.compress(TEXT, 9), TEXT),
    "gzip-all-header-fields": ("gzip", gzip_with_all_header_fields(TEXT), TEXT),
    "gzip-two-members": ("gzip", gzip.compress(TEXT) + gzip.compress(b"more"), TEXT + b"more"),
    "gzip-of-nothing": ("gzip", gzip.compress(b""), b""),
    "gzip-many-members": ("gzip", gzip.compress(b"a") * 500, b"a" * 500),
    "gzip-twice": ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), TEXT),
    "zstd-in-gzip": ("zstd,gzip", gzip.compress(compress("zstd", TEXT)), TEXT),
    "deflate": ("deflate", zlib.compress(TEXT), TEXT),
    "deflate-raw": ("deflate", raw_deflate(TEXT), TEXT),
    "zstd": ("zstd", compress("zstd", TEXT), TEXT),
    "zstd-without-content-size": ("zstd", zstd_stream(TEXT), TEXT),
    "zstd-two-frames": ("zstd", compress("zstd", TEXT) + compress("zstd", b"x"), TEXT + b"x"),
    "zstd-skippable-frame": ("zstd", ZSTD_SKIPPABLE + compress("zstd", TEXT), TEXT),
    "zstd-of-nothing": ("zstd", compress("zstd", b""), b""),
}


@pytest.mark.parametrize(("encoding", "data", "plain"), GOOD.values(), ids=GOOD)
def test_good_streams_are_inflated_whole(encoding: str, data: bytes, plain: bytes) -> None:
    assert decompress(encoding, data, LIMIT) == plain


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


GZ = gzip.compress(TEXT)
ZSTD = compress("zstd", TEXT)
BROKEN: dict[str, tuple[str, bytes, str]] = {
    "gzip-empty-body": ("gzip", b"", "ends early"),
    "gzip-plain-body": ("gzip", TEXT, "incorrect header check"),
    "gzip-cut-after-10-bytes": ("gzip", GZ[:10], "ends early"),
    "gzip-cut-in-the-middle": ("gzip", GZ[: len(GZ) // 2], "ends early"),
    "gzip-cut-in-the-trailer": ("gzip", GZ[:-4], "ends early"),
    "gzip-without-trailer": ("gzip", GZ[:-8], "ends early"),
    "gzip-wrong-checksum": ("gzip", flipped(GZ, -8), "incorrect data check"),
    "gzip-wrong-length": ("gzip", flipped(GZ, -4), "incorrect length check"),
    "gzip-trailing-garbage": ("gzip", GZ + b"garbage", "7 bytes follow its end"),
    "gzip-zero-padding": ("gzip", GZ + b"\0" * 8, "8 bytes follow its end"),
    "gzip-garbage-after-two": ("gzip", GZ + GZ + b"xy", "2 bytes follow its end"),
    "gzip-second-member-cut": ("gzip", GZ + GZ[:-1], "ends early"),
    "gzip-wrong-header-checksum": (
        "gzip",
        flipped(gzip_with_all_header_fields(TEXT), 35),
        "header crc mismatch",
    ),
    "gzip-endless-members": ("gzip", gzip.compress(b"") * 10_001, "more than 10000 members"),
    "gzip-is-really-zstd": ("gzip", ZSTD, "incorrect header check"),
    "deflate-plain-body": ("deflate", TEXT, "incorrect header check"),
    "deflate-cut": ("deflate", zlib.compress(TEXT)[:-1], "ends early"),
    "deflate-wrong-checksum": ("deflate", flipped(zlib.compress(TEXT), -1), "data check"),
    "deflate-trailing-garbage": ("deflate", zlib.compress(TEXT) + b"x", "1 bytes follow"),
    "deflate-raw-cut": ("deflate", raw_deflate(TEXT)[:-3], "incorrect header check"),
    "zstd-empty-body": ("zstd", b"", "ends early"),
    "zstd-plain-body": ("zstd", TEXT, "Unknown frame descriptor"),
    "zstd-cut": ("zstd", ZSTD[:-2], "ends early"),
    "zstd-trailing-garbage": ("zstd", ZSTD + b"garbage!", "Unknown frame descriptor"),
    "zstd-endless-frames": ("zstd", compress("zstd", b"") * 10_001, "more than 10000 frames"),
}


@pytest.mark.parametrize(("encoding", "data", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken_streams_are_refused(encoding: str, data: bytes, problem: str) -> None:
    with pytest.raises(WireError) as caught:
        decompress(encoding, data, LIMIT)
    assert caught.value.kind == "bad_compression"
    assert problem in caught.value.problem


@pytest.mark.parametrize("encoding", SUPPORTED_ENCODINGS)
def test_the_limit_is_the_last_size_that_passes(encoding: str) -> None:
    data = compress(encoding, TEXT)
    assert decompress(encoding, data, len(TEXT)) == TEXT
    with pytest.raises(WireError) as caught:
        decompress(encoding, data, len(TEXT) - 1)
    assert caught.value.kind == "too_large"
    assert str(len(TEXT) - 1) in caught.value.problem


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GZ + gzip.compress(TEXT), id="in-the-second-member"),
        pytest.param(gzip.compress(b"x" * 4000) * 3, id="in-the-third-member"),
        pytest.param(gzip.compress(b"x" * 100) + gzip.compress(bytes(LIMIT)), id="a-bomb-behind"),
    ],
)
def test_the_limit_covers_all_members_together(data: bytes) -> None:
    with pytest.raises(WireError) as caught:
        decompress("gzip", data, len(TEXT) + 5)
    assert caught.value.kind == "too_large"


ZEROS = bytes(1 << 26)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_refused_without_being_expanded(encoding: str) -> None:
    bomb = compress(encoding, ZEROS)
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="larger than 1048576 bytes"):
            decompress(encoding, bomb, LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * LIMIT


RULES: dict[str, tuple[str, bytes, Protocol, str, str]] = {
    "http-bad": ("gzip", b"x", "http/protobuf", "bad_compression", "OTLP-HTTP-012"),
    "json-bad": ("gzip", b"x", "http/json", "bad_compression", "OTLP-HTTP-012"),
    "grpc-bad": ("gzip", b"x", "grpc", "bad_compression", "OTLP-GRPC-011"),
    "http-large": ("", ZEROS, "http/protobuf", "too_large", "OTLP-HTTP-022"),
    "grpc-large": ("", ZEROS, "grpc", "too_large", "OTLP-GRPC-015"),
    "http-unknown": ("x-nope", b"x", "http/protobuf", "unknown_encoding", "OTLP-SRV-022"),
    "grpc-unknown": ("x-nope", b"x", "grpc", "unknown_encoding", "OTLP-GRPC-012"),
    "one-of-two-unknown": ("gzip, br", b"x", "http/json", "unknown_encoding", "OTLP-SRV-022"),
    "too-many-codings": (
        "gzip,gzip,gzip",
        b"x",
        "http/json",
        "unknown_encoding",
        "OTLP-SRV-022",
    ),
}


@pytest.mark.parametrize(
    ("encoding", "data", "protocol", "kind", "rule"), RULES.values(), ids=RULES
)
def test_a_fault_breaks_the_rule_of_its_transport(
    encoding: str, data: bytes, protocol: Protocol, kind: str, rule: str
) -> None:
    with pytest.raises(WireError) as caught:
        decompress(encoding, data, LIMIT, protocol=protocol)
    assert (caught.value.kind, caught.value.rule) == (kind, rule)


def test_compressing_the_same_twice_gives_the_same_bytes() -> None:
    for encoding in SUPPORTED_ENCODINGS:
        assert compress(encoding, TEXT) == compress(encoding, TEXT)


def test_an_unknown_encoding_to_compress_with_is_a_usage_error() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'gzip'"):
        compress("gzp", TEXT)


def test_names_of_encodings_are_brought_to_one_form() -> None:
    assert [canonical_encoding(name) for name in ("", " X-GZip ", "Zstd")] == [
        "identity",
        "gzip",
        "zstd",
    ]
