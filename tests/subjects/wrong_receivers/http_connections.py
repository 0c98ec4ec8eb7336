"""Receivers that treat HTTP/1.1 connections wrongly, or clients that are many, slow or deaf."""

import re
import socket
import threading

from tests.subjects.wrong_receivers.http_front import (
    Change,
    Front,
    Heard,
    Said,
    Talk,
    hang_up,
    read_head,
    read_request,
    reset,
    serve,
)
from tests.subjects.wrong_receivers.planted import (
    PROTOBUF,
    Wrong,
    accepts,
    always,
    having,
    refused,
    turned,
    wrong,
)

_OK = Said(status=200, fields=[("Content-Type", PROTOBUF)])
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


def _never_waves_on(wire: socket.socket, front: Front) -> None:
    """100 Continue is never said."""
    heard, _ = read_request(wire, b"", waves_on=False)
    if heard is not None:
        wire.sendall(front.answer(heard).encoded())


def _hangs_up_without_a_word(wire: socket.socket, front: Front) -> None:
    """One request per connection, and none is told."""
    heard, _ = read_request(wire, b"")
    if heard is not None:
        wire.sendall(front.answer(heard).encoded())


def _leaves_bodies_unread(wire: socket.socket, front: Front) -> None:
    """What follows the head of a refused request is taken for the next request."""
    rest = b""
    while True:
        head, rest = read_head(wire, rest)
        if not head:
            return
        if b"/no " in head:
            wire.sendall(Said(status=404).encoded())
            wire.sendall(Said(status=400).encoded())
            wire.recv(262144)
            continue
        heard, rest = read_request(wire, head + rest)
        if heard is None:
            return
        wire.sendall(front.answer(heard).encoded())


def _one_at_a_time(wire: socket.socket, front: Front) -> None:
    """Requests that came with the one before are lost."""
    while True:
        heard, _ = read_request(wire, b"")
        if heard is None:
            return
        wire.sendall(front.answer(heard).encoded())


def _one_and_no_more(wire: socket.socket, front: Front) -> None:
    """Hangs up after one answer, and does not say so."""
    heard, _ = read_request(wire, b"")
    if heard is not None:
        wire.sendall(front.answer(heard).encoded())


def _no_answer_for_half_closed(wire: socket.socket, front: Front) -> None:
    heard, rest = read_request(wire, b"")
    if heard is None:
        return
    said = front.answer(heard)
    threading.Event().wait(0.05)
    wire.setblocking(False)
    try:
        is_ended = not rest and not wire.recv(1)
    except BlockingIOError:
        is_ended = False
    wire.setblocking(True)
    if not is_ended:
        wire.sendall(said.encoded())


def _resets_large_uploads(wire: socket.socket, front: Front) -> None:
    head, rest = read_head(wire, b"")
    found = _LENGTH.search(head)
    if found and int(found[1]) > 10_000_000:
        reset(wire)
        return
    heard, _ = read_request(wire, head + rest)
    if heard is not None:
        wire.sendall(front.answer(heard).encoded())


def _answers_large_uploads(status: int, over: int) -> Talk:
    """Says at once what it thinks of a large upload."""

    def talk(wire: socket.socket, front: Front) -> None:
        head, rest = read_head(wire, b"")
        found = _LENGTH.search(head)
        if found and int(found[1]) > over:
            wire.sendall(_OK.having(status=status).encoded())
            hang_up(wire)
            return
        heard, _ = read_request(wire, head + rest)
        if heard is not None:
            wire.sendall(front.answer(heard).encoded())

    return talk


def _closes_idle_ones(wire: socket.socket, front: Front) -> None:
    wire.settimeout(1.0)
    serve(wire, front)


def _breaks_down() -> Change:
    """After 300 requests there are only errors, for some time."""

    def change(heard: Heard, said: Said) -> Said:
        return said.having(status=500) if 300 < heard.number < 600 else said

    return change


def _spreads() -> Change:
    """Bad requests make good ones fail, while they last."""
    bad: list[int] = []

    def change(heard: Heard, said: Said) -> Said:
        if said.status == 400:
            bad.append(heard.number)
            return said
        is_beside = bool(bad) and heard.number - bad[-1] <= 2 and "logs" in heard.target
        return said.having(status=500) if is_beside else said

    return change


def _takes_both_lengths(wire: socket.socket, front: Front) -> None:
    """Content-Length beside chunks is taken, and the connection goes on."""
    head, rest = read_head(wire, b"")
    if b"Transfer-Encoding" in head and b"Content-Length" in head:
        wire.sendall(_OK.encoded())
        wire.settimeout(3)
        wire.recv(1)
        return
    heard, _ = read_request(wire, head + rest)
    if heard is not None:
        said = front.answer(heard)
        wire.sendall(said.encoded())


_CHUNKED = having("transfer-encoding", "chunked")

FRAMING = (
    wrong("chunks are refused", "framing/chunked", "HTTP-044", "SRV-059",
          change=turned(_CHUNKED, status=411)),
    wrong("unknown headers are refused", "framing/chunked", "SRV-059",
          change=turned(having("x-unknown", "1"), status=400)),
    wrong("100 Continue is never said", "framing/expect", "HTTP-045", talk=_never_waves_on),
    wrong("417 for an expectation", "framing/expect", "HTTP-045",
          change=turned(having("expect", "100-continue"), status=417)),
    wrong("a connection carries one request", "framing/kept_alive", "SRV-043",
          talk=_hangs_up_without_a_word),
    wrong("bodies of refused requests are not read", "framing/in_step", "SRV-044",
          talk=_leaves_bodies_unread),
    wrong("pipelined requests are lost", "framing/pipelined", "SRV-045", timeout_s=2.0,
          talk=_one_at_a_time, harm="hang"),
    wrong("pipelined requests are cut off", "framing/pipelined", "SRV-045",
          talk=_one_and_no_more),
    wrong("no Host is needed", "framing/versions", "SRV-058", change=accepts(always)),
    wrong("no answer for a half-closed client", "framing/half_closed", "SRV-055",
          talk=_no_answer_for_half_closed),
    wrong("both lengths are taken", "framing/smuggling", "SRV-049", talk=_takes_both_lengths),
    wrong("a length that is not a number is taken", "framing/smuggling", "SRV-051",
          change=accepts(having("content-length", "abc"))),
    wrong("half a request is stored", "framing/aborted", "SRV-050",
          stored=lambda items: items or ("half",)),
)  # fmt: skip

LARGE = (
    wrong("a large upload is reset", "sizes/early", "SRV-057", talk=_resets_large_uploads),
    wrong("no limit at all", "sizes/http", "HTTP-021",
          talk=_answers_large_uploads(200, 2_000_000)),
    wrong("a limit of 10 MB", "sizes/http", "HTTP-024",
          talk=_answers_large_uploads(413, 10_000_000)),
)  # fmt: skip

MANY = (
    wrong("one connection at a time", "endurance/parallel", "SRV-046", at_once=1, harm="hang"),
    wrong("500 for overload", "endurance/overload", "SRV-084", change=_breaks_down()),
    wrong("bad requests spread", "endurance/apart", "SRV-088", change=_spreads(),
          harm="server_error"),
    wrong("deaf clients block others", "endurance/deaf", "SRV-056", at_once=20, harm="hang"),
)  # fmt: skip

SLOW = (
    wrong("slow clients block others", "patience", "SRV-053", at_once=50, harm="hang"),
    wrong("idle connections are closed", "patience", "SRV-054", talk=_closes_idle_ones),
)  # fmt: skip

CONSISTENCY = (
    wrong("an empty request over HTTP is refused", "consistency/alike", "SRV-090",
          change=turned(lambda heard, _: heard.body == b"", status=400)),
    wrong("500 for invalid UTF-8", "consistency/invalid_utf8", "SRV-008",
          change=turned(lambda heard, _: b"\xff\xfe" in heard.body, status=500),
          harm="server_error"),
    wrong("invalid UTF-8 is taken over HTTP", "consistency/invalid_utf8", "SRV-008",
          change=accepts(refused)),
)  # fmt: skip

CONNECTIONS: tuple[Wrong, ...] = (*FRAMING, *LARGE, *MANY, *CONSISTENCY)
