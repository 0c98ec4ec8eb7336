"""Small receivers that answer what a test tells them, made without our own receiver."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc

PROTOBUF, JSON = "application/x-protobuf", "application/json"


@dataclass(kw_only=True)
class Taken:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0


@dataclass(kw_only=True)
class Answer:
    """What an HTTP receiver answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": PROTOBUF})
    body: bytes = b""


@dataclass(kw_only=True)
class HttpReceiver:
    url: str
    taken: list[Taken]


@contextlib.contextmanager
def http_receiver(
    *answers: Answer, context: ssl.SSLContext | None = None
) -> Iterator[HttpReceiver]:
    """Answers request after request; the last answer again and again."""
    taken: list[Taken] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            port = self.client_address[1]
            taken.append(Taken(path=self.path, headers=headers, body=body, connection=port))
            answer = answers[min(len(taken), len(answers)) - 1]
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing: clients may go away."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    scheme = "https" if context is not None else "http"
    try:
        yield HttpReceiver(url=f"{scheme}://127.0.0.1:{server.server_port}", taken=taken)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def raw_receiver(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Takes one connection and lets `talk` have it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(1)
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            with contextlib.suppress(OSError):  # so that a receiver nobody came to ends
                socket.create_connection(listener.getsockname()).close()
            thread.join()


GrpcAnswer = Callable[[bytes, grpc.ServicerContext], bytes]


@contextlib.contextmanager
def grpc_receiver(
    answer: GrpcAnswer, *, credentials: grpc.ServerCredentials | None = None
) -> Iterator[tuple[str, list[Taken]]]:
    """A grpcio server that takes every method, on an address of the form `host:port`."""
    taken: list[Taken] = []

    class Handler(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # not generic at run time
        def service(
            self, details: grpc.HandlerCallDetails
        ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":  # not generic at run time
            def serve(body: bytes, context: grpc.ServicerContext) -> bytes:
                metadata = {key: str(value) for key, value in context.invocation_metadata()}
                taken.append(Taken(path=details.method, headers=metadata, body=body))
                return answer(body, context)

            return grpc.unary_unary_rpc_method_handler(serve)

    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool, handlers=[Handler()])
        if credentials is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        try:
            yield f"127.0.0.1:{port}", taken
        finally:
            server.stop(None).wait()


def closed_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class Endpoints:
    """Something with endpoints, as a collector has them."""

    def __init__(self, **endpoints: object) -> None:
        self.__dict__.update(endpoints)
