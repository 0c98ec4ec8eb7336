"""JSON text is read as strictly as RFC 8259 is, and never overflows the stack."""

import pytest

from otlptest.errors import WireError
from otlptest.wire.otlp.json_text import dump_json, load_json

REFUSED: dict[str, tuple[bytes, str, str, str]] = {
    "empty": (b"", "OTLP-JSON-048", "is empty", ""),
    "only-white-space": (b" \n", "OTLP-JSON-048", "is empty", ""),
    "truncated": (b'{"resourceSpans":[', "OTLP-JSON-036", "not valid JSON", "byte 18"),
    "word": (b"hello", "OTLP-JSON-036", "not valid JSON", "byte 0"),
    "offset-counts-bytes": ('{"é":}'.encode(), "OTLP-JSON-036", "not valid JSON", "byte 6"),
    "trailing-comma": (b'{"a":1,}', "OTLP-JSON-036", "not valid JSON", "byte"),
    "comment": (b"{} // x", "OTLP-JSON-043", "Extra data", "byte 3"),
    "second-document": (b"{}{}", "OTLP-JSON-043", "Extra data", "byte 2"),
    "byte-order-mark": (b"\xef\xbb\xbf{}", "OTLP-JSON-036", "byte order mark", "byte 0"),
    "utf-16": ('{"a":1}'.encode("utf-16"), "OTLP-JSON-035", "not UTF-8", "byte 0"),
    "not-utf8": (b'{"a":"\xff"}', "OTLP-JSON-035", "not UTF-8", "byte 6"),
    "encoded-surrogate": (b'{"a":"\xed\xa0\x80"}', "OTLP-JSON-035", "not UTF-8", "byte 6"),
    "bare-nan": (b'{"a":NaN}', "OTLP-JSON-024", "NaN stands without quotes", ""),
    "bare-infinity": (b"[Infinity]", "OTLP-JSON-024", "Infinity stands", ""),
    "bare-minus-infinity": (b"[-Infinity]", "OTLP-JSON-024", "-Infinity stands", ""),
    "endless-integer": (b"[" + b"1" * 5000 + b"]", "OTLP-JSON-036", "too long", ""),
    "control-character": (b'"a\nb"', "OTLP-JSON-036", "control character", "byte 2"),
    "lists-10000-deep": (b"[" * 10_000 + b"]" * 10_000, "OTLP-JSON-044", "200 levels", ""),
    "objects-10000-deep": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "OTLP-JSON-044", "200", ""),
    "unclosed-10000-deep": (b"[" * 10_000, "OTLP-JSON-044", "200 levels", ""),
    "one-level-too-deep": (b"[" * 201 + b"]" * 201, "OTLP-JSON-044", "200 levels", ""),
    "mixed-too-deep": (b'[{"a":' * 101 + b"1" + b"}]" * 101, "OTLP-JSON-044", "200", ""),
    "branching-too-deep": (b"[[]," * 201 + b"1" + b"]" * 201, "OTLP-JSON-044", "200", ""),
    "too-deep-beside-brackets-in-texts": (
        b'["[[[",' * 201 + b"1" + b"]" * 201,
        "OTLP-JSON-044",
        "200",
        "",
    ),
    "crossed-brackets": (b"[{]}", "OTLP-JSON-036", "not valid JSON", "byte 2"),
}


@pytest.mark.parametrize(("data", "rule", "problem", "place"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_json_is_refused(data: bytes, rule: str, problem: str, place: str) -> None:
    with pytest.raises(WireError) as caught:
        load_json(data)
    assert (caught.value.kind, caught.value.rule) == ("malformed", rule)
    assert problem in caught.value.problem
    assert caught.value.place.startswith(place)


READ: dict[str, tuple[bytes, object]] = {
    "white-space-around": (b' \r\n\t{"a" : 1}\n', {"a": 1}),
    "last-of-repeated-keys": (b'{"a":1,"a":2}', {"a": 2}),
    "escapes": (rb'["\ud83d\ude00\u0000\/"]', ["\U0001f600\0/"]),
    "text-beyond-the-basic-plane": ('["\U0001f600"]'.encode(), ["\U0001f600"]),
    "brackets-in-a-text": (b'["' + b"[" * 1000 + b'"]', ["[" * 1000]),
    "brackets-after-an-escaped-quote": (
        b'["\\"' + b"[{" * 500 + b'"]',
        ['"' + "[{" * 500],
    ),
    "line-separators": ('["\u2028"]'.encode(), ["\u2028"]),
}


@pytest.mark.parametrize(("data", "value"), READ.values(), ids=READ)
def test_json_is_read(data: bytes, value: object) -> None:
    assert load_json(data) == value


def test_nesting_up_to_the_limit_is_read() -> None:
    assert load_json(b"[" * 200 + b"]" * 200)
    assert load_json(b'[{"a":' * 100 + b"1" + b"}]" * 100)
    assert load_json(b"[[]]", max_depth=2) == [[]]


def test_a_nearly_full_stack_is_no_crash() -> None:
    text = b"[" * 200 + b"]" * 200

    def descend() -> None:
        load_json(text)
        descend()

    with pytest.raises((WireError, RecursionError)):
        descend()


def test_text_is_written_on_one_line_in_utf8() -> None:
    assert (
        dump_json({"a": "é\n", "b": [1, True, None]}) == '{"a":"é\\n","b":[1,true,null]}'.encode()
    )
