"""Receivers that answer wrongly over HTTP: success, errors, bad data, compression."""

import threading
from typing import Any

from tests.subjects.wrong_receivers.http_front import Change, Heard, Said
from tests.subjects.wrong_receivers.planted import (
    GZIP,
    JSON,
    When,
    Wrong,
    accepts,
    always,
    having,
    losing_first,
    nothing,
    partial,
    refused,
    sent,
    taken,
    turned,
    with_fields,
    without,
    wrong,
)

_SERVED = {"traces": "HTTP-002", "metrics": "HTTP-003", "logs": "HTTP-004"}
_ZERO_IDS = bytes(16)
_UNKNOWN_TAG = b"\xf8\x7c"  # of field 1999 as a varint
_LEGACY_TAG = b"\xc2\x3e"  # of field 1000 as a message


def _mixed(rejected: int, message: str) -> Change:
    """A partial success for requests with all-zero ids."""

    def change(heard: Heard, said: Said) -> Said:
        if _ZERO_IDS not in heard.body:
            return said
        return said.having(status=200, body=partial("traces", rejected, message))

    return change


def _without_zero_ids(items: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(item for item in items if item.trace_id.strip("0"))


def _once_seen() -> Change:
    """The same body is not taken twice."""
    seen: set[bytes] = set()

    def change(heard: Heard, said: Said) -> Said:
        is_known = heard.body in seen
        seen.add(heard.body)
        return said.having(status=409) if is_known else said

    return change


def _slowly(*, again: bool) -> Change:
    """One of the bad bodies takes long; every time that it comes, or once."""
    slow: list[bytes] = []

    def change(heard: Heard, said: Said) -> Said:
        if said.status == 400 and heard.number == 30:
            slow.append(heard.body)
            threading.Event().wait(2.2)
        elif again and heard.body in slow:
            threading.Event().wait(2.2)
        return said

    return change


SLOW_ONCE = _slowly(again=False)


def _echoes(heard: Heard, said: Said) -> Said:
    secret = heard.header("authorization")
    return said.having(body=(secret or "").encode()) if secret else said


def _largely(heard: Heard, said: Said) -> Said:
    return said.having(body=heard.body[:100_000]) if said.status == 400 else said


def _holds(part: bytes) -> Change:
    return turned(sent(part), status=400)


def _gzipped(heard: Heard, said: Said) -> Said:
    return said.having(body=GZIP + said.body)


def _to(signal: str) -> When:
    return lambda heard, _: signal in heard.target


def _is_broken_gzip(heard: Heard, said: Said) -> bool:
    return heard.header("content-encoding") == "gzip" and said.status == 400


def _hogs(heard: Heard, said: Said) -> Said:
    """Takes 400 MiB for a bomb, for a while."""
    if said.status == 413:
        hog = b"x" * (400 << 20)
        threading.Event().wait(0.3)
        return said.having(body=said.body + hog[:1])
    return said


SUCCESS = (
    wrong("202 for a success", "success/answer", "RESP-002", change=turned(taken, status=202)),
    *(
        wrong(f"500 for {signal}", "exports/served", rule, change=turned(_to(signal), status=500))
        for signal, rule in _SERVED.items()
    ),
    wrong("a success that is not a message", "success/answer", "RESP-002",
          change=turned(taken, body=b"\xff\xff")),
    wrong("a success of unknown fields", "success/answer", "RESP-002",
          change=turned(taken, body=b"xxxx")),
    wrong("an empty partial success", "success/answer", "RESP-004",
          change=turned(taken, body=b"\x0a\x00")),
    wrong("protobuf called text", "success/media_type", "HTTP-018", "HTTP-020",
          change=turned(refused, content_type="text/plain")),
    wrong("errors as text", "success/media_type", "HTTP-020",
          change=turned(refused, content_type="text/plain", body=b"bad request")),
    wrong("a success without a media type", "success/media_type", "HTTP-018", "HTTP-019",
          change=turned(taken, content_type="")),
    wrong("JSON for who accepts it", "success/media_type", "HTTP-019", "SRV-035",
          change=turned(having("accept", JSON), content_type=JSON)),
    wrong("HTML for who accepts it", "success/media_type", "SRV-035",
          change=turned(having("accept", "text/html"), content_type="text/html")),
    wrong("400 for an empty body", "success/empty", "RESP-006",
          change=turned(lambda heard, _: not heard.body, status=400)),
    wrong("400 for hollow envelopes", "success/hollow", "RESP-007",
          change=turned(lambda heard, _: 0 < len(heard.body) < 12, status=400)),
    wrong("400 for plain bodies", "success/plain", "HTTP-015",
          change=turned(having("content-encoding", None), status=400)),
    wrong("only newer versions of HTTP", "success/plain", "HTTP-011", "HTTP-015",
          change=turned(having("content-encoding", None), status=505)),
    wrong("409 for a duplicate", "success/duplicates", "RESP-084", change=_once_seen()),
    wrong("data lost after its answer", "success/kept", "RESP-010", stored=losing_first()),
)  # fmt: skip

PARTIAL = (
    wrong("requests counted, not spans", "partial/mixed", "RESP-012",
          change=_mixed(1, "bad ids"), signals=("traces",)),
    wrong("no word why", "partial/mixed", "RESP-013", change=_mixed(3, ""), signals=("traces",)),
    wrong("an empty warning", "partial/mixed", "RESP-014",
          change=_mixed(0, ""), signals=("traces",)),
    wrong("a negative count", "partial/mixed", "RESP-012", "RESP-019",
          change=_mixed(-1, "bad ids"), signals=("traces",)),
    wrong("422 for one bad item", "partial/mixed", "RESP-071", "SRV-014",
          change=turned(sent(_ZERO_IDS), status=422), signals=("traces",)),
    wrong("500 for one bad item", "partial/mixed", "SRV-014",
          change=turned(sent(_ZERO_IDS), status=500), signals=("traces",), harm="server_error"),
    wrong("bad ones are dropped without a word", "partial/mixed", "RESP-011",
          stored=_without_zero_ids, signals=("traces",)),
    wrong("the good ones lost too", "partial/mixed", "SRV-014",
          stored=nothing, signals=("traces",)),
)  # fmt: skip

ERRORS = (
    wrong("415 as text", "errors/bodies", "RESP-055",
          change=turned(lambda _, said: said.status == 415, content_type="text/plain")),
    wrong("an error body that is no Status", "errors/bodies", "RESP-055",
          change=turned(lambda _, said: said.status == 400, body=b"\xff\xff")),
    wrong("an error without a word", "errors/bodies", "RESP-058", "RESP-059",
          change=turned(lambda _, said: said.status == 400, body=b"\x08\x03")),
    wrong("credentials in an error", "errors/echo", "SRV-083", change=_echoes),
    wrong("the payload in an error", "errors/echo", "SRV-083", change=_largely),
    wrong("a stack trace in an error", "errors/echo", "SRV-083",
          change=turned(refused, body=b"Traceback (most recent call last):\n")),
)  # fmt: skip

BAD_DATA = (
    wrong("random bytes are taken", "bad_data/random_bytes", "SRV-002", change=accepts(refused)),
    wrong("500 for random bytes", "bad_data/random_bytes", "SRV-002",
          change=turned(refused, status=500), harm="server_error"),
    wrong("bad bytes take long", "bad_data/random_bytes", "RESP-087", change=_slowly(again=True)),
    wrong("cut bodies are taken", "bad_data/cut", "SRV-001", change=accepts(refused)),
    wrong("500 for another wire type", "bad_data/protobuf", "SRV-003",
          change=turned(lambda heard, _: heard.body == b"\x08\x07", status=500),
          harm="server_error"),
    wrong("a length over the body is taken", "bad_data/protobuf", "SRV-004",
          change=accepts(sent(bytes.fromhex("0affffffff07")))),
    wrong("an endless varint is taken", "bad_data/protobuf", "SRV-005",
          change=accepts(sent(b"\xff" * 11))),
    wrong("wire type 6 is taken", "bad_data/protobuf", "SRV-006",
          change=accepts(lambda heard, _: heard.body == b"\x0e")),
    wrong("unknown groups are refused", "bad_data/protobuf", "SRV-007",
          change=turned(lambda heard, _: b"\xfb\x7c\x08\x01\xfc\x7c" in heard.body, status=400)),
    wrong("trailing bytes are taken", "bad_data/protobuf", "SRV-009",
          change=accepts(lambda heard, _: len(heard.body) > 99 and heard.body[-3:] == b"\xff" * 3)),
    wrong("a gRPC frame is taken", "bad_data/framed", "SRV-012", change=accepts(always)),
    wrong("malformed bodies are taken", "bad_data/malformed", "RESP-054", "RESP-071",
          change=accepts(refused)),
    wrong("422 for malformed bodies", "bad_data/malformed", "RESP-071",
          change=turned(refused, status=422)),
    wrong("the real encoding is answered", "bad_data/mismatch", "SRV-034",
          change=turned(lambda heard, _: heard.body[:1] == b"{", content_type=JSON)),
    wrong("500 for deep nesting", "bad_data/deep", "SRV-013",
          change=turned(lambda heard, _: len(heard.body) > 20_000, status=500),
          harm="server_error"),
)  # fmt: skip

VERSIONS = (
    wrong("unknown fields are refused", "interoperability/unknown_fields", "HTTP-053",
          change=_holds(_UNKNOWN_TAG)),
    wrong("what has unknown fields is lost", "interoperability/unknown_fields", "HTTP-053",
          stored=without("kept")),
    wrong("field 1000 is refused", "interoperability/retired", "SRV-089",
          change=_holds(_LEGACY_TAG)),
    wrong("a reserved number is refused", "interoperability/retired", "HTTP-054",
          change=_holds(b"\x7a\x02\x08\x01"), signals=("traces",)),
    wrong("the last scalar does not win", "interoperability/merged", "HTTP-051",
          stored=with_fields(name="first"), signals=("traces",)),
    wrong("fields out of order are refused", "interoperability/merged", "HTTP-051",
          change=_holds(b"turned")),
    wrong("counts one by one are refused", "interoperability/packed", "HTTP-050",
          change=_holds(b"\x31" + (1).to_bytes(8, "little") + b"\x31")),
    wrong("counts one by one are lost", "interoperability/packed", "HTTP-050",
          stored=lambda items: tuple(type(item)(metric=item.metric) for item in items)),
    wrong("500 for a million buckets", "interoperability/extremes", "SRV-015",
          change=turned(lambda heard, _: len(heard.body) > 900_000, status=500),
          harm="server_error"),
    wrong("another signal is stored as this one", "interoperability/other_signal", "SRV-011",
          change=accepts(always), stored=lambda items: items or ("bogus",)),
)  # fmt: skip

COMPRESSION = (
    wrong("broken gzip is taken", "compression/broken", "SRV-016", "SRV-018",
          change=accepts(_is_broken_gzip)),
    wrong("gzip without a header is taken", "compression/broken", "SRV-019",
          change=accepts(lambda heard, _: heard.header("content-encoding") is None)),
    wrong("500 for an empty gzip body", "compression/broken", "SRV-028",
          change=turned(lambda heard, _: not heard.body, status=500), harm="server_error"),
    wrong("checksums are not looked at", "compression/trailer", "SRV-017",
          change=accepts(_is_broken_gzip)),
    wrong("what has a wrong checksum is stored", "compression/trailer", "SRV-017",
          stored=lambda items: items or ("bogus",)),
    wrong("a file name in gzip is refused", "compression/odd", "SRV-021",
          change=turned(lambda heard, _: heard.body[3:4] == b"\x08", status=400)),
    wrong("gzip of nothing is refused", "compression/odd", "SRV-029",
          change=turned(lambda heard, _: len(heard.body) < 30, status=400)),
    wrong("the second member is lost", "compression/members", "SRV-020",
          stored=losing_first()),
    wrong("500 for an unknown coding", "compression/codings", "SRV-022",
          change=turned(having("content-encoding", "x-nope"), status=500), harm="server_error"),
    wrong("500 for identity", "compression/codings", "SRV-023",
          change=turned(having("content-encoding", "identity"), status=500),
          harm="server_error"),
    wrong("500 for GZIP", "compression/codings", "SRV-024",
          change=turned(having("content-encoding", "GZIP"), status=500), harm="server_error"),
    wrong("500 for a double coding", "compression/codings", "SRV-025",
          change=turned(having("content-encoding", "gzip, gzip"), status=500),
          harm="server_error"),
    wrong("answers in gzip that nobody asked for", "compression/answers", "HTTP-017",
          change=_gzipped),
    wrong("gzip bodies are refused", "exports/gzip", "HTTP-014",
          change=turned(having("content-encoding", "gzip"), status=415)),
)  # fmt: skip


def _serves_early(status: int) -> Change:
    return turned(lambda _, said: said.status == 413, status=status)


SIZES = (
    wrong("400 for too large", "sizes/http", "HTTP-023", change=_serves_early(400)),
    wrong("a bomb is taken", "sizes/http", "HTTP-022",
          change=accepts(having("content-encoding", "gzip"))),
    wrong("large headers are taken", "sizes/headers", "SRV-052", change=accepts(always)),
    wrong("memory for a bomb", "bombs/gzip", "SRV-027", change=_hogs, harm="memory"),
    wrong("500 for a bomb", "bombs/gzip", "SRV-027",
          change=turned(lambda _, said: said.status == 413, status=500), harm="server_error"),
    wrong("an answer of 5 MB", "bombs/longest_answer", "HTTP-032",
          change=turned(lambda heard, _: len(heard.body) > 1_000_000, body=b"\x12" * 5_000_000)),
)  # fmt: skip

HTTP_ANSWERS: tuple[Wrong, ...] = (
    *SUCCESS,
    *PARTIAL,
    *ERRORS,
    *BAD_DATA,
    *VERSIONS,
    *COMPRESSION,
    *SIZES,
)
