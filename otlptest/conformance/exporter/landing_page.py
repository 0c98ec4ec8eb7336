"""A web page that a redirect leads to: it answers everything with 200, and remembers it.

A login page does so. A client that takes this 200 for its receiver's loses its telemetry.
"""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Final, Self

_PAGE: Final = b"<html>ok</html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A request to the page.

    Attributes:
        method: `GET`, `POST` or another one.
        path: As it came.
        content_type: That of its body; empty if absent.
        authorization: The value of that header; empty if absent.
        body: As it came, compressed or not.
    """

    method: str
    path: str
    content_type: str
    authorization: str
    body: bytes


class LandingPage:
    """A server of the page on this machine. A context manager; thread-safe."""

    def __init__(self) -> None:
        self._landed: list[Landed] = []
        landed = self._landed

        class Handler(BaseHTTPRequestHandler):
            timeout: ClassVar[float | None] = 10.0  # of a connection without a request, in seconds

            def do_any(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                landed.append(
                    Landed(
                        method=self.command,
                        path=self.path,
                        content_type=self.headers.get("Content-Type", ""),
                        authorization=self.headers.get("Authorization", ""),
                        body=self.rfile.read(size),
                    )
                )
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(_PAGE)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(_PAGE)

            do_GET = do_HEAD = do_POST = do_PUT = do_any  # noqa: N815 -- as http.server calls them

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="otlptest-page", daemon=True
        ).start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def landed(self) -> tuple[Landed, ...]:
        """The requests so far, oldest first."""
        return tuple(self._landed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
