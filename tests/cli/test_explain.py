"""`otlptest explain`: every rule that a finding can name is told, typos get the nearest."""

import itertools
import json

import pytest

from otlptest.requirements import all_ambiguities, all_requirements, all_verdicts
from tests.support.command_line import otlptest


@pytest.mark.parametrize(
    "spelling", ["OTLP-TRACE-002", "otlp-trace-002", "trace-2", "OTLP-TRACE-02"], ids=str
)
def test_a_requirement_is_told_whatever_way_it_is_spelt(spelling: str) -> None:
    done = otlptest("explain", spelling)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("OTLP-TRACE-002: `trace_id` not all zero\n")
    for part in ("level:\n  MUST", "binds:\n  the payload", "check:\n  needs the wire", "https://"):
        assert part in done.stdout


def test_an_open_question_stands_with_the_requirement_that_depends_on_it() -> None:
    rule = next(rule for rule in all_requirements() if rule.ambiguity)
    told = otlptest("explain", rule.id).stdout
    assert "open question:" in told
    assert rule.ambiguity in told
    record = json.loads(otlptest("explain", rule.id, "--format", "json").stdout)
    assert record["ambiguity"]["rule"] == rule.ambiguity


def test_a_verdict_is_told_with_what_to_try() -> None:
    done = otlptest("explain", "no_matching_span")
    assert done.returncode == 0
    assert "what to try:\n  - " in done.stdout


def test_an_open_question_can_be_asked_for_itself() -> None:
    done = otlptest("explain", "ambig-2")
    assert done.stdout.startswith("AMBIG-2: an open question in the sources\n")
    assert json.loads(otlptest("explain", "ambig-2", "--format", "json").stdout)["proposal"]


def test_json_has_the_facts_of_a_requirement() -> None:
    record = json.loads(otlptest("explain", "OTLP-TRACE-002", "--format", "json").stdout)
    assert record["kind"] == "requirement"
    assert (record["rule"], record["level"], record["binds"]) == (
        "OTLP-TRACE-002",
        "MUST",
        ["data"],
    )


@pytest.mark.parametrize(
    ("typo", "nearest"),
    [("no_maching_span", "no_matching_span"), ("OTLP-TRASE-002", "OTLP-TRACE-002")],
    ids=["verdict", "requirement"],
)
def test_a_typo_gets_the_nearest_name(typo: str, nearest: str) -> None:
    done = otlptest("explain", typo)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: unknown rule {typo!r}\nhint: did you mean {nearest!r}?\n"


def test_a_name_like_no_other_is_sent_to_the_list() -> None:
    done = otlptest("explain", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: unknown rule 'nonsense'\nhint: otlptest explain --list shows all rules\n"
    )


def test_a_text_fills_its_lines_however_its_file_breaks_them() -> None:
    lines = otlptest("explain", "leftover", COLUMNS="60").stdout.splitlines()
    begin = lines.index("what it means:") + 1
    paragraph = lines[begin : lines.index("", begin)]
    assert len(paragraph) > 3
    for line, following in itertools.pairwise(paragraph):
        assert len(f"{line} {following.split()[0]}") > 60  # the next word had no room


def test_the_list_has_every_rule_once() -> None:
    wanted = [rule.id for rule in all_requirements()]
    wanted += [verdict.name for verdict in all_verdicts()]
    wanted += [question.id for question in all_ambiguities()]
    text = otlptest("explain", "--list", COLUMNS="60").stdout.splitlines()
    assert [line.split()[0] for line in text] == wanted
    assert max(map(len, text)) <= 60
    records = json.loads(otlptest("explain", "--list", "--format", "json").stdout)
    assert [record["rule"] for record in records] == wanted


@pytest.mark.parametrize("arguments", [[], ["--list", "AMBIG-1"]], ids=["neither", "both"])
def test_one_of_rule_and_list_is_needed(arguments: list[str]) -> None:
    done = otlptest("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: give one RULE, or --list\n")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"], ids=str)
def test_every_rule_can_be_told_in_40_columns_of_any_encoding(encoding: str) -> None:
    listed = otlptest("explain", "--list", COLUMNS="40", PYTHONIOENCODING=encoding)
    assert listed.returncode == 0
    told = otlptest("explain", "OTLP-LOG-001", COLUMNS="40", PYTHONIOENCODING=encoding)
    lines = [line for line in told.stdout.splitlines() if "https://" not in line]
    assert max(map(len, lines)) <= 40
