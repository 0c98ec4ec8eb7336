"""Sends OTLP to any receiver: over gRPC, HTTP with protobuf, or HTTP with JSON.

`targets` has destinations and protocols, `payloads` the requests, `http_delivery` and
`grpc_delivery` the transports, `results` the answers.
"""

from otlptest.sending.delivery import send
from otlptest.sending.results import ExportResult, SendResult

__all__ = ["ExportResult", "SendResult", "send"]
