"""`otlptest conform receiver --fuzz` and `--replay`: exit codes, files, and commands that work."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from otlptest.collector.fake import FakeCollector
from otlptest.errors import FileFormatError, UsageError
from otlptest.fuzzing.fuzz_files import read_payload, write_payload
from otlptest.model import Signal
from otlptest.strategies import Payload
from tests.support.command_line import otlptest
from tests.support.fuzzed_receivers import Fuzzed, Reply, http_fuzzed

pytestmark = pytest.mark.timeout(120)


def takes_all(_r: Fuzzed, _signal: Signal, _body: bytes, _message: Any, _reply: Reply) -> Reply:  # noqa: ANN401 -- a generated message
    return Reply(status=200)


def a_payload(**given: Any) -> Payload:  # noqa: ANN401 -- fields of a payload
    fields: dict[str, Any] = {
        "signal": "traces",
        "protocol": "http/protobuf",
        "body": b"\xff",
        "validity": "invalid",
        "expected": "must_refuse",
        "rule": "OTLP-SRV-002",
        "fault": "random bytes",
        "is_decodable": False,
        **given,
    }
    return Payload(**fields)


def test_the_fake_passes_and_nothing_is_written(tmp_path: Path) -> None:
    with FakeCollector() as fake:
        ended = otlptest(
            "conform",
            "receiver",
            f"--http={fake.http_endpoint}",
            f"--grpc={fake.grpc_endpoint}",
            "--fuzz=90",
            "--seed=7",
            "--format=json",
            cwd=tmp_path,
        )
    assert ended.returncode == 0, ended.stderr
    record = json.loads(ended.stdout)
    fuzzing = record["fuzzing"]
    assert fuzzing["seed"] == 7
    assert [run["payloads"] for run in fuzzing["runs"]] == [30, 30, 30]
    assert all(run["failures"] == [] for run in fuzzing["runs"])
    assert len(record["runs"]) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_written_and_its_command_shows_it_again(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with http_fuzzed(takes_all) as url:
        ended = otlptest(
            "conform",
            "receiver",
            f"--http={url}",
            "--protocol=http/protobuf",
            "--signal=traces",
            "--fuzz=150",
            f"--report=json={report}",
            cwd=tmp_path,
        )
        assert ended.returncode == 1, ended.stderr
        (run,) = json.loads(report.read_text("utf-8"))["fuzzing"]["runs"]
        (failure,) = [each for each in run["failures"] if "OTLP-SRV-002" in each["rules"]]
        assert failure["kind"] == "took_garbage"
        assert (tmp_path / failure["file"]).stat().st_size == failure["bytes"]
        assert failure["command"] in ended.stdout
        words = shlex.split(failure["command"])
        assert words[0] == "otlptest"
        again = otlptest(*words[1:], cwd=tmp_path)
        sent = otlptest(
            "send", "--raw", failure["file"], f"--to={url}", "--signal=traces", cwd=tmp_path
        )
    assert again.returncode == 1
    assert "it took what is not a request" in again.stdout
    assert (sent.returncode, sent.stderr) == (0, "")
    assert "failing invalid traces over http/protobuf" in ended.stderr
    with FakeCollector() as fake:
        words[words.index("--http") + 1] = fake.http_endpoint
        fixed = otlptest(*words[1:], cwd=tmp_path)
    assert fixed.returncode == 0, fixed.stdout


def test_a_receiver_that_is_down_exits_with_3(tmp_path: Path) -> None:
    ended = otlptest("conform", "receiver", "--http=http://127.0.0.1:1", "--fuzz=5", cwd=tmp_path)
    assert ended.returncode == 3
    assert "it cannot be reached" in ended.stdout
    file = write_payload(tmp_path, a_payload(), kind="crash", number=1, seed=0)
    again = otlptest("conform", "receiver", "--http=http://127.0.0.1:1", f"--replay={file}")
    assert again.returncode == 3
    assert "it cannot be reached" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("--fuzz=0",), "0 is not in the range", id="none"),
        pytest.param(("--fuzz=5", "--replay=x.bin"), "exclude each other", id="both"),
        pytest.param(("--fuzz=5", "--case=exports"), "--case is about cases", id="case"),
        pytest.param(("--replay=x.bin",), "nothing beside x.bin tells what it is", id="unknown"),
        pytest.param(
            ("--replay=x.bin", "--signal=traces", "--signal=logs"),
            "--replay takes one --signal",
            id="two signals",
        ),
        pytest.param(("--replay=none.bin",), "'none.bin' does not exist", id="no file"),
    ],
)
def test_a_wrong_command_line_exits_with_2(
    arguments: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    (tmp_path / "x.bin").write_bytes(b"")
    ended = otlptest("conform", "receiver", "--http=http://127.0.0.1:1", *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert problem in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_endpoint_is_a_mistake(tmp_path: Path) -> None:
    ended = otlptest("conform", "receiver", "--fuzz=5", cwd=tmp_path)
    assert ended.returncode == 2
    assert "no endpoint was given" in ended.stderr


# The files.


def test_a_payload_survives_its_files(tmp_path: Path) -> None:
    payload = a_payload(plain=b"\x0a\x00", expected="must_accept")
    file = write_payload(tmp_path / "new", payload, kind="server_error", number=2, seed=-3)
    assert file.name == "server-error-http-protobuf-traces-seed-3-2.bin"
    assert file.read_bytes() == payload.body
    assert read_payload(file, signal=None, protocol=None) == payload
    assert read_payload(file, signal=None, protocol="grpc").protocol == "grpc"


def test_bytes_alone_are_a_payload_once_it_is_said_of_what(tmp_path: Path) -> None:
    file = tmp_path / "some.bin"
    file.write_bytes(b"\xff")
    payload = read_payload(file, signal="logs", protocol="grpc")
    assert (payload.body, payload.expected, payload.signal) == (b"\xff", "may_refuse", "logs")


@pytest.mark.parametrize(
    ("beside", "problem"),
    [
        pytest.param("{", "is not valid JSON", id="no JSON"),
        pytest.param("[]", "is not an object", id="list"),
        pytest.param('{"signal": "spans"}', "signal: is 'spans'", id="signal"),
        pytest.param(
            json.dumps(
                {
                    "signal": "traces",
                    "protocol": "grpc",
                    "validity": "valid",
                    "expected": "may_refuse",
                    "rule": "r",
                    "fault": "f",
                    "plain": "?",
                }
            ),
            "plain: is no base64",
            id="plain",
        ),
    ],
)
def test_what_is_beside_a_payload_must_be_right(beside: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(b"")
    (tmp_path / "x.bin.json").write_text(beside, "utf-8")
    with pytest.raises(FileFormatError, match=problem):
        read_payload(file, signal=None, protocol=None)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(UsageError, match=r"cannot write .*taken"):
        write_payload(tmp_path / "taken", a_payload(), kind="crash", number=1, seed=0)
    with pytest.raises(FileFormatError, match="No such file"):
        read_payload(tmp_path / "none", signal=None, protocol=None)
