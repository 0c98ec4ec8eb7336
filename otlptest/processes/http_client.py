"""A small HTTP/1.1 client for programs under test: one request, one connection, one deadline.

It uses `socket.SocketType`, the C type, because pytest-socket replaces `socket.socket` to forbid
network traffic, and a test's talk with its own program is none. Each read gets what is left of the
one deadline, so a program that sends a byte a second cannot hold a test.
"""

import http.client
import io
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from otlptest.timing import Deadline

__all__ = ["LOOPBACK_HOSTS", "Response", "ResponseHeaders", "can_connect", "exchange"]

LOOPBACK_HOSTS = ("127.0.0.1", "::1")
"""Where a program may listen; Node's `listen(port, 'localhost')` may be the second alone."""


class ResponseHeaders(Mapping[str, str]):
    """Header fields of a response: read-only, names without regard to case.

    A repeated field is joined with `, `, as RFC 9110 section 5.3 allows.
    """

    def __init__(self, pairs: tuple[tuple[str, str], ...] = ()) -> None:
        self.pairs = pairs
        self._fields: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._fields[key] = f"{self._fields[key]}, {value}" if key in self._fields else value

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"ResponseHeaders({self._fields!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a program answered.

    Attributes:
        status: The HTTP status.
        reason: The phrase after it.
        headers: Header fields, read without regard to case.
        body: The body, as it came.
    """

    status: int
    reason: str = ""
    headers: ResponseHeaders = field(default_factory=ResponseHeaders)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body in the charset of its content type, UTF-8 if it names none."""
        content_type = Message()
        content_type["content-type"] = self.headers.get("content-type", "text/plain")
        charset = content_type.get_content_charset("utf-8")
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401 -- JSON can be anything
        """The body read as JSON.

        Raises:
            ValueError: It is no JSON.
        """
        return json.loads(self.body)


class _DeadlineReader(io.RawIOBase):
    """What a socket receives, each read within one deadline."""

    def __init__(self, owner: "_DeadlineSocket") -> None:
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- a writable buffer, as io has it
        return self._owner.limited().recv_into(buffer)


class _DeadlineSocket:
    """The part of a socket that `http.client` uses, each call within one deadline."""

    def __init__(self, host: str, port: int, deadline: Deadline) -> None:
        self._deadline = deadline
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.SocketType(family, socket.SOCK_STREAM)
        try:
            self.limited().connect((host, port))
        except BaseException:
            self._socket.close()
            raise

    def limited(self) -> socket.SocketType:
        """The socket, with what is left of the deadline as its time limit.

        Raises:
            TimeoutError: Nothing is left.
        """
        left = self._deadline.remaining_s()
        if left <= 0.0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket

    def sendall(self, data: bytes) -> None:
        self.limited().sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 -- always "rb"
        return io.BufferedReader(_DeadlineReader(self))

    def close(self) -> None:
        """Do nothing: http.client closes before it has read the body."""

    def end(self) -> None:
        """Close the socket."""
        self._socket.close()


def can_connect(port: int) -> str | None:
    """The loopback host on which somebody listens on `port`, None if nobody does."""
    for host in LOOPBACK_HOSTS:
        try:
            _DeadlineSocket(host, port, Deadline(1.0)).end()
        except OSError:
            continue
        return host
    return None


def exchange(
    host: str,
    port: int,
    method: str,
    path: str,
    *,
    deadline: Deadline,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Response:
    """Send one request and read its answer whole.

    Raises:
        OSError: Nobody listens, the connection broke, or time ran out (`TimeoutError`).
        http.client.HTTPException: The answer is no HTTP.
    """
    connection = http.client.HTTPConnection(host, port)
    wire = _DeadlineSocket(host, port, deadline)
    try:
        connection.sock = wire
        connection.request(
            method, path, body=body, headers={"Connection": "close", **(headers or {})}
        )
        answer = connection.getresponse()
        return Response(
            status=answer.status,
            reason=answer.reason,
            headers=ResponseHeaders(tuple(answer.getheaders())),
            body=answer.read(),
        )
    finally:
        connection.close()
        wire.end()
