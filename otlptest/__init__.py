"""End-to-end tests for anything that sends or receives OTLP.

Start with the pytest fixture `otlp`, or with `FakeCollector`: an OTLP receiver in this process, on
free ports.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from otlptest.model import ROOT, Severity, SpanKind, StatusCode

__all__ = ["ROOT", "Severity", "SpanKind", "StatusCode", "__version__"]

# Importing otlptest must stay cheap: pytest does it in every session of every user.
_HOME = {
    "ROOT": "otlptest.model",
    "Severity": "otlptest.model",
    "SpanKind": "otlptest.model",
    "StatusCode": "otlptest.model",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
