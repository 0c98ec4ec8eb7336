"""What a client speaks, by its first bytes, and the answer to one that got it wrong."""

import re
from collections.abc import Iterator
from typing import Final

from otlptest.collector.server.request_head import Role
from otlptest.wire.transport.http1 import encode_response
from otlptest.wire.transport.http2_frames import PREFACE, ErrorCode, goaway, settings

_LONGEST_FIRST_LINE: Final = 16 * 1024
_REQUEST_LINE: Final = re.compile(rb"[A-Z]{1,32} \S+ HTTP/1\.[01]\r?\n")


def speaks_http2(data: bytes, role: Role) -> bool | None:
    """Return whether it is HTTP/2 and not HTTP/1.1; None while there are too few bytes to tell.

    Args:
        data: All that came so far.
        role: What the port is for. On the gRPC port what is not even HTTP/1.1 is a broken preface
            and gets a GOAWAY.
    """
    if data.startswith(PREFACE):
        return True
    if PREFACE.startswith(data):
        return None
    if role == "http":
        return False
    if b"\n" not in data and len(data) < _LONGEST_FIRST_LINE:
        return None
    return _REQUEST_LINE.match(data) is None


def plaintext_answer(data: bytes, message: str) -> Iterator[bytes]:
    """Yield what a client is told, in its own protocol, that spoke plaintext to a TLS port."""
    if PREFACE.startswith(data[: len(PREFACE)]) or data.startswith(PREFACE):
        yield settings(())
        yield goaway(0, ErrorCode.PROTOCOL_ERROR, message)
        return
    body = f"{message}; use https://\n".encode()
    fields = (("Content-Type", "text/plain; charset=utf-8"),)
    yield encode_response(400, fields, body, keeps_alive=False)
