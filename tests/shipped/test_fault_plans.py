"""Every shipped fault plan can be read, and each of its faults meets somebody."""

import contextlib
from pathlib import Path

import pytest

from otlptest import FakeCollector, bundled
from otlptest.faults.plan_file import read_fault_plan
from otlptest.timing import Deadline
from tests.support.receiving import connect, http1, span_request

PLANS = [Path(name).stem for name in bundled.names("chaos") if name.startswith("faults/")]
PATHS = ("/v1/traces", "/v1/metrics", "/v1/logs")
ROUNDS = 40


def test_all_that_ships_there_is_a_plan() -> None:
    assert [f"faults/{name}.yaml" for name in PLANS] == [
        name for name in bundled.names("chaos") if name.startswith("faults/")
    ]


@pytest.mark.parametrize("name", PLANS)
def test_shipped_plan_says_what_it_is_for(name: str) -> None:
    plan = read_fault_plan(f"builtin:{name}")
    assert plan.description.endswith(".")
    assert plan.replies or plan.wire


@pytest.mark.parametrize("name", PLANS)
def test_each_fault_of_a_shipped_plan_acts(name: str) -> None:
    with FakeCollector() as fake, contextlib.ExitStack() as connections:
        read_fault_plan(f"builtin:{name}").apply(fake)
        for _ in range(ROUNDS):
            for path in PATHS:
                client = connections.enter_context(connect(fake.http_port))
                body = span_request("a span", "another") * 10 if path == PATHS[0] else b""
                with contextlib.suppress(ConnectionError):  # some plans end connections
                    client.sendall(http1(body, path=path))
        fake.settle(Deadline(10.0))
        never = [each for each in fake.findings() if each.rule == "fault_never_fired"]
    assert not never
