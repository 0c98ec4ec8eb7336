"""A bare HTTP/1.1 client: it sends the given bytes, valid or not, and returns the answer.

`http.client` and its like repair, refuse and hide; a conformance case must see the bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otlptest.sending.raw.raw_socket import End, RawSocket, end_words
from otlptest.timing import Deadline

Fields = Sequence[tuple[str, str]]

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?")
_NO_BODY: Final = frozenset({204, 304})
_INTERIM: Final = range(100, 200)
_HEAD_END: Final = b"\r\n\r\n"
_LARGEST_HEAD: Final = 1024 * 1024
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Http1Answer:
    """The answer to one request.

    Attributes:
        status: None if no whole head came.
        fields: Header fields in order, names as sent.
        body: As sent, the transfer coding undone.
        end: `open` if the connection may go on, else how it ended.
        is_whole: Whether head and body are complete.
        problem: What is not HTTP/1.1 in it; empty if nothing.
        interim: Statuses of the interim answers before it, e.g. 100.
        elapsed_s: From the start of the wait to its last byte.
    """

    status: int | None = None
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    end: End = "open"
    is_whole: bool = False
    problem: str = ""
    interim: tuple[int, ...] = ()
    elapsed_s: float = 0.0

    def field(self, name: str) -> str | None:
        """Return the value of a header field, several joined with a comma; None if it is absent."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters; empty if absent."""
        return (self.field("content-type") or "").partition(";")[0].strip().lower()

    @property
    def is_ok(self) -> bool:
        """Return whether it is a whole 200."""
        return self.is_whole and self.status == 200  # noqa: PLR2004 -- HTTP's number

    @property
    def is_client_error(self) -> bool:
        """Return whether it is a whole 4xx."""
        return self.is_whole and self.status is not None and self.status // 100 == 4  # noqa: PLR2004 -- HTTP's number

    @property
    def is_refused(self) -> bool:
        """Return whether it is a whole 4xx."""
        return self.is_client_error

    @property
    def is_hang(self) -> bool:
        """Return whether nothing whole came until time ran out."""
        return not self.is_whole and self.end == "silent"

    @property
    def closes(self) -> bool:
        """Return whether the connection ends with it."""
        said = (self.field("connection") or "").lower()
        return self.end in {"closed", "reset"} or "close" in said

    def told(self) -> str:
        """Return the answer as evidence."""
        if self.status is None:
            return self.problem or f"no answer: {end_words(self.end)}"
        text = f"HTTP {self.status}"
        if self.media_type:
            text += f" {self.media_type}"
        if self.body:
            shown = self.body[:_SHOWN].decode("utf-8", "replace")
            text += f" {shown!r}" + ("…" if len(self.body) > _SHOWN else "")
        if not self.is_whole:
            text += f", not whole ({self.problem or end_words(self.end)})"
        return text


def request_head(method: str, target: str, fields: Fields) -> bytes:
    """Return request line and fields, exactly as given."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode("latin-1") + _HEAD_END


def request_bytes(method: str, target: str, fields: Fields, body: bytes) -> bytes:
    """Return a whole request; `Content-Length` is added unless `fields` frame the body."""
    names = {name.lower() for name, _ in fields}
    framed = list(fields)
    if not names & {"content-length", "transfer-encoding"}:
        framed.append(("Content-Length", str(len(body))))
    return request_head(method, target, framed) + body


class RawHttp1Client(RawSocket):
    """One HTTP/1.1 connection; the caller decides what is sent on it."""

    _rest: bytes = b""

    def answer(self, *, timeout_s: float | None = None, is_head: bool = False) -> Http1Answer:
        """Read the next answer, with the interim ones before it.

        Blocks at most `timeout_s`, or the talk's own.

        Args:
            timeout_s: Seconds to wait for it.
            is_head: The request was HEAD: there is no body.
        """
        deadline = Deadline(self.timeout_s if timeout_s is None else timeout_s)
        interim: list[int] = []
        while True:
            found = self._one_answer(deadline, is_head=is_head, interim=tuple(interim))
            if found.status is None or found.status not in _INTERIM:
                return found
            interim.append(found.status)

    def interim(self, *, timeout_s: float) -> int | None:
        """Return the status of an interim answer, if one comes; a final one is left to `answer`."""
        deadline = Deadline(timeout_s)
        while _HEAD_END not in self._rest:
            data = self.receive(deadline)
            if not data:
                return None
            self._rest += data
        found = _STATUS_LINE.match(self._rest)
        if found is None or int(found[1]) not in _INTERIM:
            return None
        self._rest = self._rest.partition(_HEAD_END)[2]
        return int(found[1])

    def _one_answer(
        self, deadline: Deadline, *, is_head: bool, interim: tuple[int, ...]
    ) -> Http1Answer:
        head, problem = self._head(deadline)
        if head is None:
            return Http1Answer(
                end=self.end, problem=problem, interim=interim, elapsed_s=deadline.elapsed_s()
            )
        status, fields = _parsed(head)
        has_body = not is_head and status not in _NO_BODY and status not in _INTERIM
        body, is_whole, problem = self._body(fields, deadline) if has_body else (b"", True, "")
        return Http1Answer(
            status=status,
            fields=fields,
            body=body,
            end=self.end,
            is_whole=is_whole,
            problem=problem,
            interim=interim,
            elapsed_s=deadline.elapsed_s(),
        )

    def _head(self, deadline: Deadline) -> tuple[bytes | None, str]:
        """Return the bytes of a head without its end, or None and the problem."""
        while _HEAD_END not in self._rest:
            is_other = len(self._rest) > _LARGEST_HEAD or not b"HTTP/1.".startswith(self._rest[:7])
            data = b"" if is_other else self.receive(deadline)
            if not data:
                said = f"no HTTP/1.1 answer but {self._rest[:_SHOWN]!r}" if self._rest else ""
                return None, said
            self._rest += data
        head, _, rest = self._rest.partition(_HEAD_END)
        if not _STATUS_LINE.match(head):
            return None, f"no HTTP/1.1 answer but {head[:_SHOWN]!r}"
        self._rest = rest
        return head, ""

    def _body(self, fields: Fields, deadline: Deadline) -> tuple[bytes, bool, str]:
        """Return the body, whether it came whole, and its fault."""
        named = {name.lower(): value.strip() for name, value in fields}
        if "chunked" in named.get("transfer-encoding", "").lower():
            return self._chunks(deadline)
        length = named.get("content-length")
        if length is None:
            while data := self.receive(deadline):
                self._rest += data
            body, self._rest = self._rest, b""
            return body, self.end == "closed", ""
        if not length.isdigit():
            return b"", False, f"the Content-Length {length!r}"
        body, is_whole = self._exactly(int(length), deadline)
        return body, is_whole, ""

    def _chunks(self, deadline: Deadline) -> tuple[bytes, bool, str]:
        parts: list[bytes] = []
        while True:
            line = self._line(deadline)
            size = _chunk_size(line)
            if size is None:
                problem = "" if line is None else f"the chunk size {line[:40]!r}"
                return b"".join(parts), False, problem
            if size == 0:
                while line := self._line(deadline):
                    pass
                return b"".join(parts), line is not None, ""
            part, is_whole = self._exactly(size + 2, deadline)
            parts.append(part[:size])
            if not is_whole:
                return b"".join(parts), False, ""

    def _line(self, deadline: Deadline) -> bytes | None:
        """Return a line without its end; None if none came."""
        while b"\r\n" not in self._rest:
            data = self.receive(deadline)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line

    def _exactly(self, size: int, deadline: Deadline) -> tuple[bytes, bool]:
        while len(self._rest) < size:
            data = self.receive(deadline)
            if not data:
                body, self._rest = self._rest, b""
                return body, False
            self._rest += data
        body, self._rest = self._rest[:size], self._rest[size:]
        return body, True


def _parsed(head: bytes) -> tuple[int, tuple[tuple[str, str], ...]]:
    first, *lines = head.split(b"\r\n")
    found = _STATUS_LINE.match(first)
    status = int(found[1]) if found else 0
    pairs = (line.decode("latin-1").partition(":") for line in lines)
    return status, tuple((name, value.strip()) for name, _, value in pairs)


def _chunk_size(line: bytes | None) -> int | None:
    if line is None:
        return None
    text = line.partition(b";")[0].strip()
    return int(text, 16) if re.fullmatch(rb"[0-9A-Fa-f]{1,15}", text) else None
