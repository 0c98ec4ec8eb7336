"""Numbers and fields of protobuf by hand: the bytes of the reference, padded where asked."""

import pytest
from google.protobuf.internal import decoder

from otlptest.wire.otlp.protobuf_writing import chunk, varint
from otlptest.wire.otlp.responses import padding


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (2**64 - 1, "ffffffffffffffffff01"),
        (-1, "ffffffffffffffffff01"),
    ],
)
def test_a_number_has_the_bytes_of_its_shortest_form(value: int, expected: str) -> None:
    assert varint(value).hex() == expected


@pytest.mark.parametrize("spare", [1, 2, 5])
def test_padding_changes_no_value(spare: int) -> None:
    read = getattr(decoder, "_DecodeVarint")  # noqa: B009 -- the stubs do not know it
    for value in (0, 1, 127, 128, 300):
        written = varint(value, padding=spare)
        assert read(written, 0) == (value, len(varint(value)) + spare)


def test_a_chunk_has_its_length_before_it() -> None:
    assert chunk(12, b"a" * 200) == b"\x62\xc8\x01" + b"a" * 200


@pytest.mark.parametrize("size", [64, 130, 131, 132, 133, 16_387, 16_388, 16_389, 4_194_305])
def test_a_padded_answer_has_exactly_its_size(size: int) -> None:
    assert len(padding(size, "protobuf")) == size
