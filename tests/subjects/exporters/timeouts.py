"""How long an export may take, by `OTEL_EXPORTER_OTLP_TIMEOUT` (milliseconds)."""

import os
import sys
from typing import Final

from tests.subjects.exporters.planted import WRONG

__all__ = ["timeout_s_of"]

_DEFAULT_S: Final = 10.0
_DEFAULTS: Final = {
    "another default timeout": 25.0,
    "a default timeout of 1 s": 1.0,
    "no limit by a negative timeout": 1.0,
}
_SECONDS: Final = {"timeout in seconds": 1.0, "a tenth of the timeout": 0.0001}


def timeout_s_of(value: str) -> float | None:
    """Seconds for a whole export; None: no limit. What is not a time is warned of, and not used.

    Raises:
        ValueError: It is planted that a strange number ends the program.
    """
    if WRONG == "dies of a negative queue" and os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE"):
        raise ValueError("OTEL_BSP_MAX_QUEUE_SIZE")
    default = _DEFAULTS.get(WRONG, _DEFAULT_S)
    if not value:
        return default
    if WRONG == "dies of a timeout that is none" and not value.isdigit():
        raise ValueError(value)
    milliseconds = int(value) if value.lstrip("-").isdigit() else -1
    if value.startswith("-") and WRONG == "no limit by a negative timeout":
        return None
    if milliseconds < 0:
        sys.stderr.write(f"WARNING: {value!r} is not a timeout in milliseconds\n")
        return 0.1 if WRONG == "gives up at once after a negative timeout" else default
    if milliseconds == 0:
        return default if WRONG == "zero is the default timeout" else None
    return milliseconds * _SECONDS.get(WRONG, 0.001)
