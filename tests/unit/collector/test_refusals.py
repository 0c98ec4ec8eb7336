"""Every way in which something can be wrong has statuses to be told with."""

import pytest

from otlptest.collector.server.refusals import refused
from otlptest.model import PROBLEM_KINDS


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=kind) for kind in PROBLEM_KINDS if kind != "flood"]
)
def test_every_kind_of_problem_but_a_flood_can_be_answered(kind: str) -> None:
    refusal = refused(kind, "OTLP-SRV-081", "it is wrong")
    assert refusal.http_status >= 400
    assert refusal.grpc_code.value > 0
