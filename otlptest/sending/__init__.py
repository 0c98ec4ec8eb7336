"""Sends OTLP to any receiver: over gRPC, HTTP with protobuf, or HTTP with JSON.

Which protocol speaks to whom is `targets`, what is sent is `payloads`, how it goes is
`http_delivery` and `grpc_delivery`, what came back is `results`.
"""

from otlptest.sending.delivery import send
from otlptest.sending.results import ExportResult, SendResult

__all__ = ["ExportResult", "SendResult", "send"]
