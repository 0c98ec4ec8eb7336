"""`otlptest schema`: prints what ships, and names the kinds that there are."""

import json

from otlptest import bundled
from tests.support.command_line import otlptest


def test_the_schema_of_fault_plans_is_printed_as_it_ships() -> None:
    done = otlptest("schema", "fault-plan")
    assert (done.returncode, done.stderr) == (0, "")
    shipped = bundled.path("chaos", "schemas/fault_plan.json").read_text("utf-8")
    assert json.loads(done.stdout) == json.loads(shipped)


def test_a_kind_that_is_none_gets_the_nearest() -> None:
    done = otlptest("schema", "fault-plans")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'fault-plan'?" in done.stderr
