"""The exact result of a gRPC call: headers, messages, trailers, and the end of the stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otlptest.sending.raw.raw_socket import End, end_words
from otlptest.wire.transport.grpc_framing import PREFIX_SIZE
from otlptest.wire.transport.http2_frames import ErrorCode
from otlptest.wire.transport.statuses import GrpcCode, decode_grpc_message

_SHOWN: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcAnswer:
    """The answer on one HTTP/2 stream.

    Attributes:
        blocks: The header blocks in order: headers, then trailers; only one if trailers-only.
        body: What the DATA frames carried.
        reset: The code of an RST_STREAM; None if none came.
        goaway: The code of a GOAWAY on the connection; None if none came.
        goaway_text: Its debug data.
        is_ended: Whether the server ended the stream in good order.
        end: The state of the connection.
        problem: What was not HTTP/2 in the answer.
        elapsed_s: From the opening of the stream to its end.
    """

    blocks: tuple[tuple[tuple[str, str], ...], ...] = ()
    body: bytes = b""
    reset: int | None = None
    goaway: int | None = None
    goaway_text: str = ""
    is_ended: bool = False
    end: End = "open"
    problem: str = ""
    elapsed_s: float = 0.0

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The first header block."""
        return self.blocks[0] if self.blocks else ()

    @property
    def trailers(self) -> tuple[tuple[str, str], ...]:
        """The last header block; the only one of a trailers-only answer."""
        return self.blocks[-1] if self.blocks else ()

    def field(self, name: str) -> str | None:
        """Return the value of a trailer, else of a header; None if absent."""
        for block in (self.trailers, self.headers):
            for key, value in block:
                if key == name:
                    return value
        return None

    @property
    def http_status(self) -> int | None:
        """The `:status`; None if no headers came."""
        value = dict(self.headers).get(":status", "")
        return int(value) if value.isdigit() else None

    @property
    def grpc_status(self) -> int | None:
        """The `grpc-status` of the trailers; None if absent."""
        value = dict(self.trailers).get("grpc-status", "")
        return int(value) if value.isdigit() else None

    @property
    def messages(self) -> tuple[tuple[int, bytes], ...]:
        """Compressed flag and bytes of each whole message."""
        return tuple(_messages(self.body))

    @property
    def message_problem(self) -> str:
        """Return what remains after the whole messages; empty if nothing."""
        left = len(self.body) - sum(PREFIX_SIZE + len(each) for _, each in self.messages)
        return f"{left} bytes that are no whole message" if left else ""

    @property
    def is_ok(self) -> bool:
        """Return whether the call ended with status OK."""
        return self.is_ended and self.grpc_status == GrpcCode.OK

    @property
    def is_error(self) -> bool:
        """Return whether it ended with another status, or with an HTTP one that means an error."""
        http = self.http_status or 0
        return self.is_ended and (bool(self.grpc_status) or http >= 400)  # noqa: PLR2004 -- HTTP's number

    @property
    def is_refused(self) -> bool:
        """Return whether a status, a reset or hanging up refused it; silence does not."""
        gone = self.goaway is not None or self.end in {"closed", "reset"}
        return self.is_error or (not self.is_ok and (self.reset is not None or gone))

    @property
    def is_hang(self) -> bool:
        """Return whether time ran out."""
        return not self.is_ended and self.reset is None and self.end == "silent"

    def told(self) -> str:
        """Return the answer as evidence."""
        if self.problem:
            return self.problem
        text = ""
        if self.grpc_status is not None:
            text = f"gRPC status {_name(self.grpc_status)}"
            message = decode_grpc_message(self.field("grpc-message") or "")[:_SHOWN]
            text += f" {message!r}" if message else ""
        elif self.http_status is not None:
            text = f"HTTP/2 status {self.http_status} without grpc-status"
        if self.reset is not None:
            text = f"{text}, RST_STREAM {_code(self.reset)}".lstrip(", ")
        if self.goaway is not None:
            text = f"{text}, GOAWAY {_code(self.goaway)} {self.goaway_text[:80]}".strip(", ")
        if not self.is_ended and self.reset is None:
            text = f"{text}, not ended: {end_words(self.end)}".lstrip(", ")
        return text


def _messages(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + PREFIX_SIZE <= len(body):
        size = int.from_bytes(body[at + 1 : at + PREFIX_SIZE], "big")
        end = at + PREFIX_SIZE + size
        if end > len(body):
            return
        yield body[at], body[at + PREFIX_SIZE : end]
        at = end


def _name(status: int) -> str:
    return f"{GrpcCode(status).name} ({status})" if status in set(GrpcCode) else str(status)


def _code(code: int) -> str:
    return ErrorCode(code).name if code in set(ErrorCode) else str(code)
