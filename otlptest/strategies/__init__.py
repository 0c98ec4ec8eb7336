"""Hypothesis strategies for OTLP: valid, borderline and invalid, of every signal.

    from hypothesis import given
    from otlptest import strategies

    @given(strategies.requests("traces"))
    def test_my_receiver_takes_every_right_request(request): ...

`requests` draws whole request messages, the others parts of them; all of these are valid, and are
the generated classes of `opentelemetry-proto`. `encoded` draws bytes, valid or not, in protobuf
or JSON, with the reaction demanded of a receiver (`Payload`). Needs Hypothesis:
`pip install "otlptest[fuzz]"`.
"""

from otlptest.errors import MissingPartError

try:
    import hypothesis  # noqa: F401 -- only to say what to do without it
except ImportError as missing:
    raise MissingPartError(
        "otlptest.strategies", "Hypothesis", 'pip install "otlptest[fuzz]"'
    ) from missing

from otlptest.strategies.drawing import DEFAULT_UNIX_NANO
from otlptest.strategies.groups import resources, scopes
from otlptest.strategies.log_records import events, log_records
from otlptest.strategies.metrics import MetricKind, exemplars, metrics
from otlptest.strategies.mutations import Expected
from otlptest.strategies.payloads import Payload, Validity, encoded
from otlptest.strategies.protobuf_encodings import encodings
from otlptest.strategies.requests import (
    logs_requests,
    metrics_requests,
    profiles_requests,
    requests,
    traces_requests,
)
from otlptest.strategies.spans import spans
from otlptest.strategies.values import any_values, attributes

__all__ = [
    "DEFAULT_UNIX_NANO",
    "Expected",
    "MetricKind",
    "Payload",
    "Validity",
    "any_values",
    "attributes",
    "encoded",
    "encodings",
    "events",
    "exemplars",
    "log_records",
    "logs_requests",
    "metrics",
    "metrics_requests",
    "profiles_requests",
    "requests",
    "resources",
    "scopes",
    "spans",
    "traces_requests",
]
