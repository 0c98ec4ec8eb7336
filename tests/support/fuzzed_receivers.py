"""Small receivers for fuzzing: one that does all right, and some with one planted fault each.

They decode with otlptest's decoders, which the receivers of other tests do not: what is fuzzed
here is not the decoder but what a receiver makes of its answer.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.signals import SIGNAL_BY_GRPC_PATH, SIGNAL_BY_HTTP_PATH
from otlptest.wire.transport.statuses import GrpcCode, RpcStatus, encode_status
from tests.support.receivers import grpc_receiver

PROTOBUF, JSON = "application/x-protobuf", "application/json"


@dataclass(kw_only=True)
class Reply:
    """What a receiver answers; no status at all means that it closes the connection."""

    status: int | None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = ""


@dataclass(kw_only=True)
class Fuzzed:
    """A receiver as a fault sees it.

    Attributes:
        hold: Whoever waits for it hangs until the receiver is closed.
        requests: How many came.
        is_down: Set by a fault that makes it answer nobody any more.
    """

    hold: threading.Event = field(default_factory=threading.Event)
    requests: int = 0
    is_down: bool = False
    revives: bool = True


Planted = Callable[[Fuzzed, Signal, bytes, Any, Reply], Reply]
"""Gets the receiver, the signal, the body, the message (None if it is none) and the right reply."""


def right(_self: Fuzzed, _signal: Signal, _body: bytes, _message: Any, reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    """Nothing is wrong."""
    return reply


def attributes_of(message: Any) -> Iterator[Any]:  # noqa: ANN401 -- a generated message
    """The attributes of all resources of a request."""
    if message is not None:
        for holder in next((value for _, value in message.ListFields()), ()):
            yield from holder.resource.attributes


def _right_reply(signal: Signal, body: bytes, media_type: str) -> tuple[Any, Reply]:
    is_json = media_type == JSON
    try:
        message = (
            otlp_json.decode_request(signal, body)
            if is_json
            else otlp_protobuf.decode_request(signal, body, protocol="http/protobuf")
        )
    except WireError as refused:
        status = RpcStatus(code=GrpcCode.INVALID_ARGUMENT, message=str(refused))
        encoded = encode_status(status, "json" if is_json else "protobuf")
        return None, Reply(status=400, body=encoded, content_type=media_type)
    return message, Reply(status=200, body=b"{}" if is_json else b"", content_type=media_type)


@contextlib.contextmanager
def http_fuzzed(planted: Planted = right, *, revives: bool = True) -> Iterator[str]:
    """The URL of a receiver that answers as `planted` wants it.

    Args:
        planted: Changes the right reply.
        revives: Whether it answers again some requests after it went down.
    """
    receiver = Fuzzed(revives=revives)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            media_type = self.headers["Content-Type"]
            signal = SIGNAL_BY_HTTP_PATH[self.path]
            receiver.requests += 1
            if receiver.is_down:
                self.close_connection = True
                receiver.is_down = not receiver.revives or bool(receiver.requests % 12)
                return
            message, reply = _right_reply(signal, body, media_type)
            reply = planted(receiver, signal, body, message, reply)
            if reply.status is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type or media_type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing: clients may go away."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        receiver.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


GrpcPlanted = Callable[[Any, grpc.ServicerContext], None]
"""Gets the message (None if it is none) and may abort the call."""


@contextlib.contextmanager
def grpc_fuzzed(planted: GrpcPlanted | None = None) -> Iterator[str]:
    """The address of a grpcio server; the signal is told from the path."""

    def answer(body: bytes, context: grpc.ServicerContext) -> bytes:
        signal = SIGNAL_BY_GRPC_PATH[_path_of(context)]
        try:
            message = otlp_protobuf.decode_request(signal, body, protocol="grpc")
        except WireError as refused:
            context.abort(grpc.StatusCode.INTERNAL, str(refused))
        if planted is not None:
            planted(message, context)
        return b""

    with grpc_receiver(answer) as (address, _):
        yield address


def _path_of(context: Any) -> str:  # noqa: ANN401 -- grpcio tells the path only to its own
    path: str = context._rpc_event.call_details.method.decode()
    return path
