"""Receivers that read or write JSON wrongly."""

import json
from dataclasses import replace
from typing import Any

from tests.subjects.wrong_receivers.http_front import Change, Heard, Said
from tests.subjects.wrong_receivers.planted import (
    Wrong,
    accepts,
    always,
    having,
    losing_first,
    refused,
    sent,
    taken,
    turned,
    with_fields,
    with_value,
    without,
    wrong,
)


def _json(name: str, case: str, *rules: str, **more: Any) -> Wrong:  # noqa: ANN401 -- fields
    return wrong(name, case, *rules, protocol="http/json", **more)


def _bad(part: str) -> Change:
    return turned(sent(part.encode()), status=400)


def _json_of(signal: str, part: str) -> Change:
    """A part of a document of one signal is refused."""
    return turned(
        lambda heard, _: signal in heard.target and part.encode() in heard.body, status=400
    )


def _error(part: str, status: int = 500) -> Change:
    return turned(sent(part.encode()), status=status)


def _partial(text: str) -> Change:
    """A partial success for requests with all-zero ids."""
    return turned(sent(b'"' + b"0" * 32 + b'"'), body=text.encode())


def _rejects(count: object, key: str = "rejectedSpans") -> Change:
    return _partial(json.dumps({"partialSuccess": {key: count, "errorMessage": "bad ids"}}))


def _truncated(_: Heard, said: Said) -> Said:
    return said.having(content_type="text/plain") if said.status == 400 else said


JSON_SUCCESS = (
    _json("a success without a document", "success/answer_json", "RESP-002", "JSON-039",
          change=turned(taken, body=b"")),
    _json("a success of other keys", "success/answer_json", "RESP-002", "JSON-039",
          change=turned(taken, body=b'{"ok":1}')),
    _json("500 for JSON", "success/answer_json", "RESP-002", change=turned(taken, status=500)),
    _json("an empty partial success", "success/answer_json", "JSON-039",
          change=turned(taken, body=b'{"partialSuccess":{}}')),
    _json("errors as text", "success/media_type_json", "JSON-002", change=_truncated),
    _json("{} is refused", "success/empty_json", "JSON-038",
          change=turned(lambda heard, _: heard.body == b"{}", status=400)),
    _json("hollow envelopes are refused", "success/hollow", "RESP-007",
          change=turned(lambda heard, _: b":[{}]" in heard.body, status=400)),
    _json("a count that is a number", "partial/mixed_json", "JSON-040",
          change=_rejects(3), signals=("traces",)),
    _json("snake_case in a partial success", "partial/mixed_json", "JSON-040",
          change=_partial('{"partialSuccess":{"rejected_spans":"3"}}'), signals=("traces",)),
    _json("an error that is no Status", "errors/bodies_json", "JSON-042", "RESP-055",
          change=turned(lambda _, said: said.status == 400, body=b'"bad"')),
    _json("an error of other keys", "errors/bodies_json", "JSON-042", "RESP-055",
          change=turned(lambda _, said: said.status == 400, body=b'{"detail":"bad"}')),
    _json("415 as text", "errors/bodies_json", "JSON-042", "RESP-055",
          change=turned(lambda _, said: said.status == 415, content_type="text/plain")),
    _json("gzip is refused", "compression/json", "JSON-046",
          change=turned(having("content-encoding", "gzip"), status=415)),
)  # fmt: skip

JSON_VALUES = (
    _json("numbers for int64 are refused", "json_values/right", "JSON-017",
          change=_bad('"intValue":1}')),
    _json("large numbers lose digits", "json_values/right", "JSON-018",
          stored=with_value("value", lambda v: v - 1 if v == (1 << 53) + 1 else v)),
    _json("NaN is refused", "json_values/right", "JSON-024", change=_bad('"NaN"')),
    _json("infinity becomes 0", "json_values/right", "JSON-024",
          stored=with_value("value", lambda v: 0.0 if v == float("inf") else v)),
    _json("doubles as strings are refused", "json_values/right", "JSON-025",
          change=_bad('"1.5e3"')),
    _json("URL-safe base64 is refused", "json_values/right", "JSON-027", change=_bad('"__79"')),
    _json("what is empty is lost", "json_values/right", "JSON-032",
          stored=lambda items: tuple(
              i for i in items if i.attributes.get("value", 0) is not None
          ) or without("value")(items)),
    _json("escapes are not undone", "json_values/right", "JSON-035",
          stored=with_value("value", lambda v: "\\0" if v == "😀\0é/" else v)),
    _json("the largest unsigned number is refused", "json_values/unsigned", "JSON-018",
          change=_bad("18446744073709551615")),
    _json("numbers out of range are taken", "json_values/numbers", "JSON-019",
          change=accepts(sent(b'"9223372036854775808"'))),
    _json("a bare NaN is taken", "json_values/numbers", "JSON-024",
          change=accepts(sent(b":NaN"))),
    _json("exponents are misread", "json_values/numbers", "JSON-020",
          stored=with_value("value", lambda v: 1 if v == 1000 else v)),
    _json("upper case is refused", "json_values/ids", "JSON-006", change=_bad("5B8EFFF7")),
    _json("ids come out otherwise", "json_values/ids", "JSON-006",
          stored=with_fields(trace_id="0" * 32)),
    _json("wrong ids are taken", "json_values/ids", "JSON-007", change=accepts(refused)),
    _json("short ids are taken", "json_values/ids", "JSON-007",
          change=accepts(sent(b'"010203"'))),
    _json("ids of links come out otherwise", "json_values/ids", "JSON-006",
          stored=lambda items: tuple(
              replace(each, links=tuple(replace(link, trace_id="f" * 48) for link in each.links))
              if getattr(each, "links", ()) else each
              for each in items
          )),
    _json("wrong ids are stored", "json_values/ids", "JSON-007",
          stored=lambda items: items or (type("Bogus", (), {"trace_id": "77"})(),)),
    _json("unknown enums are refused", "json_values/enums", "JSON-011", change=_bad(":99")),
    _json("500 for an enum by name", "json_values/enums", "JSON-010",
          change=_error("SPAN_KIND_SERVER")),
    _json("32-bit strings are refused", "json_values/flags", "JSON-022",
          change=_bad('"flags":"257"')),
)  # fmt: skip

JSON_DOCUMENTS = (
    _json("unknown keys are refused", "json/unknown_keys", "JSON-014",
          change=_bad("futureScalar")),
    _json("an empty key ends the document", "json/unknown_keys", "JSON-015",
          change=turned(lambda heard, _: heard.body.startswith(b'{"":1'), status=400)),
    _json("null is refused", "json/nulls", "JSON-028", change=_bad('"schemaUrl":null')),
    _json("500 for null as the list of entries", "json/nulls", "JSON-028",
          change=_error('{"resourceSpans":null}')),
    _json("null for the flags of a point is refused", "json/nulls", "JSON-028",
          change=_json_of("metrics", '"flags":null')),
    _json("an item with nulls is lost", "json/nulls", "JSON-028", stored=losing_first()),
    _json("an empty list needs its key", "json/absent", "JSON-029",
          change=_bad('"arrayValue":{}')),
    _json("an entity needs a schema URL", "json/absent", "JSON-029",
          change=turned(
              lambda heard, _: b"entityRefs" in heard.body and b"schemaUrl" not in heard.body,
              status=400)),
    _json("a missing kind is refused", "json/absent", "JSON-029", change=_bad('"minimal"')),
    _json("500 for snake_case", "json/snake_case", "JSON-013", change=_error("resource_spans")),
    _json("500 for two values", "json/twice", "JSON-033",
          change=_error('"stringValue":"a","intValue"'), harm="server_error"),
    _json("500 for a key twice", "json/twice", "JSON-034",
          change=_error('"name":"first"'), harm="server_error"),
    _json("what is not an object is taken", "json/malformed", "JSON-036",
          change=accepts(lambda heard, _: heard.body == b"[]")),
    _json("500 for an empty body", "json/malformed", "JSON-048",
          change=turned(lambda heard, _: not heard.body, status=500)),
    _json("wrong types are taken", "json/wrong_types", "JSON-037", change=accepts(refused)),
    _json("500 for a text as the list of entries", "json/wrong_types", "JSON-037",
          change=_error('{"resourceSpans":"x"}'), harm="server_error"),
    _json("500 for a number as trace id, of logs alone", "json/wrong_types", "JSON-037",
          change=turned(
              lambda heard, _: b'"traceId":7' in heard.body and "logs" in heard.target, status=500),
          harm="server_error"),
    _json("pretty printing is refused", "json/layout", "JSON-043", change=_bad("\n  ")),
    _json("bytes after the document are taken", "json/layout", "JSON-043",
          change=accepts(refused)),
    _json("attributes of scopes are refused", "json/examples", "JSON-045",
          change=_bad("a scope attribute")),
    _json("an example is lost", "json/examples", "JSON-045", stored=losing_first()),
    _json("500 for deep nesting", "bad_data/deep_json", "JSON-044", "SRV-013",
          change=turned(lambda heard, _: len(heard.body) > 50_000, status=500),
          harm="server_error"),
    _json("a broken gzip is taken", "compression/broken", "SRV-016", "SRV-018",
          change=accepts(having("content-encoding", "gzip"))),
    _json("malformed documents are taken", "bad_data/malformed", "RESP-054", "RESP-071",
          change=accepts(always)),
    _json("protobuf as JSON is answered in protobuf", "bad_data/mismatch", "SRV-034",
          change=turned(lambda heard, said: heard.body[:1] == b"\n" and said.status == 400,
                        content_type="application/x-protobuf")),
    _json("422 for bad items", "partial/mixed_json", "RESP-071", "SRV-014",
          change=turned(
              lambda heard, said: b'"' + b"0" * 32 + b'"' in heard.body or said.status == 400,
              status=422),
          signals=("traces",)),
    _json("text/plain is taken", "routes/media_types_json", "SRV-030",
          change=accepts(having("content-type", "text/plain"))),
    _json("JSON without a content type is taken", "routes/media_types_json", "SRV-031",
          change=accepts(having("content-type", None))),
)  # fmt: skip

JSON_FAULTS: tuple[Wrong, ...] = (*JSON_SUCCESS, *JSON_VALUES, *JSON_DOCUMENTS)
