"""Detection of a client's protocol by its first bytes, and the answer to a mistaken client."""

import re
from collections.abc import Iterator
from typing import Final

from otlptest.collector.server.request_head import Role
from otlptest.wire.transport.http1 import encode_response
from otlptest.wire.transport.http2_frames import PREFACE, ErrorCode, goaway, settings

_LONGEST_FIRST_LINE: Final = 16 * 1024
_REQUEST_LINE: Final = re.compile(rb"[A-Z]{1,32} \S+ HTTP/1\.[01]\r?\n")


def speaks_http2(data: bytes, role: Role) -> bool | None:
    """Return whether a client speaks HTTP/2 and not HTTP/1.1; None with too few bytes.

    Args:
        data: All bytes so far.
        role: The purpose of the port. On the gRPC port, bytes that are not even HTTP/1.1 are
            a broken preface and get a GOAWAY.
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
    """Yield the answer, in its own protocol, to a client that spoke plaintext to a TLS port."""
    if PREFACE.startswith(data[: len(PREFACE)]) or data.startswith(PREFACE):
        yield settings(())
        yield goaway(0, ErrorCode.PROTOCOL_ERROR, message)
        return
    body = f"{message}; use https://\n".encode()
    fields = (("Content-Type", "text/plain; charset=utf-8"),)
    yield encode_response(400, fields, body, keeps_alive=False)
