"""What `doctor` finds: each check with a machine that is fine and one that is not."""

import shutil
import socket
from collections.abc import Iterable, Mapping
from importlib import metadata, util

import pytest

from otlptest.cli.doctor.machine_checks import (
    Check,
    environment_checks,
    has_sdk,
    part_checks,
    plugin_checks,
    port_checks,
    versions,
)


def status_of(checks: Iterable[Check]) -> dict[str, str]:
    return {check.name: check.status for check in checks}


def test_versions_of_what_is_installed_are_told() -> None:
    found = {check.name: check.value for check in versions()}
    assert found["protobuf"] == metadata.version("protobuf")
    assert set(found) >= {"python", "otlptest", "grpcio", "opentelemetry-proto", "pytest"}


def test_a_missing_package_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", missing)
    found = status_of(versions())
    assert (found["grpcio"], found["protobuf"], found["python"]) == ("problem", "problem", "ok")


@pytest.mark.parametrize(
    ("variables", "status"),
    [({}, "ok"), ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, "note")],
    ids=["loaded", "switched-off"],
)
def test_whether_pytest_loads_the_plugin(variables: Mapping[str, str], status: str) -> None:
    assert status_of(plugin_checks(variables)) == {"otlptest": status}


def test_a_plugin_that_is_not_registered_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda **_: ())
    assert status_of(plugin_checks({})) == {"otlptest": "problem"}


def test_a_free_port_and_a_taken_one() -> None:
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.2", 4317))
        except OSError:
            pytest.skip("127.0.0.2:4317 cannot be taken here")
        taken.listen()
        found = status_of(port_checks("127.0.0.2"))
    assert found["4317"] == "note"
    assert status_of(port_checks("127.0.0.3")) == {"4317": "ok", "4318": "ok"}


def test_an_environment_with_nothing_in_it_is_fine() -> None:
    assert status_of(environment_checks({"PATH": "/bin"})) == {"variables": "ok"}


def test_telemetry_variables_are_told_and_secrets_are_not() -> None:
    checks = list(
        environment_checks(
            {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cret"}
        )
    )
    assert status_of(checks) == {"OTEL_SDK_DISABLED": "note", "OTEL_EXPORTER_OTLP_HEADERS": "note"}
    assert "s3cret" not in str(checks)


@pytest.mark.parametrize(
    ("no_proxy", "status"),
    [("", "note"), ("example.org", "note"), ("localhost,127.0.0.1", "ok"), ("*", "ok")],
    ids=["everything", "others", "not-loopback", "nothing"],
)
def test_a_proxy_matters_if_loopback_goes_through_it(no_proxy: str, status: str) -> None:
    variables = {"HTTP_PROXY": "http://user:s3cret@proxy:3128", "NO_PROXY": no_proxy}
    (check,) = environment_checks(variables)
    assert (check.name, check.status) == ("HTTP_PROXY", status)
    assert "http://***@proxy:3128" in check.value
    assert "s3cret" not in check.value


def test_a_proxy_without_credentials_is_shown_whole() -> None:
    (check,) = environment_checks({"https_proxy": "http://proxy:3128"})
    assert check.value.startswith("http://proxy:3128,")


def test_a_part_that_is_there_needs_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/opt/{name}")
    checks = {check.name: check for check in part_checks()}
    assert checks["sdk"].status == "ok"
    assert checks["sdk"].value.startswith("opentelemetry-sdk ")
    assert (checks["go"].value, checks["go"].hint) == ("/opt/go", "")


@pytest.mark.parametrize(
    ("platform", "command"),
    [("linux", "apt install"), ("darwin", "brew install"), ("win32", "winget install")],
    ids=str,
)
def test_a_missing_part_comes_with_the_command_that_provides_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, command: str
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(util, "find_spec", lambda _: None)
    checks = {check.name: check for check in part_checks()}
    assert {check.status for check in checks.values()} == {"note"}
    assert checks["sdk"].hint == 'pip install "otlptest[sdk]"'
    for program in ("docker", "go", "java", "node"):
        assert checks[program].hint.startswith(command)


def test_an_sdk_without_its_parent_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(util, "find_spec", absent)
    assert not has_sdk()
