"""A small HTTP/1.1 client for programs under test: one request, one connection, one deadline.

It uses `socket.SocketType`, the C type, because pytest-socket replaces `socket.socket` to forbid
network traffic, which a test's exchange with its own program is not. Every wait ends at one
deadline: a program that sends a byte a second cannot hold up a test.
"""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Final, cast

from otlptest.net.deadline_sockets import DeadlineSocket
from otlptest.timing import Deadline

LOOPBACK_HOSTS = ("127.0.0.1", "::1")
"""The hosts of a program; Node's `listen(port, 'localhost')` may use only the second."""

_LEAST_S: Final = 1e-3  # a socket takes 0 for "do not block"


class ResponseHeaders(Mapping[str, str]):
    """Header fields of a response: read-only, with case-insensitive names.

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
    """The answer of a program.

    Attributes:
        status: The HTTP status.
        reason: The phrase after it.
        headers: Header fields, with case-insensitive names.
        body: The body, unchanged.
    """

    status: int
    reason: str = ""
    headers: ResponseHeaders = field(default_factory=ResponseHeaders)
    body: bytes = b""

    @property
    def text(self) -> str:
        """Return the body in the charset of its content type, UTF-8 by default."""
        content_type = Message()
        content_type["content-type"] = self.headers.get("content-type", "text/plain")
        charset = content_type.get_content_charset("utf-8")
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401 -- JSON can be anything
        """Return the body parsed as JSON.

        Raises:
            ValueError: It is not valid JSON.
        """
        return json.loads(self.body)


def _connected(host: str, port: int, deadline: Deadline) -> socket.SocketType:
    """Return a connection to a program.

    Raises:
        OSError: Nobody listens, or time ran out (`TimeoutError`).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    plain = socket.SocketType(family, socket.SOCK_STREAM)
    try:
        plain.settimeout(max(deadline.remaining_s(), _LEAST_S))
        plain.connect((host, port))
    except BaseException:
        plain.close()
        raise
    return plain


def can_connect(port: int) -> str | None:
    """Return the loopback host on which `port` accepts connections, None if neither does."""
    for host in LOOPBACK_HOSTS:
        try:
            _connected(host, port, Deadline(1.0)).close()
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
    """Send one request and read its whole answer.

    Raises:
        OSError: Nobody listens, the connection broke, or time ran out (`TimeoutError`).
        http.client.HTTPException: The answer is not HTTP.
    """
    connection = http.client.HTTPConnection(host, port)
    plain = _connected(host, port, deadline)
    try:
        connection.sock = cast("Any", DeadlineSocket(plain, deadline))
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
        plain.close()  # an answer may be partly unread
