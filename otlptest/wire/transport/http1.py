"""The server's side of an HTTP/1.1 connection (RFC 9112), without a socket; httptools parses.

Bytes go into `RequestParser.feed`, whole requests come out in order, each to be answered before
the next. Invalid framing ends the connection, because the start of the next request is unknown
then. An `Upgrade` is ignored, as RFC 9110 section 7.8 allows.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from httptools import (
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from otlptest.wire.transport.limits import Limits

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""The interim reply for a client that sent `Expect: 100-continue`."""

_REASONS: Final = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    417: "Expectation Failed",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}
_REQUEST_LINE: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64} \S+ HTTP/1\.[01]\r?\n")
_HEAD_END: Final = b"\r\n\r\n"
_KEPT_HEADS: Final = 64
_DIGITS: Final = re.compile(r"[0-9]{1,19}")


class RequestFault(Exception):  # noqa: N818 -- the sender's fault, answered with a status
    """A request that cannot be taken; its connection ends after the answer.

    Attributes:
        status: The HTTP status of the answer.
        kind: One of `otlptest.model.PROBLEM_KINDS`.
        rule: The requirement that was broken.
        problem: The fault, as a clause.
        request: As much of it as is known; None before its headers were complete.
    """

    def __init__(
        self, status: int, kind: str, rule: str, problem: str, request: "Http1Request | None" = None
    ) -> None:
        super().__init__(status, kind, rule, problem, request)
        self.status = status
        self.kind = kind
        self.rule = rule
        self.problem = problem
        self.request = request


class RequestHead:
    """Request line and header fields; one object for all requests of a connection that share them.

    Attributes:
        method: As sent, e.g. `POST`.
        target: The request target, query included.
        version: `1.1` or `1.0`.
        fields: Header fields in order, names as sent.
        content_length: The value of the field; None if absent.
        has_body: Whether a body follows, maybe an empty one.
        problem: A violation of RFC 9112 that httptools lets through; empty if there is none.
        derived: Data that the user of the parser derives from the head.
    """

    __slots__ = (
        "content_length",
        "derived",
        "fields",
        "has_body",
        "method",
        "problem",
        "target",
        "version",
    )

    def __init__(
        self, method: str, target: str, version: str, fields: tuple[tuple[str, str], ...]
    ) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.fields = fields
        self.content_length: int | None = None
        self.has_body = False
        self.derived: Any = None
        self.problem = self._check()

    def _check(self) -> str:
        hosts = 0
        lengths: set[str] = set()
        codings: list[str] = []
        for name, value in self.fields:
            key = name.lower()
            if key == "host":
                hosts += 1
            elif key == "content-length":
                lengths.add(value)
            elif key == "transfer-encoding":
                codings.append(value.strip().lower())
        if self.version not in {"1.0", "1.1"}:
            return f"HTTP/{self.version} in the request line"
        if hosts > 1 or (not hosts and self.version == "1.1"):
            return f"{hosts} Host headers, one is needed"
        if codings and (lengths or codings != ["chunked"] or self.version == "1.0"):
            return f"the transfer coding {', '.join(codings)!r}"
        if len(lengths) > 1 or not all(_DIGITS.fullmatch(length) for length in lengths):
            return "a Content-Length that is not a single number"
        if lengths:
            self.content_length = int(lengths.pop())
        self.has_body = bool(codings) or bool(self.content_length)
        return ""


class Http1Request:
    """One request.

    Attributes:
        head: Request line and header fields.
        keeps_alive: Whether the connection may carry another request.
        parts: The body so far, `size` bytes.
    """

    __slots__ = ("head", "keeps_alive", "parts", "size")

    def __init__(self, head: RequestHead) -> None:
        self.head = head
        self.keeps_alive = True
        self.parts: list[bytes] = []
        self.size = 0

    @property
    def body(self) -> bytes:
        """Return the body as far as it has arrived."""
        parts = self.parts
        return parts[0] if len(parts) == 1 else b"".join(parts)


class RequestParser:
    """A parser of the requests of one connection. Not thread-safe.

    Args:
        limits: The limits of a request.

    Attributes:
        current: The request whose body is arriving; None between requests and in a head.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = HttpRequestParser(self)
        self._known_heads: dict[bytes, RequestHead] = {}
        self._kept: dict[tuple[object, ...], RequestHead] = {}
        self._target: list[bytes] = []
        self._fields: list[tuple[bytes, bytes]] = []
        self._fields_size = 0
        self._in_head = False
        self._head_bytes = 0
        self._whole: list[Http1Request] = []
        self._fault: RequestFault | None = None
        self._upgrading: Http1Request | None = None  # its body comes with the next parser
        self.current: Http1Request | None = None

    @property
    def is_within_request(self) -> bool:
        """Return whether a request has begun and is not whole."""
        return self._in_head or self.current is not None

    def only_request(self, data: bytes) -> Http1Request | None:
        """Return the request if `data` is exactly one and has a known head, else None.

        An exporter sends the same head again and again. Between requests the same bytes mean the
        same, so this needs no parser: if it returns None, use `feed`.
        """
        end = data.find(_HEAD_END) + len(_HEAD_END)
        head = self._known_heads.get(data[:end])
        if head is None or self.is_within_request or len(data) - end != head.content_length:
            return None
        request = Http1Request(head)
        request.parts.append(data[end:])
        request.size = len(data) - end
        return request

    def _remember_head(self, data: bytes, request: Http1Request) -> None:
        """Store the head for `only_request`, if `data` is exactly this request."""
        size = request.head.content_length
        is_plain = size == request.size and request.keeps_alive
        raw = data[: len(data) - request.size]
        if is_plain and raw.find(_HEAD_END) + len(_HEAD_END) == len(raw):
            if len(self._known_heads) >= _KEPT_HEADS:
                self._known_heads.clear()
            self._known_heads[raw] = request.head

    def feed(self, data: bytes) -> Iterator[Http1Request]:
        """Yield requests that `data` completes, oldest first.

        Raises:
            RequestFault: The bytes after them are not a valid request.
        """
        was_in_head, was_within = self._in_head, self.is_within_request
        fault = self._parse(data)
        whole, self._whole = self._whole, []
        if len(whole) == 1 and not was_within and not self.is_within_request:
            self._remember_head(data, whole[0])
        yield from whole
        if fault is not None:
            raise fault
        if was_in_head and self._in_head:  # nothing but head in all of `data`
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.header_bytes + self._limits.target_bytes:
                raise self._too_large_head(f"a head of over {self._head_bytes} bytes")

    def _parse(self, data: bytes) -> RequestFault | None:
        while data:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                data = self._ignoring_upgrade() + data[upgrade.args[0] :]
            except HttpParserError as error:
                return self._fault or self._framing_fault(error, data)
            else:
                data = b""
            if self._fault is not None:
                return self._fault
        return None

    def _ignoring_upgrade(self) -> bytes:
        """Replace the parser after an upgrade; return what the fresh one must read first.

        httptools stops after the head of an upgrade. If a body follows, the fresh parser gets a
        head that only frames it, and `on_headers_complete` puts the real one in its place.
        """
        self._parser = HttpRequestParser(self)
        request = self._upgrading
        if request is None:
            return b""
        length = request.head.content_length
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        return f"POST / HTTP/1.1\r\n{framing}\r\n\r\n".encode()

    def _framing_fault(self, error: HttpParserError, data: bytes) -> RequestFault:
        is_method = isinstance(error, HttpParserInvalidMethodError)
        if is_method and not self._whole and _REQUEST_LINE.match(data):
            method = data[:64].split(b" ")[0].decode("latin-1")
            problem = f"the method {method!r} is unknown"
            return RequestFault(501, "wrong_method", "OTLP-SRV-041", problem)
        rule = "OTLP-SRV-049" if self.current is not None else "OTLP-SRV-051"
        return RequestFault(
            400, "protocol_error", rule, f"no HTTP/1.1 request: {error}", self.current
        )

    def _too_large_head(self, problem: str) -> RequestFault:
        return RequestFault(431, "too_large", "OTLP-SRV-052", problem)

    def _refuse(self, fault: RequestFault) -> None:
        if self._fault is None:
            self._fault = fault

    # --- what httptools calls, within feed_data: an exception would not get out

    def on_message_begin(self) -> None:
        """Begin a request line."""
        self._target = []
        self._fields = []
        self._fields_size = 0
        self._in_head = True
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Add a piece of the request target."""
        self._target.append(url)
        if sum(map(len, self._target)) > self._limits.target_bytes:
            problem = f"a request target of over {self._limits.target_bytes} bytes"
            self._refuse(RequestFault(414, "too_large", "OTLP-SRV-052", problem))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header field, or a trailer field."""
        if not self._in_head:
            return  # trailers are ignored (OTLP-SRV-059)
        self._fields.append((name, value))
        self._fields_size += len(name) + len(value)
        if self._fields_size > self._limits.header_bytes:
            self._refuse(self._too_large_head(f"headers of over {self._limits.header_bytes} bytes"))
        elif len(self._fields) > self._limits.header_count:
            self._refuse(self._too_large_head(f"more than {self._limits.header_count} headers"))

    def on_headers_complete(self) -> None:
        """End the head."""
        self._in_head = False
        if self._fault is not None:
            return
        if self._upgrading is not None:
            self.current, self._upgrading = self._upgrading, None
            return
        head = self._shared_head()
        self.current = request = Http1Request(head)
        if head.problem:
            rule = "OTLP-SRV-058" if "Host" in head.problem else "OTLP-SRV-051"
            self._refuse(RequestFault(400, "protocol_error", rule, head.problem, request))
        elif (head.content_length or 0) > self._limits.request_bytes:
            self._refuse(self._too_large_body(request, head.content_length or 0))
        elif self._parser.should_upgrade() and head.has_body:
            self._upgrading = request

    def _shared_head(self) -> RequestHead:
        method = self._parser.get_method()
        version = self._parser.get_http_version()
        key = (method, version, *self._target, *self._fields)
        head = self._kept.get(key)
        if head is None:
            head = RequestHead(
                method.decode("latin-1"),
                b"".join(self._target).decode("latin-1"),
                version,
                tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self._fields),
            )
            if len(self._kept) >= _KEPT_HEADS:
                self._kept.clear()
            self._kept[key] = head
        return head

    def _too_large_body(self, request: Http1Request, size: int) -> RequestFault:
        problem = f"a body of {size} bytes, {self._limits.request_bytes} are allowed"
        return RequestFault(413, "too_large", "OTLP-HTTP-021", problem, request)

    def on_body(self, body: bytes) -> None:
        """Add a piece of the body."""
        request = self.current
        if request is None or self._fault is not None:
            return
        request.parts.append(body)
        request.size += len(body)
        if request.size > self._limits.request_bytes:
            self._refuse(self._too_large_body(request, request.size))

    def on_message_complete(self) -> None:
        """End the request."""
        request, self.current = self.current, None
        if self._upgrading is None and request is not None and self._fault is None:
            request.keeps_alive = self._parser.should_keep_alive()
            self._whole.append(request)


def encode_response(
    status: int,
    fields: tuple[tuple[str, str], ...],
    body: bytes,
    *,
    keeps_alive: bool = True,
    is_head: bool = False,
) -> bytes:
    """Return a whole response with its Content-Length.

    Args:
        status: The HTTP status.
        fields: Header fields; Content-Length and Connection are added.
        body: The content.
        keeps_alive: Whether the connection stays open.
        is_head: The request was HEAD: the body is counted, not sent.
    """
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Other')}"]
    lines += [f"{name}: {value}" for name, value in fields]
    if status != 204:  # noqa: PLR2004 -- No Content has no length (RFC 9110 section 8.6)
        lines.append(f"Content-Length: {len(body)}")
    if not keeps_alive:
        lines.append("Connection: close")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    return head if is_head else head + body
