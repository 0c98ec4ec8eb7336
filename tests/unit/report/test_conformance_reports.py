"""Conformance results as text, JSON, JUnit, Markdown, and as one table of several subjects."""

import json
from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from otlptest.conformance import (
    CaseFinished,
    CaseStarted,
    CheckResult,
    Conformance,
    Policy,
    SuiteRun,
    SuiteStarted,
)
from otlptest.conformance.verdicts import result_of
from otlptest.errors import FileFormatError
from otlptest.report.conformance.conformance_json import conformance_record, recorded_runs
from otlptest.report.conformance.conformance_junit import conformance_junit
from otlptest.report.conformance.conformance_markdown import conformance_markdown
from otlptest.report.conformance.conformance_matrix import (
    matrix_markdown,
    matrix_of,
    matrix_record,
    matrix_text,
)
from otlptest.report.conformance.conformance_text import conformance_text, event_line
from otlptest.results import Harm, Outcome

Found = tuple[str, Outcome, str]

MUST, SHOULD, ROBUST, UNSEEN, LACKED, FINE = (
    ("OTLP-HTTP-007", "failed", "a request had\ncontent-type: text/plain"),
    ("OTLP-RESP-034", "failed", "no second request"),
    ("OTLP-SRV-003", "failed", "answered 500"),
    ("OTLP-HTTP-006", "inconclusive", "no request came"),
    ("OTLP-HTTP-014", "not_applicable", "cannot be read back"),
    ("OTLP-HTTP-001", "passed", "POST"),
)
ALL: Sequence[Found] = (MUST, SHOULD, ROBUST, UNSEEN, LACKED, FINE)  # type: ignore[assignment]


def run(*found: Found, harm: Harm | None = None, is_strict: bool = False) -> SuiteRun:
    policy = Policy(is_strict=is_strict)
    return SuiteRun(
        subject="python emit.py",
        protocol="http/protobuf",
        results=tuple(
            result_of(
                rule,
                [
                    (
                        "some/case",
                        CheckResult(rule=rule, outcome=outcome, received=evidence, harm=harm),
                    )
                ],
                policy,
                run_again="otlptest conform exporter --case {case} -- python emit.py",
            )
            for rule, outcome, evidence in found
        ),
        signals=("traces",),
        duration_s=1.5,
        policy=policy,
    )


ONE = Conformance(runs=(run(*ALL),))


def test_text_tells_failures_first_and_robustness_apart() -> None:
    text = conformance_text(ONE)
    order = [
        "python emit.py over http/protobuf (traces): 1 pass, 1 fail, 2 warn, 1 skip, 1 inconclus",
        "FAIL OTLP-HTTP-007 MUST: Binary payload carries",
        "  a request had\n  content-type: text/plain\n  read:      https://",
        "  run again: otlptest conform exporter --case some/case -- python emit.py",
        "WARN OTLP-RESP-034 SHOULD",
        "inconclusive, it could not be observed:\n  OTLP-HTTP-006",
        "skipped:\n  OTLP-HTTP-014",
        "passed: OTLP-HTTP-001",
        "robustness, which is not a part of conformance:",
        "WARN OTLP-SRV-003 ROBUSTNESS",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def test_text_tells_harm_and_marks() -> None:
    harmed = run(("OTLP-SRV-003", "failed", "gone"), harm="server_error")
    assert "FAIL OTLP-SRV-003 ROBUSTNESS (server error)" in conformance_text(
        Conformance(runs=(harmed,))
    )
    unclear = run(("OTLP-CFG-042", "failed", "per attempt"))
    assert "WARN OTLP-CFG-042 MUST [AMBIG-8]:" in conformance_text(Conformance(runs=(unclear,)))


def test_text_cuts_long_evidence_and_shows_control_characters() -> None:
    long = run(("OTLP-HTTP-007", "failed", "\n".join(["\x1b[31m"] * 30)))
    text = conformance_text(Conformance(runs=(long,)))
    assert "… and 10 more lines: see --format json" in text
    assert "\x1b" not in text
    assert "\\x1b[31m" in text


def test_text_tells_signals_that_are_not_emitted_in_one_line() -> None:
    missing = run(
        ("OTLP-LOG-001", "inconclusive", "the command emits no logs"),
        ("OTLP-METRIC-001", "inconclusive", "the command emits no metrics"),
        ("OTLP-COMMON-001", "inconclusive", "the command emits no metrics or logs"),
        ("OTLP-HTTP-006", "inconclusive", "no request came"),
    )
    text = conformance_text(Conformance(runs=(missing,)))
    assert text == (
        "python emit.py over http/protobuf (traces): 1 inconclusive, 3 not emitted\n"
        "\n"
        "not emitted: logs, metrics (3 requirements)\n"
        "\n"
        "inconclusive, it could not be observed:\n"
        "  OTLP-HTTP-006 MUST: Clients use the default paths `/v1/traces`, `/v1/metrics`"
        " and `/v1/logs`\n"
        "    no request came"
    )


def test_text_tells_one_reason_once() -> None:
    alike = run(
        ("OTLP-HTTP-001", "inconclusive", "no request"),
        ("OTLP-HTTP-006", "inconclusive", "no request"),
    )
    assert conformance_text(Conformance(runs=(alike,))).count("no request") == 1


@pytest.mark.parametrize(
    ("is_lacking", "word"),
    [
        pytest.param(True, "skip", id="not_applicable"),
        pytest.param(False, "inconclusive", id="problem"),
    ],
)
def test_a_run_without_judgement_is_one_sentence(*, is_lacking: bool, word: str) -> None:
    problem = replace(run(UNSEEN), problem="it is\ndown", is_lacking=is_lacking)  # type: ignore[arg-type]
    whole = Conformance(runs=(problem,))
    assert conformance_text(whole).endswith(f"\n\n{word}: it is\ndown")
    assert f"**{word}**\n\n```text\nit is\ndown\n```" in conformance_markdown(whole)
    assert conformance_record(whole)["runs"][0]["problem"] == "it is\ndown"


def test_a_run_without_results_says_so() -> None:
    assert conformance_text(Conformance(runs=(run(),))).endswith("(traces): no results")


def test_json_has_the_shape_that_is_promised() -> None:
    (record,) = json.loads(json.dumps(conformance_record(ONE)))["runs"]
    assert record["subject"] == "python emit.py"
    assert record["protocol"] == "http/protobuf"
    assert record["summary"] == {"pass": 1, "fail": 1, "warn": 2, "skip": 1, "inconclusive": 1}
    first = record["results"][0]
    assert first["id"] == "OTLP-HTTP-007"
    assert (first["level"], first["verdict"], first["group"]) == ("MUST", "fail", "conformance")
    assert first["source"].startswith("https://")
    assert first["evidence"] == "a request had\ncontent-type: text/plain"
    assert {each["id"]: each["group"] for each in record["results"]}["OTLP-SRV-003"] == "robustness"


def test_json_of_several_protocols_is_a_list_of_runs() -> None:
    both = Conformance(runs=(run(*ALL), replace(run(*ALL), protocol="grpc")))
    assert [each["protocol"] for each in conformance_record(both)["runs"]] == [
        "http/protobuf",
        "grpc",
    ]


def test_json_tells_why_a_row_is_not_judged() -> None:
    (record,) = conformance_record(Conformance(runs=(run(("OTLP-GRPC-023", "failed", "x")),)))[
        "runs"
    ]
    (result,) = record["results"]
    assert (result["verdict"], result["marks"]) == ("skip", ["since 1.11"])


@pytest.mark.parametrize(
    ("is_strict", "failures"),
    [pytest.param(False, ["1", "0"], id="lenient"), pytest.param(True, ["2", "1"], id="strict")],
)
def test_junit_counts_what_fails_the_run(*, is_strict: bool, failures: list[str]) -> None:
    whole = Conformance(runs=(run(*ALL, is_strict=is_strict),))
    root = ET.fromstring(conformance_junit(whole))  # noqa: S314 -- our own
    suites = list(root)
    assert [suite.get("failures") for suite in suites] == failures
    assert [suite.get("skipped") for suite in suites] == ["2", "0"]
    assert [suite.get("tests") for suite in suites] == ["5", "1"]
    failure = suites[0].find(".//failure")
    assert failure is not None
    assert failure.get("type") == "OTLP-HTTP-007"
    assert "content-type: text/plain" in (failure.text or "")
    if not is_strict:
        assert suites[0].findall(".//system-out")[0].text == (
            "warning: no second request\n"
            f"read: {ONE.runs[0].results[1].source}\n"
            "run again: otlptest conform exporter --case some/case -- python emit.py"
        )


def test_junit_survives_characters_that_xml_does_not_have() -> None:
    odd = run(("OTLP-HTTP-007", "failed", "a\x00b\x1b￾c😀"))
    root = ET.fromstring(conformance_junit(Conformance(runs=(odd,))))  # noqa: S314 -- our own
    failure = root.find(".//failure")
    assert failure is not None
    assert (failure.text or "").startswith("a�b��c😀")


def test_markdown_has_a_summary_the_failures_and_all_results() -> None:
    text = conformance_markdown(ONE)
    assert "| python emit.py | http/protobuf | 1 | 1 | 2 | 1 | 1 |" in text
    assert "### fail: [OTLP-HTTP-007](https://" in text
    assert "### Results" in text
    assert "### Robustness" in text
    assert "Run again:\n\n```text\notlptest conform" in text


def test_markdown_stays_in_its_cells_and_fences() -> None:
    odd = replace(run(("OTLP-HTTP-007", "failed", "```\nend")), subject="a|b\nc")
    text = conformance_markdown(Conformance(runs=(odd,)))
    assert "| a\\|b c | http/protobuf |" in text
    assert "````text\n```\nend\n````" in text


@pytest.mark.parametrize(
    ("event", "line"),
    [
        pytest.param(
            SuiteStarted(subject="x", protocol="grpc", cases=3, expected_s=1.0),
            "x over grpc: 3 cases, about 1 s",
            id="suite",
        ),
        pytest.param(
            SuiteStarted(subject="x", protocol="grpc", cases=1, expected_s=150.0),
            "x over grpc: 1 case, about 2 minutes",
            id="long suite",
        ),
        pytest.param(CaseStarted(case="a/b", title="t"), "", id="start"),
        pytest.param(
            CaseFinished(case="a/b", judged=(), elapsed_s=1.0, finished=1, cases=2),
            "[1/2] a/b: nothing observed, 1.0 s",
            id="nothing",
        ),
        pytest.param(
            CaseFinished(
                case="a/b",
                judged=(CheckResult(rule="OTLP-HTTP-001", outcome="passed", received="x"),),
                elapsed_s=1.0,
                finished=1,
                cases=2,
            ),
            "[1/2] a/b: ok, 1.0 s",
            id="passed",
        ),
        pytest.param(
            CaseFinished(
                case="a/b",
                judged=(CheckResult(rule="OTLP-HTTP-001", outcome="failed", received="x"),),
                elapsed_s=1.0,
                finished=2,
                cases=2,
            ),
            "[2/2] a/b: 1 not as demanded, 1.0 s",
            id="failed",
        ),
    ],
)
def test_progress_is_a_line_for_each_end(
    event: SuiteStarted | CaseStarted | CaseFinished, line: str
) -> None:
    assert event_line(event) == line


# The table of several subjects.


def test_matrix_puts_subjects_side_by_side() -> None:
    other = replace(run(FINE), subject="go")  # type: ignore[arg-type]
    records = [conformance_record(ONE), conformance_record(Conformance(runs=(other, other)))]
    runs = [each for record in records for each in recorded_runs(record, "x.json")]
    matrix = matrix_of(runs)
    assert matrix.columns == (
        "python emit.py over http/protobuf",
        "go over http/protobuf",
        "go over http/protobuf (2)",
    )
    rows = {row.id: row.verdicts for row in matrix.rows}
    assert rows["OTLP-HTTP-001"] == ("pass", "pass", "pass")
    assert rows["OTLP-HTTP-007"] == ("fail", "", "")
    assert matrix.rows[0].id == "OTLP-HTTP-001"
    record = matrix_record(matrix)
    assert record["summary"]["go over http/protobuf"]["pass"] == 1
    assert record["rows"][0]["verdicts"]["go over http/protobuf (2)"] == "pass"
    text = matrix_text(matrix)
    assert "[3] go over http/protobuf (2)" in text
    assert "OTLP-HTTP-007  MUST          fail" in text
    assert "| OTLP-HTTP-001 Telemetry is sent with POST | MUST | pass | pass | pass |" in (
        matrix_markdown(matrix)
    )


def test_matrix_reads_a_single_run_as_the_first_version_wrote_it() -> None:
    (record,) = conformance_record(ONE)["runs"]
    assert recorded_runs(record, "x.json") == recorded_runs(conformance_record(ONE), "x.json")


def test_interrupted_run_says_so_in_every_report() -> None:
    interrupted = "interrupted: 2 of 3 cases had not ended"
    part = Conformance(runs=(replace(run(*ALL), interrupted=interrupted),))
    assert conformance_record(part)["runs"][0]["interrupted"] == interrupted
    assert f"\n\n{interrupted}\n\n" in conformance_text(part)
    assert f"\n\n**{interrupted}**\n" in conformance_markdown(part)
    assert f'<property name="interrupted" value="{interrupted}" />' in conformance_junit(part)
    assert "interrupted" not in conformance_record(ONE)["runs"][0]


def result(**changes: object) -> dict[str, object]:
    fields = ("id", "level", "verdict", "title", "evidence", "source")
    return {**dict.fromkeys(fields, "x"), "verdict": "pass", **changes}


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        pytest.param([], "x.json: is not an object", id="no object"),
        pytest.param({"runs": 1}, "x.json: runs: is not a list", id="runs"),
        pytest.param({"runs": [1]}, r"x.json: runs\[0\]: is not an object", id="a run"),
        pytest.param({"subject": "a", "protocol": "b"}, "has no 'results'", id="no results"),
        pytest.param(
            {"subject": "a", "protocol": "b", "results": [1]},
            r"results\[0\]: is not an object",
            id="a result",
        ),
        pytest.param(
            {"runs": [{"subject": "a", "protocol": "b", "results": [result(title=1)]}]},
            r"runs\[0\].results\[0\]: has no 'title'",
            id="a field",
        ),
        pytest.param(
            {"subject": "a", "protocol": "b", "results": [result(verdict="maybe")]},
            "has the verdict 'maybe'",
            id="a verdict",
        ),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(record: object, problem: str) -> None:
    with pytest.raises(FileFormatError, match=problem):
        recorded_runs(record, "x.json")
