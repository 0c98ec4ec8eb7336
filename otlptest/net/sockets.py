"""Listening and connected sockets, below the layer that a test may have patched.

`socket.SocketType` is the C class under `socket.socket`: pytest-socket and its like replace the
latter to block a test's own network, and must not block the collector that the test talks to. The
same holds for `socket.getaddrinfo`.
"""

import _socket
import contextlib
import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final, TypeAlias

from otlptest.errors import PortTakenError, ReceiverError, UsageError

Socket: TypeAlias = socket.SocketType

_BACKLOG: Final = 1024
_ATTEMPTS: Final = 20
_LOOPBACK: Final = ("127.0.0.1", "::1")
_NO_LINGER: Final = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
_SEND_FLAGS: Final = getattr(socket, "MSG_NOSIGNAL", 0)  # no death by a reset SIGPIPE


def listening_sockets(host: str, port: int) -> tuple[Socket, ...]:
    """Return non-blocking sockets that listen on `host`:`port`; port 0 takes a free one.

    `localhost` is both loopback addresses with one port, or the only one of the machine;
    anything else is one socket.

    Raises:
        UsageError: `host` is the path of a Unix socket.
        PortTakenError: Another socket listens there.
        ReceiverError: The address is not available for another reason.
    """
    if "/" in host or host.startswith("unix:"):
        raise UsageError(
            f"cannot listen on {host!r}: OTLP is received over TCP only, not over Unix sockets",
            "listen on an address, e.g. 127.0.0.1",
        )
    if host.lower() != "localhost":
        return (_listening_socket(host, port),)
    for _ in range(_ATTEMPTS):
        first = _listening_socket(_LOOPBACK[0], port)
        try:
            return first, _listening_socket(_LOOPBACK[1], first.getsockname()[1])
        except PortTakenError:
            first.close()
            if port:
                raise
        except ReceiverError:  # no IPv6 here
            return (first,)
    error = OSError(f"no port was free on both {' and '.join(_LOOPBACK)}")
    raise ReceiverError(*_cannot_listen(host, port, error))


def _listening_socket(host: str, port: int) -> Socket:
    """Return one listening socket.

    Raises:
        PortTakenError: Another socket listens there.
        ReceiverError: The address is not available for another reason.
    """
    family, address = _resolved(host, port)
    listener: Socket | None = None
    try:
        listener = socket.SocketType(family, socket.SOCK_STREAM, 0)
        if os.name == "posix":
            # A collector started again takes over its port although old connections linger.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host in {"::", "[::]"}:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except (OSError, OverflowError) as error:
        if listener is not None:
            listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortTakenError(host, port) from error
        raise ReceiverError(*_cannot_listen(host, port, error)) from error
    return listener


def _resolved(host: str, port: int) -> tuple[int, tuple[str, int]]:
    """Return the family and numeric address of `host`.

    Raises:
        ReceiverError: The host or the port does not exist.
    """
    try:
        found = _socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ReceiverError(*_cannot_listen(host, port, error)) from error
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return family, (str(address[0]), port)


def _cannot_listen(host: str, port: int, error: Exception) -> tuple[str, str]:
    reason = getattr(error, "strerror", None) or str(error)
    return f"cannot listen on {host}:{port}: {reason}", "127.0.0.1 and port 0 always work"


def accepted(listener: Socket) -> Iterator[tuple[Socket, str]]:
    """Yield every connection in the accept queue, non-blocking and without Nagle's delay.

    Each comes with its peer, `HOST:PORT`, which a reset connection can no longer report.
    """
    while True:
        try:
            number, address = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 -- see module
        except ConnectionError:
            continue  # that client has gone; try the next
        except OSError:
            return  # empty, or no descriptor is free: then it stays in the queue
        connection = socket.SocketType(fileno=number)
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection, f"{address[0]}:{address[1]}"


def send_some(connection: Socket, data: bytes | bytearray | memoryview) -> int:
    """Pass `data` to the kernel; return how many bytes it took, 0 if none now.

    Raises:
        OSError: The connection is broken.
    """
    try:
        return connection.send(data, _SEND_FLAGS)
    except (BlockingIOError, InterruptedError):
        return 0


def close_socket(connection: Socket) -> None:
    """End a connection or a listener, also where a forked child holds a copy of it."""
    with contextlib.suppress(OSError):  # not connected any more
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def reset_socket(connection: Socket) -> None:
    """Reset a connection: the peer gets an error, and unsent bytes are dropped."""
    with contextlib.suppress(OSError):  # not connected any more
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    connection.close()


def end_writing(connection: Socket) -> None:
    """Announce the end of writing to the peer, and go on reading."""
    with contextlib.suppress(OSError):  # not connected any more
        connection.shutdown(socket.SHUT_WR)
