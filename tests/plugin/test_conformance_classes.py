"""`exporter_suite` and `receiver_suite`: a maintainer's own suite, one test per case."""

import sys

import pytest

from otlptest import FakeCollector
from otlptest.conformance import Policy, Target, exporter_suite, receiver_suite
from otlptest.conformance.pytest_suites import _tell
from otlptest.conformance.verdicts import result_of
from otlptest.errors import ExpectationError, UnknownNameError, UsageError
from otlptest.results import CheckResult, Outcome
from tests.support.conformed import EXPORTER

EXPORTER_SUITE = f"""
import sys
from otlptest.conformance import exporter_suite

TestExporter = exporter_suite([sys.executable, {str(EXPORTER)!r}], cases=["environment"])
"""
RECEIVER_SUITE = """
from otlptest.conformance import Target, receiver_suite

TestReceiver = receiver_suite(Target(http={url!r}), cases=["exports"], timeout_s=2.0)
"""


def run(pytester: pytest.Pytester, text: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(test_mine=text)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rs", "-v", *options)


def test_a_right_exporter_passes_case_by_case(pytester: pytest.Pytester) -> None:
    strict = ("-W", "error", "--disable-plugin-autoload")  # a plugin of somebody else may warn
    result = run(pytester, EXPORTER_SUITE, *strict)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        ["*test_mine.py::TestExporter::test_conformance?environment/headers? PASSED*"]
    )


def test_a_wrong_exporter_fails_in_its_case_with_its_findings(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "environment/headers")
    result = run(pytester, EXPORTER_SUITE)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*OTLP-CFG-027: case 'environment/headers'",
            "*expected: Values are percent-decoded*MUST*",
            "*received: OTEL_EXPORTER_OTLP_HEADERS=*",
        ]
    )


def test_a_command_that_sends_nothing_skips_every_case_with_the_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "silent")
    result = run(pytester, EXPORTER_SUITE)
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["SKIPPED*the command sent nothing to*"])


def test_a_receiver_passes_and_skips_what_cannot_be_read_back(pytester: pytest.Pytester) -> None:
    with FakeCollector() as collector:
        result = run(pytester, RECEIVER_SUITE.format(url=collector.http_endpoint))
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*OTLP-HTTP-014 skip: *can only be read back*"])


def test_a_receiver_that_is_down_skips_every_case(pytester: pytest.Pytester) -> None:
    result = run(pytester, RECEIVER_SUITE.format(url="http://127.0.0.1:1"))
    result.assert_outcomes(skipped=2)


def test_what_cannot_be_right_is_told_when_the_class_is_made() -> None:
    with pytest.raises(UnknownNameError, match="unknown protocol"):
        exporter_suite([sys.executable], protocol="udp")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="unknown case"):
        exporter_suite([sys.executable], cases=["nope"])
    with pytest.raises(UsageError, match="a command is a list of words"):
        exporter_suite("python emit.py")
    with pytest.raises(UnknownNameError, match="unknown signal"):
        exporter_suite([sys.executable], signals=["spans"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="timeout_s must be"):
        exporter_suite([sys.executable], timeout_s=-1)
    with pytest.raises(UsageError, match=r"given as a Target and not as 'http://127\.0\.0\.1:1'"):
        receiver_suite("http://127.0.0.1:1")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="unknown signal"):
        receiver_suite(Target(http="http://127.0.0.1:1"), signals=["spans"])  # type: ignore[list-item]


def tell(rule: str, outcome: Outcome, *, is_strict: bool) -> None:
    policy = Policy(is_strict=is_strict)
    judged = CheckResult(rule=rule, outcome=outcome, received="seen")
    _tell([result_of(rule, [("a/b", judged)], policy)], policy)


def test_a_warning_warns_and_fails_only_a_strict_suite() -> None:
    with pytest.warns(UserWarning, match="OTLP-RESP-034"):
        tell("OTLP-RESP-034", "failed", is_strict=False)
    with pytest.raises(ExpectationError, match="OTLP-RESP-034"):
        tell("OTLP-RESP-034", "failed", is_strict=True)
