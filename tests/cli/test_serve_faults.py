"""`otlptest serve --fault`: a plan answers, and a mistake in one is told before anything starts."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import otlptest
from tests.support.served import serve

PLAN = """\
version: 1
description: One refusal.
replies:
  - reply: {unavailable: {retry_after_s: 1}}
    signal: traces
    times: 1
"""


def test_plan_of_a_file_answers(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    record = tmp_path / "all.jsonl"
    with serve("--fault", plan, "--exit-after", "2", "--record", record) as served:
        assert served.post() == 503
        assert served.post() == 200
        code, out, err = served.finished()
    assert code == 0
    fault, *spans = out.splitlines()
    assert " fault traces not received: faults.unavailable(retry_after_s=1)" in fault
    assert len(spans) == 8  # what was refused is not telemetry
    assert len(record.read_text().splitlines()) == 1
    assert "faults: One refusal.\n" in err
    assert err.endswith("2 requests, 0 errors, 0 warnings\n")


def test_shipped_plan_answers() -> None:
    options = ("--exit-after", "1", "--format", "json")
    with serve("--fault", "builtin:down", *options) as served:
        assert served.post() == 503
        code, out, _ = served.finished()
    fault, summary = map(json.loads, out.splitlines())
    assert fault.pop("received_unix_nano")
    assert fault == {
        "type": "fault",
        "fault": "faults.unavailable(message='down for the day')",
        "signal": "traces",
        "protocol": "http/json",
        "wire_size": 13235,
        "is_discarded": True,
    }
    assert (code, summary["ok"], summary["requests"]) == (0, True, 1)


def test_fault_that_nothing_met_is_a_warning() -> None:
    with serve("--fault", "builtin:down", "--duration", "0") as served:
        code, out, err = served.finished()
    assert code == 0
    assert "fault_never_fired: faults.unavailable(message='down for the day')" in out
    assert err.endswith("0 requests, 0 errors, 1 warnings\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            PLAN.replace("times", "tmies"),
            (
                "plan.yaml: line 6, replies[0].tmies: unknown key 'tmies'\n"
                "hint: did you mean 'times'? there are: reply, signal, times, where, rate, seed\n"
            ),
        ),
        (None, "plan.yaml: No such file or directory\nhint: give the path of a file\n"),
    ],
    ids=["mistake", "missing"],
)
def test_mistake_ends_it_with_its_place(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "plan.yaml").write_text(text)
    done = otlptest("serve", "--fault", "plan.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"error: {said}"
    assert done.stdout == ""


def test_unknown_shipped_plan_is_told_with_the_nearest() -> None:
    done = otlptest("serve", "--fault", "builtin:flakey")
    assert done.returncode == 2
    assert "did you mean 'flaky'?" in done.stderr
