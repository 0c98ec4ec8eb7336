"""What is kept of a body that cannot be taken."""

import zlib

from otlptest.collector.receiving.exports import Export, decoded
from otlptest.collector.receiving.heads import head_of
from otlptest.wire.limits import DEFAULT_LIMITS


def exported(media_type: str, body: bytes, path: str = "/v1/traces") -> Export:
    fields = (("content-type", media_type),)
    head = head_of("POST", path, fields, "http", None, is_http2=False)
    return decoded(head, body, DEFAULT_LIMITS)


def kept(media_type: str, body: bytes) -> tuple[bytes, bytes | None, str]:
    export = exported(media_type, body)
    return export.body, export.packed_json, export.error.rule if export.error else ""


def test_the_text_of_bad_json_is_kept_and_gives_no_message() -> None:
    text = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"W47="}]}]}]}'
    body, packed, rule = kept("application/json", text)
    assert (body, rule) == (b"", "OTLP-JSON-003")
    assert packed is not None
    assert zlib.decompress(packed) == text


def test_bad_protobuf_is_kept_as_it_came() -> None:
    assert kept("application/x-protobuf", b"\xff") == (b"\xff", None, "OTLP-HTTP-008")


def test_places_where_json_lost_telemetry_are_kept_and_it_is_taken() -> None:
    export = exported("application/json", b'{"resource_spans":[{"scope_spans":[]}]}')
    assert (export.error, export.body, export.unread_keys) == (None, b"", ("resource_spans",))


def test_five_places_are_enough() -> None:
    keys = ",".join(f'"{"_" * number}name":"x"' for number in range(1, 9))
    text = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{keys}}}]}}]}}]}}'
    assert len(exported("application/json", text.encode()).unread_keys) == 5
