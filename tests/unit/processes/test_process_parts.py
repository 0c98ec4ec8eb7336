"""The parts of `otlptest.processes` that need no program."""

import os
import re
import threading

import pytest

from otlptest.errors import UsageError
from otlptest.processes import Response, ResponseHeaders, ready
from otlptest.processes.descendants import Descendant, living_processes, parsed_ps
from otlptest.processes.exits import how_it_ended
from otlptest.processes.free_ports import free_port
from otlptest.processes.output import KEPT_BYTES, Output


@pytest.mark.parametrize(
    ("code", "text"),
    [
        pytest.param(0, "exited with code 0", id="success"),
        pytest.param(-9, "was ended by SIGKILL", id="signal"),
        pytest.param(-99, "was ended by signal 99", id="signal without a name"),
        pytest.param(None, "ended with a code that something else in this process took", id="gone"),
    ],
)
def test_exit_is_told_in_words(code: int | None, text: str) -> None:
    assert how_it_ended(code) == text


def test_free_ports_differ() -> None:
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        pytest.param(None, "ä".encode(), "ä", id="no content type"),
        pytest.param("text/plain; charset=latin-1", b"\xe4", "ä", id="charset"),
        pytest.param("text/plain; charset=nonsense", "ä".encode(), "ä", id="unknown charset"),
        pytest.param("text/plain", b"\xff", "�", id="broken bytes"),
    ],
)
def test_text_of_a_response_follows_its_charset(
    content_type: str | None, body: bytes, text: str
) -> None:
    pairs = (("Content-Type", content_type),) if content_type else ()
    assert Response(status=200, headers=ResponseHeaders(pairs), body=body).text == text


def test_headers_are_read_without_regard_to_case() -> None:
    headers = ResponseHeaders((("A", "1"), ("a", "2"), ("B", "3")))
    assert dict(headers) == {"a": "1, 2", "b": "3"}
    assert len(headers) == 2
    assert repr(headers) == "ResponseHeaders({'a': '1, 2', 'b': '3'})"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: ready.http("health"),
            "a path begins with '/', and this one is 'health'",
            id="path",
        ),
        pytest.param(
            lambda: ready.line("("),
            "'(' is not a regular expression: missing ), unterminated subpattern at position 0",
            id="regular expression",
        ),
        pytest.param(
            lambda: ready.port(timeout_s=-1),
            "timeout_s must be a number of seconds, 0 or more, and is -1\n"
            "  hint: 0 means: look once, now",
            id="timeout",
        ),
    ],
)
def test_readiness_that_cannot_be_right_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("status", "seen", "hint"),
    [
        (None, "the answer was 404", "/health answers 404: is the path right?"),
        (
            None,
            "the answer was 503",
            "/health answers 503: its output may say why it is not ready",
        ),
        (
            None,
            "the answer was 302",
            (
                "/health answers 302: redirects are not followed, so is it the path that it"
                " redirects to?"
            ),
        ),
        (
            None,
            "the answer was 401",
            "/health answers 401: it asks for a login: is there a path that does not?",
        ),
        (
            None,
            "the answer was 403",
            "/health answers 403: it is forbidden: is there a path that is not?",
        ),
        (204, "the answer was 200", "/health answers 200, and status=204 was asked for"),
        (None, "nobody listened on its port", ""),
    ],
)
def test_answer_that_is_not_ready_has_its_hint(status: int | None, seen: str, hint: str) -> None:
    assert ready.http("/health", status=status).advice(seen) == hint
    assert ready.port().advice(seen) == ""


def test_ps_listing_is_read_by_group_and_marker() -> None:
    listing = """
    10    10 S    /usr/bin/shop --fast
    11    10 Z    (shop)
    12    12 Ss   /usr/bin/daemon HOME=/ OTLPTEST_PROCESS=outer/ab12
    13    13 Ss   /usr/bin/other OTLPTEST_PROCESS=ab123
    """.strip()
    assert parsed_ps(listing, 10, "ab12") == (
        Descendant(pid=10, name="shop", is_in_group=True),
        Descendant(pid=12, name="daemon", is_in_group=False),
    )


def test_nobody_lives_in_a_group_that_does_not_exist() -> None:
    assert living_processes(2**30, "no-such-mark") == ()


class Printer:
    """An output under test, and the end of its pipe that a program would hold."""

    def __init__(self, *patterns: str) -> None:
        self.output = Output("test", threading.Condition())
        self.patterns = [re.compile(pattern) for pattern in patterns]
        for pattern in self.patterns:
            self.output.watch(pattern)
        self._end = os.dup(self.output.pipe)
        self.output.start()

    def prints(self, data: bytes) -> None:
        os.write(self._end, data)

    def ends(self) -> None:
        os.close(self._end)
        self.output.close()


def test_output_is_there_as_soon_as_it_was_printed_and_after_the_end() -> None:
    printer = Printer()
    printer.prints(b"one\xff\n")
    assert printer.output.text() == "one\ufffd\n"
    printer.prints(b"two\n" + b"3" * 600)
    assert printer.output.last_lines(2) == "two\n" + "3" * 500 + "…"
    printer.ends()
    assert printer.output.text() == "one\ufffd\ntwo\n" + "3" * 600


def test_only_the_newest_output_is_kept() -> None:
    printer = Printer()
    block = b"x" * 50_000
    for _ in range(60):
        printer.prints(block)
    printer.prints(b"end")
    told, _, kept = printer.output.text().partition("\n")
    printer.ends()
    assert told == f"[{3_000_003 - KEPT_BYTES:,} bytes of earlier output were dropped]"
    assert len(kept) == KEPT_BYTES
    assert kept.endswith("xend")


def test_watched_line_is_found_whole_however_it_arrives() -> None:
    printer = Printer(r"port (\d+)$", "never")
    printer.prints(b"port 80")
    assert (printer.output.text(), printer.output.match(printer.patterns[0])) == ("port 80", None)
    printer.prints(b"80\r\nport 9\n")
    printer.output.text()
    found = printer.output.match(printer.patterns[0])
    assert found is not None
    assert found[1] == "8080"
    assert printer.output.match(printer.patterns[1]) is None
    printer.ends()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x" * 70_000 + b"here", id="line without an end"),
        pytest.param(b"here", id="last line without a line break"),
    ],
)
def test_watched_text_is_found_in_an_unfinished_line(data: bytes) -> None:
    printer = Printer("here")
    for start in range(0, len(data), 10_000):
        printer.prints(data[start : start + 10_000])
    printer.ends()
    assert printer.output.match(printer.patterns[0]) is not None


def test_output_closes_while_a_stranger_holds_its_pipe() -> None:
    printer = Printer()
    printer.prints(b"said")
    printer.output.close()
    assert printer.output.text() == "said"
    printer.ends()
