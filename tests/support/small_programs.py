"""Commands for programs under test: Python without site-packages, so that they start quickly."""

import sys
import textwrap


def python_program(code: str) -> list[str]:
    """A command that runs `code`."""
    return [sys.executable, "-S", "-c", textwrap.dedent(code)]


_SERVER = """
import http.server, json, os, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        told = {"method": self.command, "path": self.path, "headers": dict(self.headers),
                "body": self.rfile.read(length).decode()}
        body = json.dumps(told).encode()
        self.send_response(int(self.path.partition("status=")[2] or 200))
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Seen", "one")
        self.send_header("x-seen", "two")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *args):
        print("asked", self.command, self.path)

class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        import socketserver
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def web_server() -> list[str]:
    """A command that tells each request back as JSON; `?status=418` chooses the status."""
    return python_program(_SERVER)


def raw_server(on_connection: str) -> list[str]:
    """A command that runs a statement with `peer`, the socket of each connection."""
    return python_program(
        "import os, socket, time\n"
        "listener = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "print('listening', flush=True)\n"
        "while True:\n"
        "    peer, _ = listener.accept()\n"
        f"{textwrap.indent(textwrap.dedent(on_connection), '    ')}\n"
    )
