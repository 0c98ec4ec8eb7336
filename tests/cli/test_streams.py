"""Any text fits any encoding, any width; a lost stdout stays lost quietly."""

import io
import sys
import unicodedata

import pytest

from otlptest.cli import streams
from otlptest.cli.streams import ASCII_FALLBACK, prepare_streams, screen_width, silence_stdout


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        pytest.param("utf-8", "├─ ✓ ü", "├─ ✓ ü", id="utf-8-as-it-is"),
        pytest.param("cp1252", "├─ ✓ ü €", "+- + ü €", id="cp1252-keeps-what-it-has"),
        pytest.param("ascii", "├─ ✓ ü … 日", "+- + ? ~ ?", id="ascii"),
        pytest.param("utf-8", "a\ud800b", "a?b", id="lone-surrogate"),
    ],
)
def test_what_an_encoding_lacks_becomes_ascii(
    monkeypatch: pytest.MonkeyPatch, encoding: str, text: str, written: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    prepare_streams()
    streams.write(text)
    assert raw.getvalue().decode(encoding) == written + "\n"


def test_the_fallback_is_one_ascii_character_for_one_narrow_one() -> None:
    for char, plain in ASCII_FALLBACK.items():
        assert len(char) == len(plain) == 1
        assert plain.isascii()
        assert unicodedata.east_asian_width(char) not in "WF"


def test_only_encoding_can_fall_back() -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")
    with pytest.raises(UnicodeDecodeError):
        streams._plain(error)


@pytest.mark.parametrize(
    ("columns", "width"), [("40", 40), ("3", 20), ("200", 200)], ids=["narrow", "absurd", "wide"]
)
def test_the_width_is_what_the_terminal_says_within_reason(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert screen_width() == width


def test_a_stdout_without_a_descriptor_needs_no_silencing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    silence_stdout()
