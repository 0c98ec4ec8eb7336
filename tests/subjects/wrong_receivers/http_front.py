"""An HTTP/1.1 server before a right receiver, which changes one thing: a wrong receiver.

It reads a request, passes it on, and lets a fault change the answer; or the fault has the
connection for itself.
"""

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+) *\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)
_REASON = "Some Reason"


@dataclass(kw_only=True)
class Heard:
    """A request as it came."""

    head: bytes
    body: bytes = b""
    raw_body: bytes = b""
    number: int = 0

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    def header(self, name: str) -> str | None:
        found = [
            value.strip()
            for key, _, value in (
                line.partition(":") for line in self.head.decode("latin-1").split("\r\n")[1:]
            )
            if key.lower() == name.lower()
        ]
        return ", ".join(found) if found else None


@dataclass(kw_only=True)
class Said:
    """An answer: what the right receiver says, or what a fault makes of it."""

    status: int = 200
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    closes: bool = False

    def header(self, name: str) -> str | None:
        return next((v for n, v in self.fields if n.lower() == name.lower()), None)

    def having(self, status: int | None = None, body: bytes | None = None, **fields: str) -> "Said":
        """The same with another status, body or fields; `_` in a name is `-`, an empty one goes."""
        changed = {name.replace("_", "-").lower(): value for name, value in fields.items()}
        kept = [(n, v) for n, v in self.fields if n.lower() not in changed]
        kept += [(n, v) for n, v in changed.items() if v]
        return replace(
            self,
            status=self.status if status is None else status,
            body=self.body if body is None else body,
            fields=kept,
        )

    def encoded(self, *, is_head: bool = False) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_REASON}"]
        lines += [f"{n}: {v}" for n, v in self.fields if n.lower() != "content-length"]
        lines.append(f"Content-Length: {len(self.body)}")
        if self.closes:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return head if is_head else head + self.body


Change = Callable[[Heard, Said], Said]
"""Makes of a right answer a wrong one."""

Talk = Callable[[socket.socket, "Front"], None]
"""Has a connection for itself."""


class Front:
    """Listens, and passes on to a right receiver on `port`."""

    def __init__(
        self,
        port: int,
        change: Change = lambda _, said: said,
        talk: Talk | None = None,
        *,
        at_once: int = 1000,
    ) -> None:
        self._to = port
        self._change = change
        self._talk = talk or serve
        self._room = threading.Semaphore(at_once)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_closed = False
        self.requests = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def answer(self, heard: Heard) -> Said:
        """What the fault makes of the right answer."""
        with self._lock:
            self.requests += 1
            heard.number = self.requests
        return self._change(heard, self.right_answer(heard))

    def right_answer(self, heard: Heard) -> Said:
        """What the right receiver says."""
        with socket.create_connection(("127.0.0.1", self._to)) as wire:
            wire.settimeout(10)
            with contextlib.suppress(OSError):
                wire.sendall(heard.head + heard.raw_body)
            return read_answer(wire, is_head=heard.method == "HEAD")

    def close(self) -> None:
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            for wire in self._open:
                with contextlib.suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(wire)
            thread = threading.Thread(target=self._one, args=(wire,))
            thread.start()
            self._threads.append(thread)

    def _one(self, wire: socket.socket) -> None:
        with wire:
            try:
                with self._room:
                    self._talk(wire, self)
            except OSError:
                pass
            finally:
                with self._lock:
                    self._open.discard(wire)


def serve(wire: socket.socket, front: Front) -> None:
    """The way of a right server: request after request, until either side has enough."""
    rest = b""
    while True:
        heard, rest = read_request(wire, rest)
        if heard is None:
            return
        said = front.answer(heard)
        wire.sendall(said.encoded(is_head=heard.method == "HEAD"))
        if said.closes:
            hang_up(wire)
            return


def hang_up(wire: socket.socket) -> None:
    """End our side, and drop what the client still says, so that it can read the answer."""
    wire.shutdown(socket.SHUT_WR)
    wire.settimeout(5)
    while wire.recv(262144):
        pass


def reset(wire: socket.socket) -> None:
    """Close with a reset."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()


def read_head(wire: socket.socket, rest: bytes) -> tuple[bytes, bytes]:
    """A head with its blank line, and what came after it; empty at the end."""
    while b"\r\n\r\n" not in rest:
        data = wire.recv(262144)
        if not data:
            return b"", rest
        rest += data
    head, end, rest = rest.partition(b"\r\n\r\n")
    return head + end, rest


def read_request(
    wire: socket.socket, rest: bytes, *, waves_on: bool = True
) -> tuple[Heard | None, bytes]:
    """The next request and what follows it; None at the end of the connection."""
    head, rest = read_head(wire, rest)
    if not head:
        return None, b""
    if waves_on and _EXPECT.search(head):
        wire.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if _CHUNKED.search(head):
        while b"0\r\n" not in rest or not rest.endswith(b"\r\n\r\n"):
            data = wire.recv(262144)
            if not data:
                return None, b""
            rest += data
        return Heard(head=head, body=unchunked(rest), raw_body=rest), b""
    found = _LENGTH.search(head)
    size = int(found[1]) if found else 0
    parts = [rest]
    have = len(rest)
    while have < size:
        data = wire.recv(262144)
        if not data:
            return None, b""
        parts.append(data)
        have += len(data)
    whole = b"".join(parts)
    return Heard(head=head, body=whole[:size], raw_body=whole[:size]), whole[size:]


def unchunked(data: bytes) -> bytes:
    body = b""
    while data:
        line, _, data = data.partition(b"\r\n")
        try:
            size = int(line, 16)
        except ValueError:
            return body
        if size <= 0:
            return body
        body += data[:size]
        data = data[size + 2 :]
    return body


def read_answer(wire: socket.socket, *, is_head: bool, rest: bytes = b"") -> Said:
    """The next final answer; interim ones are left out."""
    head, rest = read_head(wire, rest)
    if not head:
        return Said(status=400, closes=True)
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    if status == 100:
        return read_answer(wire, is_head=is_head, rest=rest)
    fields = [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines[1:] if line)]
    found = _LENGTH.search(head)
    size = int(found[1]) if found and not is_head else 0
    while len(rest) < size:
        data = wire.recv(262144)
        if not data:
            break
        rest += data
    closes = any(n.lower() == "connection" and v == "close" for n, v in fields)
    kept = [(n, v) for n, v in fields if n.lower() not in {"connection", "content-length"}]
    return Said(status=status, fields=kept, body=rest[:size], closes=closes)


@contextlib.contextmanager
def http_front(
    port: int,
    change: Change = lambda _, said: said,
    talk: Talk | None = None,
    *,
    at_once: int = 1000,
) -> Iterator[Front]:
    """A front for the time of a block."""
    front = Front(port, change, talk, at_once=at_once)
    try:
        yield front
    finally:
        front.close()
