"""Programs under test: started with a port and a marker, asked over HTTP, reliably ended."""

from otlptest.processes import readiness as ready
from otlptest.processes.commands import Command
from otlptest.processes.descendants import Descendant
from otlptest.processes.endings import Ending, Recipient
from otlptest.processes.http_client import Response, ResponseHeaders
from otlptest.processes.programs import Program, start_program
from otlptest.processes.readiness import Readiness

__all__ = [
    "Command",
    "Descendant",
    "Ending",
    "Program",
    "Readiness",
    "Recipient",
    "Response",
    "ResponseHeaders",
    "ready",
    "start_program",
]
