"""`otlptest conform`: suites and tables on the command line, with their exit codes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from otlptest import FakeCollector
from otlptest.processes.descendants import MARKER
from tests.subjects.wrong_receivers.small_receivers import small_receiver
from tests.support import conformed
from tests.support.command_line import interrupt, otlptest, running
from tests.support.conformed import left_over

COMMAND = ("--", *conformed.COMMAND)
FEW = ("--case", "environment", "--case", "OTLP-HTTP-006", "--case", "OTLP-GRPC-004")


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as started:
        yield started


def test_a_right_exporter_is_told_as_one() -> None:
    ended = otlptest("conform", "exporter", "--protocol", "all", "--name", "mine", *FEW, *COMMAND)
    assert ended.returncode == 0
    progress = "(.* cases done over .*, [0-9]+ s\n|.*, about .*\n|looking at the subject, .* s\n)*"
    assert re.fullmatch(progress, ended.stderr)  # a busy machine takes longer than ten seconds
    heads = [line for line in ended.stdout.splitlines() if line.startswith("mine over")]
    assert [head.split(" over ")[1].split(" ")[0] for head in heads] == [
        "grpc",
        "http/protobuf",
        "http/json",
    ]
    assert "fail" not in ended.stdout


def test_a_wrong_exporter_is_told_in_every_form(tmp_path: Path) -> None:
    reports = {kind: tmp_path / f"out.{kind}" for kind in ("json", "junit", "markdown")}
    options = [f"--report={kind}={path}" for kind, path in reports.items()]
    ended = otlptest(
        "conform",
        "exporter",
        "--format",
        "json",
        *options,
        *FEW,
        *COMMAND,
        WRONG="environment/headers",
    )
    assert ended.returncode == 1
    record = json.loads(ended.stdout)
    (run,) = record["runs"]
    assert run["summary"]["fail"] == 1
    (failed,) = [each for each in run["results"] if each["verdict"] == "fail"]
    assert (failed["id"], failed["case"]) == ("OTLP-CFG-027", "environment/headers")
    assert json.loads(reports["json"].read_text("utf-8")) == record
    assert ET.parse(reports["junit"]).find(".//failure") is not None  # noqa: S314 -- our own
    assert "### fail: [OTLP-CFG-027]" in reports["markdown"].read_text("utf-8")


def test_the_command_that_runs_one_case_again_does() -> None:
    ended = otlptest(
        "conform", "exporter", "--format", "json", *FEW, *COMMAND, WRONG="environment/headers"
    )
    (run,) = json.loads(ended.stdout)["runs"]
    (failed,) = [each for each in run["results"] if each["verdict"] == "fail"]
    name, *words = failed["run_again"].split()
    assert name == "otlptest"
    again = otlptest(*words, WRONG="environment/headers")
    assert again.returncode == 1
    assert "FAIL OTLP-CFG-027" in again.stdout
    assert "OTLP-CFG-076" not in again.stdout


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        pytest.param(("--", "no-such-command"), "there is no command 'no-such-command'", id="gone"),
        pytest.param(COMMAND, "the command sent nothing", id="silent"),
    ],
)
def test_what_cannot_be_judged_exits_with_3(command: tuple[str, ...], problem: str) -> None:
    ended = otlptest("conform", "exporter", *command, WRONG="silent")
    assert ended.returncode == 3
    assert "inconclusive: the command" in ended.stdout
    assert problem in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param((), "there is no command to judge", id="no command"),
        pytest.param(("--case", "nope", *COMMAND), "unknown case 'nope'", id="case"),
        pytest.param(("--target-version", "new", *COMMAND), "not a version of OTLP", id="version"),
        pytest.param(("--report", "pdf=x", *COMMAND), "is not KIND=FILE", id="report"),
        pytest.param(("--report", "json=/no/x", *COMMAND), "there is no folder '/no'", id="folder"),
        pytest.param(
            ("--report", "json=/", *COMMAND), "cannot write /: it is a folder", id="a folder"
        ),
        pytest.param(
            ("--report", "json=x", "--report", "junit=x", *COMMAND),
            "two reports go to x",
            id="twice",
        ),
        pytest.param(("--protocol", "udp", *COMMAND), "'udp' is not one of", id="protocol"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: tuple[str, ...], problem: str) -> None:
    ended = otlptest("conform", "exporter", *arguments)
    assert ended.returncode == 2
    assert problem in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("suite", ["exporter", "receiver"], ids=str)
def test_cases_are_listed_without_running_any(suite: str) -> None:
    ended = otlptest("conform", suite, "--list", COLUMNS="1000")
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert len(lines) % 2 == 0
    assert all("judges OTLP-" in line for line in lines[1::2])


@pytest.mark.parametrize("suite", ["exporter", "receiver"], ids=str)
def test_a_list_is_of_the_protocol_asked_for_and_json_if_asked_for(suite: str) -> None:
    ended = otlptest("conform", suite, "--list", "--protocol", "grpc", "--format", "json")
    assert ended.returncode == 0
    cases = json.loads(ended.stdout)["cases"]
    assert all("grpc" in case["protocols"] and case["requirements"] for case in cases)
    assert all(case["id"] and case["title"] for case in cases)


def test_a_report_that_cannot_be_written_is_named_after_the_verdicts() -> None:
    ended = otlptest("conform", "exporter", "--report", "json=/dev/full", *FEW, *COMMAND)
    assert ended.returncode == 3
    assert "OTLP-CFG-027" in ended.stdout
    assert ended.stderr.startswith("error: /dev/full: ")


def again(output: str) -> list[str]:
    """The commands of a JSON result that run a case again."""
    runs = json.loads(output)["runs"]
    return [result["run_again"] for run in runs for result in run["results"]]


@pytest.mark.timeout(120)
def test_the_command_that_runs_one_case_again_judges_by_the_same_rules(
    collector: FakeCollector,
) -> None:
    rules = ("--signal", "traces", "--timeout", "20", "--target-version", "1.11")
    chosen = (*rules, "--format", "json")
    read_back = ("--read-back", "file:/tmp/no such file")
    endpoint = ("--http", collector.http_endpoint, "--case", "exports", *read_back)
    of_exporter = again(otlptest("conform", "exporter", *chosen, *FEW, *COMMAND).stdout)
    of_receiver = again(otlptest("conform", "receiver", *chosen, *endpoint).stdout)
    assert of_exporter
    assert of_receiver
    for line in of_exporter + of_receiver:
        assert f" {' '.join(rules)}" in line
    assert all(" --read-back 'file:/tmp/no such file' " in line for line in of_receiver)


def test_help_names_the_suites_and_a_mistake_the_nearest() -> None:
    shown = otlptest("conform", "--help")
    assert shown.returncode == 0
    assert all(suite in shown.stdout for suite in ("exporter", "receiver", "matrix"))
    wrong = otlptest("conform", "exportr")
    assert wrong.returncode == 2
    assert "did you mean 'exporter'?" in wrong.stderr


def test_an_interrupt_ends_the_command_and_its_children() -> None:
    arguments = ["conform", "exporter", *COMMAND]
    with running(arguments, WRONG="endless", **{MARKER: "test-interrupt"}) as process:
        while not left_over("test-interrupt"):
            assert process.poll() is None
        code, _, err = interrupt(process)
    assert code == 130
    assert "Traceback" not in err
    assert left_over("test-interrupt") == []


# Receivers.


def test_the_fake_passes_read_back_from_what_it_wrote(
    collector: FakeCollector, tmp_path: Path
) -> None:
    ended = otlptest(
        "conform",
        "receiver",
        "--grpc",
        collector.grpc_endpoint,
        "--http",
        collector.http_endpoint,
        "--read-back",
        f"file:{tmp_path / 'none.jsonl'}",
        "--timeout",
        "0.5",
        "--case",
        "exports",
        "--strict",
    )
    assert ended.returncode == 0
    assert "OTLP-HTTP-014" in ended.stdout.partition("inconclusive")[2]


def test_a_receiver_that_is_down_exits_with_3(tmp_path: Path) -> None:
    report = tmp_path / "down.json"
    ended = otlptest(
        "conform",
        "receiver",
        "--http",
        "http://127.0.0.1:1",
        "--protocol",
        "http/protobuf",
        f"--report=json={report}",
    )
    assert ended.returncode == 3
    assert "it cannot be reached at http://127.0.0.1:1" in ended.stdout
    (run,) = json.loads(report.read_text("utf-8"))["runs"]
    assert run["summary"]["inconclusive"] > 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param((), "no endpoint was given", id="no endpoint"),
        pytest.param(("--http", "ftp://x"), "it is not an http or https URL", id="URL"),
        pytest.param(
            ("--http", "http://h", "--read-back", "tape:x"), "--read-back 'tape:x'", id="read-back"
        ),
        pytest.param(
            ("--http", "http://h", "--read-back", "otlp:1"), "is not a pair of ports", id="ports"
        ),
        pytest.param(
            ("--http", "http://h", "--protocol", "grpc"),
            "no endpoint was given for grpc",
            id="gRPC",
        ),
    ],
)
def test_a_wrong_receiver_line_exits_with_2(arguments: tuple[str, ...], problem: str) -> None:
    ended = otlptest("conform", "receiver", *arguments)
    assert ended.returncode == 2
    assert problem in ended.stderr


def test_a_fake_behind_the_receiver_is_told_where_to_forward_to(collector: FakeCollector) -> None:
    ended = otlptest(
        "conform",
        "receiver",
        "--http",
        collector.http_endpoint,
        "--protocol",
        "http/protobuf",
        "--read-back",
        "otlp",
        "--case",
        "exports/served",
    )
    assert ended.returncode == 0
    assert ended.stderr.startswith("forward to http://127.0.0.1:")


# The table.


def test_matrix_puts_results_side_by_side(collector: FakeCollector, tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        otlptest(
            "conform",
            "receiver",
            "--http",
            collector.http_endpoint,
            "--protocol",
            "http/protobuf",
            "--case",
            "exports",
            f"--name={file.stem}",
            f"--report=json={file}",
        )
    shown = otlptest("conform", "matrix", *files)
    assert shown.returncode == 0
    assert shown.stdout.startswith("[1] a over http/protobuf\n[2] b over http/protobuf\n")
    marked = otlptest("conform", "matrix", *files, "--format", "markdown")
    assert marked.stdout.startswith("| requirement | level | a over http/protobuf | b over")
    record = json.loads(otlptest("conform", "matrix", *files, "--format", "json").stdout)
    assert record["columns"] == ["a over http/protobuf", "b over http/protobuf"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param("{", "is not valid JSON", id="no JSON"),
        pytest.param("{}", "has no 'subject'", id="no results"),
    ],
)
def test_matrix_refuses_what_is_no_result(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "x.json"
    if content is not None:
        file.write_text(content, "utf-8")
    ended = otlptest("conform", "matrix", file)
    assert ended.returncode == 3
    assert problem in ended.stderr


@pytest.mark.timeout(120)
def test_a_receiver_that_wants_a_header_is_judged_with_it() -> None:
    with small_receiver("guarded", "acme") as url:
        case = ("--protocol", "http/protobuf", "--signal", "traces", "--case", "exports/served")
        without = otlptest("conform", "receiver", "--http", url, *case)
        ended = otlptest("conform", "receiver", "--http", url, *case, "--header", "X-Tenant: acme")
    assert without.returncode == 3
    assert without.stdout.splitlines() == [
        f"{url} over http/protobuf: 3 inconclusive",
        "",
        (
            "inconclusive: it refuses plain valid requests: traces got HTTP 422 'field required: "
            "x-tenant'; a header that it wants is given with --header 'NAME: VALUE'"
        ),
    ]
    assert ended.returncode == 0
    assert "passed: OTLP-HTTP-002" in ended.stdout


@pytest.mark.timeout(120)
def test_a_receiver_that_dies_exits_with_1() -> None:
    with small_receiver("dying") as url:
        case = (
            "--protocol",
            "http/protobuf",
            "--signal",
            "traces",
            "--case",
            "bad_data/random_bytes",
        )
        ended = otlptest("conform", "receiver", "--http", url, *case)
    assert ended.returncode == 1
    assert "FAIL OTLP-SRV-002 MUST (crash): Random bytes → 400" in ended.stdout
