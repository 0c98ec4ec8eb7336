"""A small program that exports OTLP, for tests of the exporter suite: no SDK.

It reads the standard `OTEL_*` variables, sends some of each signal, and exits.
With `WRONG=<word>` in its environment it does one thing wrong; what, is told where it is done.
The modules beside it each do one part: telemetry, settings, an export over HTTP, one over gRPC.
"""

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # it is run as a file, from anywhere

from tests.subjects.exporters.planted import WRONG
from tests.subjects.exporters.retrying import LINGERING_S
from tests.subjects.exporters.settings import Settings, is_disabled, is_on, settings_of
from tests.subjects.exporters.telemetry import KINDS, exports

# The frame's own cases: what a command must not be.
SILENT, CRASHING, FAILING, ENDLESS, LOUD = ("silent", "crashing", "failing", "endless", "loud")


def export(settings: Settings, kind: str, body: bytes) -> bool:
    if settings.protocol == "grpc":
        from tests.subjects.exporters import grpc_export  # noqa: PLC0415 -- takes long to load

        return grpc_export.export(settings, kind, body)
    from tests.subjects.exporters import http_export  # noqa: PLC0415 -- takes long to load

    return http_export.export(settings, kind, body)


# Those that export at once, beside a program that stays up, each with how long its exports and its
# shutdown may take, seconds; None: as long as the variable says.
STAYS_UP_S = 9.0
STAYING_UP = {
    "stays up": (None, None),
    "TIMEOUT bounds the shutdown alone": (30.0, None),
    "no timeout, stays up": (30.0, 0.0),
    "no timeout, stays up and never retries": (30.0, 0.0),
}


def stay_up() -> None:
    """Export traces beside the program, all else at its end, and leave what is not done."""
    export_s, shutdown_s = STAYING_UP[WRONG]

    def beside() -> None:
        for kind, body in exports(["traces"] if is_on("traces") else []):
            settings = settings_of(kind)
            limit_s = settings.timeout_s if export_s is None else export_s
            export(replace(settings, timeout_s=limit_s), kind, body)

    thread = threading.Thread(target=beside, daemon=True)
    thread.start()
    threading.Event().wait(STAYS_UP_S)
    for kind, body in exports(kind for kind in KINDS[1:] if is_on(kind)):
        settings = settings_of(kind)
        if shutdown_s != 0.0:
            export(settings, kind, body)
    thread.join(settings_of("traces").timeout_s if shutdown_s is None else shutdown_s)
    sys.stdout.flush()
    os._exit(0)


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
    if WRONG in STAYING_UP:
        stay_up()
    export_all()
    misbehave_after()


def export_all() -> None:
    wanted = os.environ.get("SIGNALS", "traces,metrics,logs").split(",")
    for kind, body in exports(kind for kind in KINDS if kind in wanted and is_on(kind)):
        export(settings_of(kind), kind, body)


if __name__ == "__main__":
    main()
