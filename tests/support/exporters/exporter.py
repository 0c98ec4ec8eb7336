"""A small program that exports OTLP, for tests of the exporter suite: no SDK.

It reads the standard `OTEL_*` variables, sends some of each signal, and exits.
With `WRONG=<word>` in its environment it does one thing wrong; what, is told where it is done.
The modules beside it each do one part: telemetry, settings, an export over HTTP, one over gRPC.
"""

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # it is run as a file, from anywhere

from tests.support.exporters.planted import WRONG
from tests.support.exporters.retrying import LINGERING_S
from tests.support.exporters.settings import Settings, is_disabled, is_on, settings_of
from tests.support.exporters.telemetry import KINDS, exports

# The frame's own cases: what a command must not be.
SILENT, CRASHING, FAILING, ENDLESS, LOUD = ("silent", "crashing", "failing", "endless", "loud")


def export(settings: Settings, kind: str, body: bytes) -> bool:
    if settings.protocol == "grpc":
        from tests.support.exporters import grpc_export  # noqa: PLC0415 -- takes long to load

        return grpc_export.export(settings, kind, body)
    from tests.support.exporters import http_export  # noqa: PLC0415 -- takes long to load

    return http_export.export(settings, kind, body)


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
    if is_disabled():
        return
    if WRONG == "lingers, and exports in the background":
        worker = threading.Thread(target=export_all)
        worker.start()
        threading.Event().wait(LINGERING_S)
        worker.join()
        return
    export_all()
    misbehave_after()


def export_all() -> None:
    wanted = os.environ.get("SIGNALS", "traces,metrics,logs").split(",")
    for kind, body in exports(kind for kind in KINDS if kind in wanted and is_on(kind)):
        export(settings_of(kind), kind, body)


if __name__ == "__main__":
    main()
