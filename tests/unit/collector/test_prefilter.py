from collections.abc import Mapping
from typing import Any

import pytest

from otlptest.collector.prefilter import prefilter_of
from otlptest.queries import match
from tests.support.received import a_span

INT_200 = b"\x18\xc8\x01"

# criteria, bytes that may match, bytes that cannot
CASES: dict[str, tuple[Mapping[str, Any], list[bytes], list[bytes]]] = {
    "nothing": ({}, [b""], []),
    "name": ({"name": "ab"}, [b"xaby"], [b"xay"]),
    "name matcher": ({"name": match.regex("ab")}, [b""], []),
    "trace_id": ({"trace_id": "00ff"}, [b"1\x00\xff1"], [b"\x00"]),
    "parent span": ({"parent": a_span(span_id="00ff")}, [b"\x00\xff"], [b"\x00"]),
    "id that is none": ({"span_id": "x"}, [b""], []),
    "event": ({"events": "e"}, [b"e"], [b""]),
    "key": ({"attributes": {"k": match.present()}}, [b"k"], [b""]),
    "key that may be absent": ({"attributes": {"k": match.absent()}}, [b""], []),
    "key with a negated matcher": ({"attributes": {"k": match.not_("v")}}, [b""], []),
    "text": ({"attributes": {"k": "v"}}, [b"kv", b"vk"], [b"k", b"v"]),
    "surrogate": ({"attributes": {"k": "\ud800"}}, [b"k"], [b""]),
    "bytes": ({"attributes": {"k": b"\x01"}}, [b"k\x01"], [b"k"]),
    "bool": ({"attributes": {"k": True}}, [b"k"], [b""]),
    "double": (
        {"attributes": {"k": 1.0}},
        [b"k\x00\x00\x00\x00\x00\x00\xf0\x3f"],
        [b"k\x00\x00\x00\x00\x00\x00\xf0\x40"],
    ),
    "zero has two signs": ({"attributes": {"k": 0.0}}, [b"k"], [b""]),
    "NaN has many forms": ({"attributes": {"k": float("nan")}}, [b"k"], [b""]),
    "list": ({"attributes": {"k": ["a", b"b", 5]}}, [b"kab"], [b"ka"]),
    "int": (
        {"attributes": {"k": 200}},
        [
            b"k" + INT_200,
            b"k\x18\xc8\x81\x00",  # a padded value
            b"k\x18\xc8\x81\x80\x80\x00",
            b"k\x98\x00\xc8\x01",  # a padded tag
            b"k\x98\x80\x00\xc8\x01",
        ],
        [INT_200, b"k\x18\xc8\x02", b"k\x98\x01\xc8\x01", b"k\x18\xc9\x01"],
    ),
    "int 0": ({"attributes": {"k": 0}}, [b"k\x18\x00", b"k\x18\x80\x00"], [b"k\x18\x01"]),
    "int with a meaning in patterns": ({"attributes": {"k": 0x5D}}, [b"k\x18]"], [b"k\x18\\"]),
    "negative int": (
        {"attributes": {"k": -1}},
        [b"k\x18" + b"\xff" * 9 + b"\x01", b"k\x18" + b"\xff" * 9 + b"\x7f"],
        [b"k\x18\x01"],
    ),
    "int that OTLP has not": ({"attributes": {"k": 2**64}}, [b"k"], [b""]),
}


@pytest.mark.parametrize(
    ("criteria", "data"),
    [(criteria, data) for criteria, good, _ in CASES.values() for data in good],
    ids=[f"{name} {i}" for name, (_, good, _) in CASES.items() for i in range(len(good))],
)
def test_item_that_may_match_is_kept(criteria: Mapping[str, Any], data: bytes) -> None:
    assert prefilter_of(criteria).may_match(data)
    assert prefilter_of(criteria).can_contain(data)


@pytest.mark.parametrize(
    ("criteria", "data"),
    [(criteria, data) for criteria, _, bad in CASES.values() for data in bad],
    ids=[f"{name} {i}" for name, (_, _, bad) in CASES.items() for i in range(len(bad))],
)
def test_item_that_cannot_match_is_left_out(criteria: Mapping[str, Any], data: bytes) -> None:
    assert not prefilter_of(criteria).may_match(data)


def test_request_without_a_wanted_value_is_left_out_whole() -> None:
    needles = prefilter_of({"name": "ab", "attributes": {"k": "long value"}})
    assert not needles.can_contain(b"ab")
    assert needles.can_contain(b"long value")
