"""Header blocks: what is kept, when it no longer holds, and what no request may say."""

import pytest
from hpack import Encoder

from otlptest.wire.transport.http2_headers import HeaderBlockError, HeaderReader, encode_fields

REQUEST = [(":method", "POST"), (":scheme", "http"), (":path", "/a"), ("x-a", "1")]


def stateless(fields: list[tuple[str, str]]) -> bytes:
    return Encoder().encode([(name, value, True) for name, value in fields])


def test_a_block_says_its_fields() -> None:
    fields = HeaderReader(65536).read(stateless([*REQUEST, ("content-length", "7")]))
    assert (fields.method, fields.scheme, fields.path) == ("POST", "http", "/a")
    assert fields.authority == ""
    assert fields.fields == (("x-a", "1"), ("content-length", "7"))
    assert (fields.content_length, fields.malformed) == (7, "")
    assert fields.size == sum(len(n) + len(v) + 32 for n, v in [*REQUEST, ("content-length", "7")])


def test_a_repeated_block_is_read_once() -> None:
    reader = HeaderReader(65536)
    block = stateless(REQUEST)
    assert reader.read(block) is reader.read(block)


def test_a_kept_block_is_forgotten_when_the_table_moves_under_it() -> None:
    reader, encoder = HeaderReader(65536), Encoder()
    reader.read(encoder.encode(REQUEST))
    indexed = encoder.encode(REQUEST)
    assert reader.read(indexed).fields == (("x-a", "1"),)
    reader.read(encoder.encode([("x-b", "2")]))  # the same indexes now mean the fields after
    assert reader.read(indexed).fields == (("x-a", "1"), ("x-b", "2"))


def test_an_entry_equal_to_the_evicted_one_moves_the_table_too() -> None:
    reader, encoder = HeaderReader(65536), Encoder()
    encoder.header_table_size = 80  # room for two entries of 36 bytes
    reader.read(encoder.encode([("x-a", "1"), ("x-b", "2")]))
    oldest = b"\xbf"  # index 63
    assert reader.read(oldest).fields == (("x-a", "1"),)
    literal = b"\x40\x03x-b\x012"  # x-b: 2 again; x-a is evicted
    assert reader.read(literal).fields == (("x-b", "2"),)
    assert reader.read(oldest).fields == (("x-b", "2"),)


def test_many_blocks_are_not_all_kept() -> None:
    reader = HeaderReader(65536)
    blocks = [stateless([*REQUEST, ("x-b", str(number))]) for number in range(100)]
    for block in blocks:
        reader.read(block)
    assert reader.read(blocks[0]) is reader.read(blocks[0])
    assert reader.read(blocks[-1]) is not reader.read(blocks[-1])


BROKEN = {
    "an index that is not there": b"\xff\xff\xff\x03",
    "a cut literal": b"\x40\x0a",
    "a size update after a field": b"\x82\x20",
    "a size update over the limit": b"\x3f\xff\xff\x03",
    "a wrong Huffman padding": b"\x40\x82\x00\x00\x01a",
}


@pytest.mark.parametrize("block", BROKEN.values(), ids=BROKEN)
def test_a_block_that_is_no_hpack_is_refused(block: bytes) -> None:
    with pytest.raises(HeaderBlockError, match="not valid HPACK") as caught:
        HeaderReader(65536).read(block)
    assert not caught.value.is_bomb


def test_a_small_block_with_a_large_list_is_a_bomb() -> None:
    entry = b"\x40\x01x\x7f\xa1\x1e" + b"a" * 4000
    with pytest.raises(HeaderBlockError, match="far over") as caught:
        HeaderReader(1000).read(entry + b"\xbe" * 1000)
    assert caught.value.is_bomb


MALFORMED = {
    "upper case": ([*REQUEST, ("X-B", "1")], "the field name 'X-B'"),
    "no name": ([*REQUEST, ("", "1")], "the field name ''"),
    "a line break": ([*REQUEST, ("x-b", "1\r\n2")], "the value of 'x-b'"),
    "a leading blank": ([*REQUEST, ("x-b", " 1")], "the value of 'x-b'"),
    "connection": ([*REQUEST, ("connection", "close")], "the field 'connection', which"),
    "te": ([*REQUEST, ("te", "gzip")], "the field 'te' with something else"),
    "no path": (REQUEST[:2], "no ':path'"),
    "an empty path": ([*REQUEST[:2], (":path", "")], "no ':path'"),
    "no method": (REQUEST[1:], "no ':method'"),
    "two methods": ([REQUEST[0], *REQUEST], "':method' twice"),
    "an unknown pseudo-header": ([*REQUEST[:3], (":x", "1")], "the pseudo-header ':x'"),
    "a pseudo-header of responses": ([*REQUEST[:3], (":status", "1")], "the pseudo-header"),
    "a late pseudo-header": ([*REQUEST, (":authority", "a")], "':authority' after a regular"),
    "two lengths": (
        [*REQUEST, ("content-length", "1"), ("content-length", "2")],
        "the value of 'content-length'",
    ),
    "a length that is none": (
        [*REQUEST, ("content-length", "-1")],
        "the value of 'content-length'",
    ),
}


@pytest.mark.parametrize(("fields", "problem"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_request_is_named(fields: list[tuple[str, str]], problem: str) -> None:
    found = HeaderReader(65536).read(stateless(fields))
    assert found.malformed.startswith(problem)


def test_connect_has_neither_scheme_nor_path() -> None:
    found = HeaderReader(65536).read(stateless([(":method", "CONNECT"), (":authority", "a:1")]))
    assert found.malformed == ""


def test_trailers_have_no_pseudo_headers() -> None:
    reader = HeaderReader(65536)
    assert reader.read(stateless([("x-a", "1")])).trailer_fault == ""
    assert reader.read(stateless(REQUEST)).trailer_fault == "a pseudo-header in trailers"


def test_an_encoded_block_leaves_the_table_alone() -> None:
    reader = HeaderReader(65536)
    block = encode_fields(((":status", "200"), ("content-type", "application/grpc")))
    assert reader.read(block) is reader.read(block)
    assert reader.read(block).fields == (("content-type", "application/grpc"),)
