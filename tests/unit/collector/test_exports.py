"""What is kept of a body that cannot be taken."""

import zlib

from otlptest.collector.receiving.exports import decoded
from otlptest.collector.receiving.heads import head_of
from otlptest.wire.limits import DEFAULT_LIMITS


def kept(media_type: str, body: bytes) -> tuple[bytes, bytes | None, str]:
    fields = (("content-type", media_type),)
    head = head_of("POST", "/v1/traces", fields, "http", None, is_http2=False)
    export = decoded(head, body, DEFAULT_LIMITS)
    return export.body, export.packed_json, export.error.rule if export.error else ""


def test_the_text_of_bad_json_is_kept_and_gives_no_message() -> None:
    text = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"W47="}]}]}]}'
    body, packed, rule = kept("application/json", text)
    assert (body, rule) == (b"", "OTLP-JSON-003")
    assert packed is not None
    assert zlib.decompress(packed) == text


def test_bad_protobuf_is_kept_as_it_came() -> None:
    assert kept("application/x-protobuf", b"\xff") == (b"\xff", None, "OTLP-HTTP-008")
