"""The environment that points a program's OpenTelemetry SDK at a collector.

Everything uses the standard `OTEL_*` variables (EXPORTER, ENV), so it works for any language.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, get_args

from otlptest.errors import UnknownNameError
from otlptest.model import Protocol

# A test should not wait 5 s for a batch or 60 s for a metric reader. Not lower: a reader that
# exports all the time would drown the test's own requests.
_BATCH_DELAY_MS: Final = "100"
_METRIC_INTERVAL_MS: Final = "250"

_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The addresses of one port pair of a collector.

    Attributes:
        grpc: `http://127.0.0.1:PORT`, `https` with TLS.
        http: The same for OTLP/HTTP: the base URL, to which SDKs add `/v1/traces`.
        ca_file: PEM file of the authority behind the server certificate; None without TLS.
        client_certificate_file: PEM file a client presents under mTLS, else None.
        client_key_file: PEM file of its key, else None.
    """

    grpc: str
    http: str
    ca_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None

    def at(self, host: str, grpc_port: int, http_port: int) -> "Endpoints":
        """Return another port pair of the same collector, as reached under `host`."""
        scheme = self.grpc.partition("://")[0]
        return replace(
            self, grpc=f"{scheme}://{host}:{grpc_port}", http=f"{scheme}://{host}:{http_port}"
        )


def environment(
    endpoints: Endpoints, protocol: str = "http/protobuf", *, inherit: bool = True
) -> dict[str, str]:
    """Return variables for a program whose telemetry should go to `endpoints`.

    The result is the process environment without its `OTEL_*` variables (they serve another
    purpose), plus: the endpoint and protocol, `otlp` as the exporter of all three signals,
    100 ms batches and a 250 ms metric interval, certificates where there are any, and `NO_PROXY`
    for loopback.

    Args:
        endpoints: The target.
        protocol: `http/protobuf`, `http/json` or `grpc`.
        inherit: False gives only what otlptest sets.

    Raises:
        UnknownNameError: `protocol` is not one of the three.
    """
    if protocol not in get_args(Protocol):
        raise UnknownNameError("protocol", str(protocol), get_args(Protocol))
    inherited = _without_telemetry_settings(os.environ) if inherit else {}
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoints.grpc if protocol == "grpc" else endpoints.http,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_BSP_SCHEDULE_DELAY": _BATCH_DELAY_MS,
        "OTEL_BLRP_SCHEDULE_DELAY": _BATCH_DELAY_MS,
        "OTEL_METRIC_EXPORT_INTERVAL": _METRIC_INTERVAL_MS,
    }
    files = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": endpoints.ca_file,
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": endpoints.client_certificate_file,
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": endpoints.client_key_file,
    }
    settings |= {name: file for name, file in files.items() if file is not None}
    return inherited | settings | _without_proxy(inherited)


def _without_telemetry_settings(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if not name.startswith("OTEL_")}


def _without_proxy(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return variables that exclude loopback from proxies; libraries read either spelling."""
    present = inherited.get("NO_PROXY", inherited.get("no_proxy", ""))
    hosts = [host for host in present.split(",") if host]
    value = ",".join(dict.fromkeys([*hosts, *_LOCAL_HOSTS]))
    return {"NO_PROXY": value, "no_proxy": value}
