"""Laws of the two HTTPs without a socket: pieces do not matter, and nothing crashes them."""

import contextlib

from hpack import Encoder
from hypothesis import example, given, settings, strategies as st

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http1 import RequestFault, RequestParser
from otlptest.wire.transport.http2_headers import HeaderBlockError, HeaderReader
from otlptest.wire.transport.limits import DEFAULT_LIMITS
from tests.support.http2_server import Served2
from tests.support.http2_talk import OPENING, call
from tests.support.receiving import http1

CUTS = st.lists(st.integers(1, 400), max_size=30)
BODIES = st.lists(st.binary(max_size=300), min_size=1, max_size=5)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    """`data` cut at the sizes, the rest in one."""
    found: list[bytes] = []
    for size in sizes:
        found.append(data[:size])
        data = data[size:]
    return [*found, data]


@given(BODIES, CUTS)
@settings(deadline=None)
def test_http_1_reads_the_same_requests_from_any_pieces(
    bodies: list[bytes], cuts: list[int]
) -> None:
    parser = RequestParser(DEFAULT_LIMITS)
    found: list[bytes] = []
    for piece in pieces(b"".join(map(http1, bodies)), cuts):
        only = parser.only_request(piece)
        found += [only.body] if only is not None else [each.body for each in parser.feed(piece)]
    assert found == bodies


@given(BODIES, CUTS)
@settings(deadline=None)
def test_http_2_reads_the_same_requests_from_any_pieces(
    bodies: list[bytes], cuts: list[int]
) -> None:
    served = Served2(has_seen=b"")
    calls = (call(2 * number + 1, body=body) for number, body in enumerate(bodies))
    for piece in pieces(OPENING + b"".join(calls), cuts):
        served.send(piece)
    assert [body for _, body in served.requests] == bodies
    assert served.over == []


@given(st.binary(max_size=500), CUTS)
@example(b"POST / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nPOST", [])
@settings(deadline=None)
def test_http_1_refuses_or_reads_anything(data: bytes, cuts: list[int]) -> None:
    parser = RequestParser(DEFAULT_LIMITS)
    with contextlib.suppress(RequestFault):
        for piece in pieces(data, cuts):
            list(parser.feed(piece))


FRAMES = st.builds(
    frames.frame,
    st.integers(0, 10),
    st.integers(0, 255),
    st.integers(0, 6),
    st.binary(max_size=40),
)


@given(st.lists(FRAMES, max_size=20), st.binary(max_size=50))
@settings(deadline=None)
def test_http_2_survives_any_frames(sent: list[bytes], rest: bytes) -> None:
    served = Served2()
    served.send(b"".join(sent) + rest)
    assert len(served.over) <= 1
    assert bool(served.over) is served.connection.is_over


@given(st.lists(st.binary(max_size=60), max_size=5))
@settings(deadline=None)
def test_a_header_block_means_what_hpack_says_or_is_refused(blocks: list[bytes]) -> None:
    reader = HeaderReader(65_536)
    with contextlib.suppress(HeaderBlockError):
        for block in blocks:
            fields = reader.read(block)
            assert fields.size >= 32 * len(fields.fields)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["x-a", "x-b"]), st.sampled_from("12")), max_size=3),
        max_size=12,
    ),
    st.sampled_from([0, 40, 80, 4096]),
)
@settings(deadline=None)
def test_kept_blocks_never_mean_something_old(
    lists: list[list[tuple[str, str]]], table_size: int
) -> None:

    encoder, reader = Encoder(), HeaderReader(65_536)
    encoder.header_table_size = table_size
    for fields in lists:
        assert list(reader.read(encoder.encode(fields)).fields) == fields
