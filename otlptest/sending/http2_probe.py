"""A probe for HTTP/2 that sends a connection preface and nothing more.

grpcio reports a failure to connect in free text only, and a receiver that cannot reach its own
backend may send the same text. The probe distinguishes the two and says why the connection failed.
"""

import socket
from typing import Final

from otlptest.errors import SendError
from otlptest.sending.failures import reason_of
from otlptest.sending.targets import Target
from otlptest.timing import Deadline
from otlptest.wire.transport.certificates import client_context

_EMPTY_SETTINGS: Final = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _EMPTY_SETTINGS
_HEAD_SIZE: Final = 9
_TYPE_AT: Final = 3
_SETTINGS: Final = 4  # the first frame of a server (RFC 9113 section 3.4)
_PATIENCE_S: Final = 2.0


def check_speaks_http2(target: Target) -> None:
    """Return if the receiver greets as HTTP/2 servers do.

    Blocks for about two seconds at most.

    Raises:
        SendError: It does not, or cannot be reached.
        UsageError: A certificate cannot be used.
    """
    try:
        greeting = _greeting(target)
    except OSError as failed:
        raise SendError(target.address, *reason_of(failed, target, _PATIENCE_S)) from failed
    if len(greeting) < _HEAD_SIZE or greeting[_TYPE_AT] != _SETTINGS:
        said = f": {greeting!r}" if greeting else ""
        hint = "an HTTP port is spoken to with protocol='http/protobuf', one with TLS as https://"
        raise SendError(target.address, f"it answers nothing that is gRPC{said}", hint)


def _greeting(target: Target) -> bytes:
    """Return the first bytes that the receiver sends, fewer if it ends."""
    deadline = Deadline(_PATIENCE_S)
    connection = socket.create_connection((target.host, target.port), _PATIENCE_S)
    with connection:
        if target.is_tls:
            context = client_context(
                target.ca_file,
                certificate_file=target.certificate_file,
                key_file=target.key_file,
                alpn=["h2"],
            )
            connection = context.wrap_socket(connection, server_hostname=target.host)
        with connection:
            connection.sendall(_PREFACE)
            greeting = b""
            while len(greeting) < _HEAD_SIZE and not deadline.has_passed():
                connection.settimeout(max(deadline.remaining_s(), 0.001))
                piece = connection.recv(_HEAD_SIZE - len(greeting))
                if not piece:
                    break
                greeting += piece
            return greeting
