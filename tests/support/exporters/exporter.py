"""A small exporter that does right what the exporter cases ask, without an SDK.

It reads the standard `OTEL_*` variables, sends one span, one point and one log record, and exits.
With `WRONG=<name>` in its environment it does one thing wrong: the name is that of the case that
catches it, or one of the words below.
"""

import http.client
import os
import secrets
import signal
import sys
import time
from urllib.parse import unquote, urlsplit

PATHS = {"traces": "/v1/traces", "metrics": "/v1/metrics", "logs": "/v1/logs"}
METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
WRONG = os.environ.get("WRONG", "")

# The frame's own cases: what a command must not be.
SILENT, CRASHING, FAILING, ENDLESS, LOUD, DEAF = (
    "silent",
    "crashing",
    "failing",
    "endless",
    "loud",
    "deaf",
)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: bytes | str | int) -> bytes:
    """One protobuf field: length-delimited for bytes and text, varint for a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fixed64(number: int, value: int) -> bytes:
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def attribute(key: str, value: str) -> bytes:
    if WRONG == "environment/resource_attributes" and key == "otlptest.n":
        return field(1, key) + field(2, field(3, int(value)))
    return field(1, key) + field(2, field(1, value))


def resource() -> bytes:
    pairs = {"service.name": "unknown_service"}
    for entry in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        if entry:
            key, _, value = entry.partition("=")
            pairs[key.strip()] = unquote(value.strip())
    name = os.environ.get("OTEL_SERVICE_NAME", "")
    if name and WRONG != "environment/service_name":
        pairs["service.name"] = name
    return b"".join(field(1, attribute(key, value)) for key, value in pairs.items())


def messages() -> dict[str, bytes]:
    now = time.time_ns()
    span = (
        field(1, secrets.token_bytes(16))
        + field(2, secrets.token_bytes(8))
        + field(5, "work")
        + field(6, 1)
        + fixed64(7, now - 1000)
        + fixed64(8, now)
    )
    point = fixed64(3, now) + fixed64(6, 1)
    metric = field(1, "work.count") + field(5, field(1, point))
    record = fixed64(1, now) + field(2, 9) + field(5, field(1, "done")) + fixed64(11, now)
    items = {"traces": span, "metrics": metric, "logs": record}
    return {
        kind: field(1, field(1, resource()) + field(2, field(1, field(1, "s")) + field(2, item)))
        for kind, item in items.items()
    }


def headers() -> dict[str, str]:
    found = {}
    for entry in os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","):
        key, separator, value = entry.partition("=")
        if separator:
            value = value.strip()
            found[key.strip()] = value if WRONG == "environment/headers" else unquote(value)
    return found


def json_body(kind: str, body: bytes) -> bytes:
    from otlptest.wire.otlp_json import encode_message  # noqa: PLC0415 -- takes long to load
    from otlptest.wire.signals import request_class  # noqa: PLC0415 -- as above

    return encode_message(request_class(kind).FromString(body))


def send_http(endpoint: str, protocol: str, bodies: dict[str, bytes]) -> None:
    url = urlsplit(endpoint)
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 4318, timeout=10)
    without_json = os.environ.get("WITHOUT_JSON", "").split(",")
    base = url.path if WRONG == "environment/base_url" else url.path.rstrip("/")
    for kind, body in bodies.items():
        is_json = protocol == "http/json" and kind not in without_json
        media_type = "application/json" if is_json else "application/x-protobuf"
        if WRONG == "transport/json_requests":
            media_type = "text/plain"
        content = json_body(kind, body) if is_json else body
        connection.request(
            "PUT" if WRONG == "transport/http_requests" else "POST",
            base + PATHS[kind],
            body=content,
            headers={"Content-Type": media_type, **headers()},
        )
        connection.getresponse().read()
    connection.close()


def send_grpc(endpoint: str, bodies: dict[str, bytes]) -> None:
    import grpc  # noqa: PLC0415 -- takes long to load

    with grpc.insecure_channel(urlsplit(endpoint).netloc) as channel:
        for kind, body in bodies.items():
            method = METHODS[kind]
            if WRONG == "transport/grpc_calls":
                method = method.replace(".v1.", ".")
            call = channel.unary_unary(method, lambda sent: sent, lambda received: received)
            try:
                call(body, timeout=10, metadata=tuple(headers().items()))
            except grpc.RpcError as refused:
                sys.stderr.write(f"{refused.code()}\n")


def is_on(kind: str) -> bool:
    return os.environ.get(f"OTEL_{kind.upper()}_EXPORTER", "otlp") != "none"


def misbehave_before() -> None:
    """What a command must not be, before it sends anything."""
    if WRONG == SILENT:
        sys.exit(0)
    if WRONG == FAILING:
        sys.exit("no SDK here")
    if WRONG == LOUD:
        line = b"x" * 1023 + b"\n"
        for _ in range(int(os.environ.get("LINES", "100000"))):
            os.write(1, line)


def misbehave_after() -> None:
    """The same, after it has sent what it has to send."""
    if WRONG == ENDLESS:
        if os.fork() == 0:
            os.setsid()
        signal.pause()
    if WRONG == CRASHING:
        os.abort()


def main() -> None:
    misbehave_before()
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    if WRONG == DEAF:
        endpoint = os.environ["DEAF_ENDPOINT"]
    protocol = os.environ.get("ONLY") or os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"]
    wanted = os.environ.get("SIGNALS", "traces,metrics,logs").split(",")
    bodies = {kind: body for kind, body in messages().items() if kind in wanted and is_on(kind)}
    if protocol == "grpc":
        send_grpc(endpoint, bodies)
    else:
        send_http(endpoint, protocol, bodies)
    misbehave_after()


if __name__ == "__main__":
    main()
