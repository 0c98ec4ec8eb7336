"""gRPC's prefix, its one message, and its call metadata."""

import pytest

from otlptest.errors import WireError
from otlptest.wire.transport.grpc_framing import (
    declared_size,
    encode_grpc_frame,
    is_grpc_content_type,
    only_message,
    timeout_seconds,
)


@pytest.mark.parametrize("size", [1, 3, 5, 6, 100])
@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_message_is_read_back_from_any_pieces(size: int, *, is_compressed: bool) -> None:
    frame = encode_grpc_frame(b"hello world", is_compressed=is_compressed)
    parts = [memoryview(frame)[at : at + size] for at in range(0, len(frame), size)]
    assert only_message(parts, 100) == (is_compressed, b"hello world")


def test_an_empty_message_is_a_message() -> None:
    assert only_message([encode_grpc_frame(b"")], 100) == (False, b"")


BROKEN = {
    "nothing": ([], "no message"),
    "half a prefix": ([b"\0\0", b"\0"], "only 3 bytes of its prefix"),
    "half a message": ([b"\0\0\0\0\x09ab"], "ends after 2 of the 9 bytes"),
    "two messages": ([2 * encode_grpc_frame(b"ab")], "7 bytes follow"),
    "a flag of 2": ([b"\2\0\0\0\0"], "the compressed flag is 2"),
    "over the limit": ([b"\0\0\0\0\x65" + bytes(101)], "a message of 101 bytes, 100 are"),
}


@pytest.mark.parametrize(("parts", "problem"), BROKEN.values(), ids=BROKEN)
def test_anything_but_one_message_is_refused(parts: list[bytes], problem: str) -> None:
    with pytest.raises(WireError, match=problem):
        only_message(parts, 100)


def test_a_declared_size_is_known_before_the_message() -> None:
    assert declared_size(b"\0\0\0\0\x64", 100) == 100
    with pytest.raises(WireError) as caught:
        declared_size(b"\0\xff\xff\xff\xff", 100)
    assert (caught.value.kind, caught.value.rule) == ("too_large", "OTLP-GRPC-014")


@pytest.mark.parametrize(
    ("value", "is_grpc"),
    [
        ("application/grpc", True),
        ("application/grpc+proto", True),
        ("Application/GRPC; a=b", True),
        ("application/grpc-web", False),
        ("application/json", False),
        ("", False),
    ],
    ids=["plain", "+proto", "capitals", "web", "json", "nothing"],
)
def test_content_types_of_grpc_are_known(value: str, *, is_grpc: bool) -> None:
    assert is_grpc_content_type(value) is is_grpc


TIMEOUTS = {
    "hours": ("1H", 3600.0),
    "minutes": ("2M", 120.0),
    "seconds": ("3S", 3.0),
    "milliseconds": ("4m", 0.004),
    "microseconds": ("5u", 5e-6),
    "nanoseconds": ("6n", 6e-9),
    "nothing": ("", None),
    "no unit": ("1", None),
    "no number": ("S", None),
    "nine digits": ("123456789S", None),
    "a sign": ("-1S", None),
}


@pytest.mark.parametrize(("value", "seconds"), TIMEOUTS.values(), ids=TIMEOUTS)
def test_a_timeout_is_read_in_its_unit(value: str, seconds: float | None) -> None:
    assert timeout_seconds(value) == pytest.approx(seconds)
