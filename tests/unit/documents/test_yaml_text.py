"""YAML 1.2 text to plain values with their lines, and every mistake in it."""

from typing import Any

import pytest

from otlptest.documents.yaml_text import parsed_yaml
from otlptest.errors import FileFormatError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("[1, -2, +3, 0x10, 0o17, 1_000]", [1, -2, 3, 16, 15, 1000]),
        ("[-0x10, 0b11, 010]", [-16, 3, 10]),
        ("[1.5, -1e3, .inf, -.inf]", [1.5, -1000.0, float("inf"), float("-inf")]),
        ("[true, false, True]", [True, False, True]),
        ("[null, ~, '']", [None, None, ""]),
        ("[yes, no, on, 2001-01-01, 1:30, '5']", ["yes", "no", "on", "2001-01-01", "1:30", "5"]),
        ("{1: a, true: b}", {"1": "a", "true": "b"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("# only\n---\na: ü", {"a": "ü"}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_text_is_read_as_yaml_1_2(text: str, value: object) -> None:
    assert parsed_yaml("f", text)[0] == value


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), "line 2"),
        (("list",), "line 2, list"),
        (("list", 1), "line 4, list[1]"),
        (("list", 1, "key"), "line 5, list[1].key"),
        (("list", 1, "key", "no", 3, "such"), "line 5, list[1].key.no[3].such"),
        (("a b",), "line 6, ['a b']"),
    ],
    ids=str,
)
def test_place_of_a_value_is_its_line_and_key_path(path: Any, place: str) -> None:  # noqa: ANN401 -- a path
    _, places = parsed_yaml("f", "# first\nlist:\n  - 1\n  - a: 2\n    key: 3\n'a b': 4\n")
    assert places.text(path) == place
    assert places.has(path) == ("no" not in path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: line 1: is empty\n  hint: begin with: version: 1"),
        ("a: [1,", "f: line 1, column 7: is not valid YAML: while parsing a flow node"),
        (
            "a: 1\n b: 2",
            "f: line 2, column 3: is not valid YAML: mapping values are not allowed here",
        ),
        ("a: 1\n---\nb: 1", "expected a single document in the stream"),
        ("a: \x07", "f: is not valid YAML: unacceptable character"),
        ("a: *b", "f: line 1, column 4: is not valid YAML: found undefined alias 'b'"),
        ("a: 1\na: 2", "f: line 2, a: the key is there twice"),
        ("? [1]\n: 2", "f: line 1: a key is not text"),
        ("~: 2", "f: line 1: a key is not text"),
        ("a:\n - !!python/name:os.system x", "f: line 2, a[0]: the tag 'python/name:os.system'"),
        ("a: !mine x", "f: line 1, a: the tag '!mine' is not taken"),
        ("a: !!int x", "f: line 1, a: is not a number: 'x'"),
        ("a: &a [*a]", "f: line 1, a[0]: an alias stands within what it is an alias of"),
        ("[" * 5000, "f: is nested too deeply"),
        ("a: " + "x" * 1_100_000, "f: is larger than 1048576 characters"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_mistake_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        parsed_yaml("f", text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("a:\n\t- 1\n", "indent with spaces, not with tabs", id="a tab"),
        pytest.param("a: 1\n---\nb: 2\n", "one file is one document", id="two documents"),
        pytest.param("a: 1\na: 2\n", "keep one of the two", id="a key twice"),
        pytest.param("a: 'open\n", "look at the indentation and the quotes", id="no end of a text"),
        pytest.param("a: \0\n", "save it as plain text in UTF-8", id="a NUL"),
        pytest.param("[" * 5000, "fewer levels", id="too deep"),
    ],
)
def test_a_mistake_comes_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(FileFormatError) as refused:
        parsed_yaml("f", text)
    assert hint in refused.value.hint


def test_small_file_cannot_become_a_large_value() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(FileFormatError, match="the file has more than 100000 values"):
        parsed_yaml("f", "\n".join(lines))
