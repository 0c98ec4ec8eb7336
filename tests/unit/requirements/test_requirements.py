"""The catalogue of requirements and verdicts: whole, well formed, read only when asked."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from otlptest.errors import UnknownNameError
from otlptest.requirements import (
    Requirement,
    all_ambiguities,
    all_requirements,
    all_verdicts,
    find,
    find_ambiguity,
    find_verdict,
)

ITEMS = (50, 55, 48, 88, 78, 46, 63, 41, 34, 54, 28, 90)  # of sections 1 to 12
LINK = re.compile(r"https://[\w.-]+\.\w+/\S*")
OWN = "otlptest: what a careful operator expects"


def test_all_675_requirements_are_there_section_by_section() -> None:
    assert Counter(rule.section for rule in all_requirements()) == dict(enumerate(ITEMS, start=1))
    assert len({rule.id for rule in all_requirements()}) == 675


def test_levels_count_as_in_the_source_document() -> None:
    assert Counter(rule.level for rule in all_requirements()) == {
        "MUST": 300,
        "SHOULD": 192,
        "MAY": 29,
        "ROBUSTNESS": 154,
    }
    assert sum(rule.data_model for rule in all_requirements()) == 185


@pytest.mark.parametrize("rule", all_requirements(), ids=lambda rule: rule.id)
def test_requirement_is_well_formed(rule: Requirement) -> None:
    assert re.fullmatch(r"OTLP-[A-Z]+-\d{3}", rule.id)
    assert 10 <= len(rule.title) <= 120
    assert rule.title.count("`") % 2 == 0
    assert rule.text.strip() == rule.text
    assert rule.text
    assert set(rule.binds) <= {"client", "server", "data"}
    assert rule.binds
    assert rule.check
    assert rule.source
    assert all(LINK.fullmatch(link) for link in rule.links)
    assert rule.links or OWN in rule.source
    assert rule.since in {"", "1.11"}
    assert rule.ambiguity in {"", *(question.id for question in all_ambiguities())}


def test_a_requirement_carries_all_its_facts() -> None:
    rule = find("OTLP-LOG-009")
    assert (rule.level, rule.data_model, rule.binds) == ("MUST", True, ("data",))
    assert rule.ambiguity == "AMBIG-2"
    assert "logs.proto" in rule.source
    assert rule.section_title == "Data model: logs and events"


def test_marks_for_version_and_development_are_kept() -> None:
    assert find("OTLP-GRPC-014").since == "1.11"
    assert find("OTLP-TRACE-028").development
    assert all(rule.development for rule in all_requirements() if rule.section == 9)


def test_unknown_requirement_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find("OTLP-TRACES-002")
    assert str(caught.value) == (
        "unknown requirement 'OTLP-TRACES-002'\n  hint: did you mean 'OTLP-TRACE-002'?"
    )


def test_twenty_open_questions_have_a_question_and_a_proposal() -> None:
    assert [question.id for question in all_ambiguities()] == [f"AMBIG-{n}" for n in range(1, 21)]
    assert all(question.question and question.proposal for question in all_ambiguities())


def test_open_question_is_found_by_its_mark() -> None:
    assert find_ambiguity("AMBIG-2").question.startswith("`observed_time_unix_nano`")


def test_unknown_open_question_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown open question 'AMBIG-99'"):
        find_ambiguity("AMBIG-99")


def test_every_verdict_says_what_it_means_and_what_to_try() -> None:
    names = [verdict.name for verdict in all_verdicts()]
    assert len(names) == len(set(names))
    for verdict in all_verdicts():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", verdict.name)
        assert verdict.title
        assert verdict.text.strip()
        assert verdict.to_try


def test_unknown_verdict_names_the_nearest() -> None:
    assert find_verdict("no_matching_span").title == "No span fits all criteria"
    with pytest.raises(UnknownNameError) as caught:
        find_verdict("no_matching_spam")
    assert str(caught.value) == (
        "unknown verdict 'no_matching_spam'\n  hint: did you mean 'no_matching_span'?"
    )


def test_importing_the_catalogue_reads_no_file() -> None:
    code = (
        "import sys, otlptest.requirements as r\n"
        "from otlptest.requirements import catalogue, finding_names\n"
        "print(catalogue.all_requirements.cache_info().currsize)\n"
        "print(finding_names.all_verdicts.cache_info().currsize)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0"]
