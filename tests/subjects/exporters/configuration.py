"""The configuration file of the small exporter: as much of it as the suite writes."""

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["configured_attributes", "configured_exporter"]


def configured_exporter(kind: str) -> tuple[str, str]:
    """Endpoint and protocol of a signal."""
    whole = _configuration()
    pipeline = {
        "traces": lambda: whole["tracer_provider"]["processors"][0]["batch"],
        "metrics": lambda: whole["meter_provider"]["readers"][0]["periodic"],
        "logs": lambda: whole["logger_provider"]["processors"][0]["batch"],
    }[kind]()
    ((name, exporter),) = pipeline["exporter"].items()
    if name == "otlp_grpc":
        return exporter["endpoint"], "grpc"
    return exporter["endpoint"], f"http/{exporter['encoding']}"


def configured_attributes() -> dict[str, str]:
    """The attributes of the resource; none without a file."""
    if not os.environ.get("OTEL_CONFIG_FILE"):
        return {}
    return {each["name"]: each["value"] for each in _configuration()["resource"]["attributes"]}


def _configuration() -> Any:  # noqa: ANN401 -- whatever the file holds
    return json.loads(Path(os.environ["OTEL_CONFIG_FILE"]).read_text("utf-8"))
