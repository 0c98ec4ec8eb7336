"""Reasons why a receiver could not be reached, worded for a `SendError`."""

import http.client
import socket
import ssl
from typing import Final

from otlptest.sending.targets import Target

_SHOWN: Final = 200


def reason_of(failed: Exception, target: Target, timeout_s: float) -> tuple[str, str]:
    """Return the clause and the hint of a `SendError` for an error of `http.client` or a socket."""
    for kinds, problem, hint in _REASONS:
        if isinstance(failed, kinds):
            return problem.format(host=target.host, s=timeout_s, said=_plain(failed)), hint
    return _plain(failed), ""


_REASONS: Final[tuple[tuple[tuple[type[Exception], ...], str, str], ...]] = (
    ((ssl.SSLCertVerificationError,), "its certificate is not trusted: {said}", "give ca_file="),
    (
        (ssl.SSLError,),
        "TLS failed: {said}",
        "write http:// if it speaks none; give certificate_file= if it wants the client's",
    ),
    ((TimeoutError,), "no answer within {s:g} s", "give more time with timeout_s="),
    (
        (ConnectionRefusedError,),
        "nothing listens there",
        "start the receiver first, or check the port",
    ),
    ((socket.gaierror,), "the host {host!r} is not known", ""),
    (
        (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError),
        "it closed the connection without an answer",
        "it may speak TLS (https://) or gRPC (protocol='grpc')",
    ),
    ((http.client.IncompleteRead,), "its answer was cut off", ""),
    (
        (http.client.HTTPException,),
        "it answers something that is not HTTP/1.1: {said!r}",
        "a gRPC port is spoken to with protocol='grpc'",
    ),
)


def _plain(failed: Exception) -> str:
    said = [getattr(failed, name, None) for name in ("verify_message", "reason", "strerror")]
    first: str = next(filter(None, said), str(failed)) or type(failed).__name__
    return first[:_SHOWN]
