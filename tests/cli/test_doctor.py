"""`otlptest doctor`: really receives, tells what won and what keeps tests from running."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otlptest.cli.doctor import configuration_checks, receiving_checks
from otlptest.cli.doctor.machine_checks import Check
from otlptest.cli.doctor.pytest_settings import SETTINGS
from otlptest.errors import ReceiverError
from tests.support.command_line import otlptest


def configuration(cwd: Path, **variables: str) -> dict[str, str]:
    done = otlptest("doctor", "--format", "json", cwd=cwd, **variables)
    checks = json.loads(done.stdout)["checks"]
    return {c["name"]: c["value"] for c in checks if c["section"] == "configuration"}


def test_a_machine_that_runs_this_test_is_fit(tmp_path: Path) -> None:
    done = otlptest("doctor", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    headings = [line for line in done.stdout.splitlines() if line and line[0] not in " t"]
    assert headings == [
        "versions",
        "plugin",
        "receiving",
        "ports",
        "environment",
        "configuration",
        "optional parts",
    ]
    for protocol in ("grpc", "http/protobuf", "http/json"):
        assert f"  ok {protocol}: " in done.stdout
    assert done.stdout.endswith("\ntests can run here\n")


def test_json_is_a_verdict_with_every_check(tmp_path: Path) -> None:
    done = otlptest("doctor", "--format", "json", cwd=tmp_path, OTEL_SDK_DISABLED="true")
    record = json.loads(done.stdout)
    assert (done.returncode, record["ok"]) == (0, True)
    assert {"section", "name", "status", "value", "hint"} == set(record["checks"][0])
    (finding,) = [f for f in record["findings"] if f["where"] == "environment: OTEL_SDK_DISABLED"]
    assert (finding["severity"], finding["received"]) == ("warning", "true")


def test_a_problem_gives_exit_code_3(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\n"
        "real = m.version\n"
        "def version(name):\n"
        "    if name == 'grpcio': raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.version = version\n",
        "utf-8",
    )
    done = otlptest("doctor", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 3
    assert "  !! grpcio: not installed\n     hint: pip install grpcio\n" in done.stdout
    assert done.stdout.endswith("\n1 problem(s): see !!\n")


def test_the_setting_that_won_is_told(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\notlp_strict = true\naddopts = --otlp-stop-timeout-s 3\n", "utf-8"
    )
    found = configuration(tmp_path, OTLPTEST_STRICT="false", OTLPTEST_SDK_SERVICE="me")
    assert found == {
        "file": str(tmp_path / "pytest.ini"),
        "strict": "True (from otlp_strict in pytest.ini; weaker: OTLPTEST_STRICT)",
        "stop_timeout_s": "3 (from --otlp-stop-timeout-s)",
        "sdk_service": "me (from OTLPTEST_SDK_SERVICE)",
    }


def test_a_broken_pytest_configuration_is_told(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n", "utf-8")
    found = configuration(tmp_path)
    assert found["pytest"].startswith("pytest cannot be asked: ")
    assert found["pytest"].endswith("unrecognized arguments: --nonsense")


def test_a_folder_without_configuration_has_none(tmp_path: Path) -> None:
    assert configuration(tmp_path)["file"].startswith("none (no pytest.ini")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "it said nothing"),
        ("a\nb\n", "a"),
        ("ERROR: usage: pytest\n  pytest: error: unrecognized arguments: --x\n",
         "pytest: error: unrecognized arguments: --x"),
    ],
    ids=["nothing", "something", "an-error"],
)  # fmt: skip
def test_the_reason_why_pytest_cannot_be_asked(output: str, reason: str) -> None:
    assert configuration_checks._reason(output) == reason


def test_a_pytest_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("pytest", 30)

    monkeypatch.setattr(subprocess, "run", hang)
    (check,) = configuration_checks.configuration_checks()
    assert check.value == "pytest cannot be asked: pytest did not answer within 30 s"


def test_every_setting_of_the_plugin_is_asked_for(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "otlptest", "--help"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert set(SETTINGS) == set(re.findall(r"^  otlp_(\w+) \(", told, re.MULTILINE))


def refuse(*_: object, **__: object) -> None:
    raise ReceiverError("no sockets here", "ask the administrator")


def test_a_collector_that_cannot_start_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving_checks, "FakeCollector", refuse)
    assert list(receiving_checks.receiving_checks()) == [
        Check(
            section="receiving",
            name="collector",
            status="problem",
            value="no sockets here",
            hint="ask the administrator",
        )
    ]


def test_a_protocol_that_does_not_get_through_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving_checks, "send", refuse)
    found = {check.name: check.status for check in receiving_checks.receiving_checks()}
    assert found == {
        "collector": "ok", "grpc": "problem", "http/protobuf": "problem", "http/json": "problem",
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"], ids=str)
def test_it_fits_40_columns_of_any_encoding(tmp_path: Path, encoding: str) -> None:
    done = otlptest("doctor", cwd=tmp_path, COLUMNS="40", PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 40
