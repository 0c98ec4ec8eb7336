"""End-to-end tests for anything that sends or receives OTLP.

Start with the pytest fixture `otlp`, or with `FakeCollector`: an OTLP receiver in this process, on
free ports.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from otlptest import faults
    from otlptest.bundled import builtin
    from otlptest.collector.fake import FakeCollector
    from otlptest.model import (
        ROOT,
        AggregationTemporality,
        MetricType,
        Severity,
        SpanKind,
        StatusCode,
    )
    from otlptest.processes import readiness as ready
    from otlptest.proxy import OtlpProxy
    from otlptest.queries.criteria import matchers as match
    from otlptest.queries.traces.trees import tree
    from otlptest.sending import send

__all__ = [
    "ROOT",
    "AggregationTemporality",
    "FakeCollector",
    "MetricType",
    "OtlpProxy",
    "Severity",
    "SpanKind",
    "StatusCode",
    "__version__",
    "builtin",
    "faults",
    "match",
    "ready",
    "send",
    "tree",
]

# Importing otlptest must stay cheap: pytest does it in every session of every user. Each name
# comes from its home when it is first asked for.
_HOME = {
    "AggregationTemporality": "otlptest.model",
    "FakeCollector": "otlptest.collector.fake",
    "MetricType": "otlptest.model",
    "OtlpProxy": "otlptest.proxy",
    "ROOT": "otlptest.model",
    "Severity": "otlptest.model",
    "SpanKind": "otlptest.model",
    "StatusCode": "otlptest.model",
    "builtin": "otlptest.bundled",
    "faults": "otlptest.faults",
    "match": "otlptest.queries.criteria.matchers",
    "ready": "otlptest.processes.readiness",
    "send": "otlptest.sending",
    "tree": "otlptest.queries.traces.trees",
}
_NAMESPACES = {"faults", "match", "ready"}  # these are their home


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(_HOME[name])
    return home if name in _NAMESPACES else getattr(home, name)


# There is no `__dir__`: freezegun gets each name that `dir` tells of each module, and would thereby
# import all of otlptest into a test that uses none of it.
