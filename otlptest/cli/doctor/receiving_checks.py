"""A check that a collector can start here and receives over each protocol, by doing it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

from otlptest import bundled
from otlptest.cli.doctor.machine_checks import Check
from otlptest.collector.fake import FakeCollector
from otlptest.errors import ExpectationError, OtlptestError
from otlptest.model import Protocol
from otlptest.sending import send

_PAYLOAD: Final = "payloads/traces/checkout.json"
_PATIENCE_S: Final = 10.0


def receiving_checks() -> Iterator[Check]:
    """Start a collector and send it a shipped trace over gRPC and HTTP."""
    try:
        with FakeCollector() as collector:
            ports = f"on ports {collector.grpc_port} and {collector.http_port}"
            yield Check(section="receiving", name="collector", status="ok", value=f"starts {ports}")
            for protocol in get_args(Protocol):
                yield _sent(collector, protocol, bundled.path("fixtures", _PAYLOAD))
    except OtlptestError as problem:
        yield _problem("collector", problem)


def _sent(collector: FakeCollector, protocol: Protocol, payload: Path) -> Check:
    endpoint = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
    try:
        send(payload, to=endpoint, protocol=protocol)
        request = collector.requests.wait_for_first(protocol=protocol, timeout_s=_PATIENCE_S)
    except (OtlptestError, ExpectationError, OSError) as problem:
        return _problem(protocol, problem)
    value = f"{request.size} bytes sent and received"
    return Check(section="receiving", name=protocol, status="ok", value=value)


def _problem(name: str, problem: Exception) -> Check:
    said, _, hint = str(problem).partition("\n  hint: ")
    return Check(
        section="receiving",
        name=name,
        status="problem",
        value=said,
        hint=hint or "a firewall or a security program may forbid connections to 127.0.0.1",
    )
