"""A file against its shape: what is wrong, where, what is allowed there, the nearest name."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from otlptest.documents import Shape, read_document
from otlptest.errors import FileFormatError


class InnerShape(Shape):
    kind: Literal["traces", "logs"]
    count: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5


class WholeShape(Shape):
    version: Literal[1]
    name: str = ""
    is_on: bool = False
    inner: InnerShape | None = None
    many: list[InnerShape] = Field(default=[], min_length=0, max_length=2)
    texts: dict[str, str] = Field(default={})


def a_file(folder: Path, text: str | bytes) -> Path:
    file = folder / "plan.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_good_file_gives_its_content_and_places(tmp_path: Path) -> None:
    text = "version: 1\nmany:\n  - kind: logs\n    count: 3\n    share: 0.1\ntexts: {a: b}\n"
    document = read_document(a_file(tmp_path, text), WholeShape)
    assert document.content.many == [InnerShape(kind="logs", count=3, share=0.1)]
    assert document.content.texts == {"a": "b"}
    error = document.error(("many", 0, "count"), "is odd", "use 4")
    assert str(error) == f"{tmp_path}/plan.yaml: line 4, many[0].count: is odd\n  hint: use 4"


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    file = a_file(tmp_path, b"\xef\xbb\xbfversion: 1\n")
    assert read_document(file, WholeShape).content.version == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "p: line 1: is not a mapping\n  hint: begin with: version: 1"),
        ("name: x", "p: line 1: the key 'version' is missing\n  hint: begin with: version: 1"),
        ("version: 2", "p: line 1, version: is 2; this otlptest reads version 1"),
        ("version: true", "p: line 1, version: is True; this otlptest reads version 1"),
        ("version: '1'", "p: line 1, version: is '1'; this otlptest reads version 1"),
        (
            "version: 1\nnmae: x",
            (
                "p: line 2, nmae: unknown key 'nmae'\n"
                "  hint: did you mean 'name'? there are: version, name, is_on, inner, many, texts"
            ),
        ),
        (
            "version: 1\nmany:\n  - {kind: logs}\n  - {kind: logs, cuont: 1}",
            (
                "p: line 4, many[1].cuont: unknown key 'cuont'\n"
                "  hint: did you mean 'count'? there are: kind, count, share"
            ),
        ),
        (
            "version: 1\ninner:\n  count: 1",
            "p: line 2, inner: the key 'kind' is missing\n  hint: the keys are: kind, count, share",
        ),
        (
            "version: 1\ninner:\n  kind: trace",
            (
                "p: line 3, inner.kind: is 'trace'\n"
                "  hint: did you mean 'traces'? there are: traces, logs"
            ),
        ),
        ("version: 1\nname: 3", "p: line 2, name: must be a text and is 3"),
        ("version: 1\nname:", "p: line 2, name: must be a text and is nothing"),
        ("version: 1\nis_on: yes", "p: line 2, is_on: must be true or false and is 'yes'"),
        ("version: 1\nmany: logs", "p: line 2, many: must be a list and is 'logs'"),
        ("version: 1\nmany: [1]", "p: line 2, many[0]: must be a mapping and is 1"),
        ("version: 1\ntexts: [1]", "p: line 2, texts: must be a mapping and is [1]"),
        ("version: 1\ntexts: {a: 1}", "p: line 2, texts.a: must be a text and is 1"),
        (
            "version: 1\ninner: {kind: logs, count: 0}",
            "p: line 2, inner.count: must be at least 1 and is 0",
        ),
        (
            "version: 1\ninner: {kind: logs, count: 10}",
            "p: line 2, inner.count: must be at most 9 and is 10",
        ),
        (
            "version: 1\ninner: {kind: logs, count: 1.5}",
            "p: line 2, inner.count: must be a whole number and is 1.5",
        ),
        (
            "version: 1\ninner: {kind: logs, share: 0}",
            "p: line 2, inner.share: must be above 0 and is 0",
        ),
        (
            "version: 1\ninner: {kind: logs, share: 1}",
            "p: line 2, inner.share: must be below 1 and is 1",
        ),
        (
            "version: 1\ninner: {kind: logs, share: a}",
            "p: line 2, inner.share: must be a number and is 'a'",
        ),
        (
            "version: 1\nmany: [{kind: logs}, {kind: logs}, {kind: logs}]",
            "p: line 2, many: List should have at most 2 items after validation, not 3: [{'kind':",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_mistake_says_where_and_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        read_document(a_file(tmp_path, text), WholeShape, called="p")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("more", "counted"),
    [("", ""), ("b: 2\n", " (and 1 more mistake)"), ("b: 2\nc: 3\n", " (and 2 more mistakes)")],
)
def test_first_mistake_is_told_and_the_others_are_counted(
    tmp_path: Path, more: str, counted: str
) -> None:
    file = a_file(tmp_path, f"version: 1\na: 1\n{more}")
    with pytest.raises(FileFormatError) as caught:
        read_document(file, WholeShape, called="p")
    assert (caught.value.place, caught.value.problem) == ("line 2, a", f"unknown key 'a'{counted}")


def test_long_value_is_cut_in_a_message(tmp_path: Path) -> None:
    file = a_file(tmp_path, f"version: 1\nis_on: {'x' * 500}")
    with pytest.raises(FileFormatError) as caught:
        read_document(file, WholeShape)
    assert caught.value.problem == f"must be true or false and is '{'x' * 79}…"


def test_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="No such file or directory"):
        read_document(tmp_path / "none.yaml", WholeShape)
    with pytest.raises(FileFormatError, match="line 2: is not valid UTF-8"):
        read_document(a_file(tmp_path, b"version: 1\n\xff"), WholeShape)
