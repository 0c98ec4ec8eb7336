"""The result of a check: evidence as data, as text, and as a finding."""

import pytest

from otlptest.results import CheckResult, Finding, failed, inconclusive, passed


@pytest.mark.parametrize(
    ("result", "text"),
    [
        pytest.param(passed("r", "200"), "200", id="received alone"),
        pytest.param(failed("r", "400", expected="200"), "expected: 200; 400", id="expected"),
        pytest.param(
            failed("r", "400", expected="200", exchanges=["0.1 s: a", "0.2 s: b"]),
            "expected: 200; 400\n0.1 s: a\n0.2 s: b",
            id="exchanges",
        ),
        pytest.param(inconclusive("r", "no", exchanges="a\nb"), "no\na\nb", id="a text of lines"),
    ],
)
def test_evidence_as_text(result: CheckResult, text: str) -> None:
    assert result.evidence == text


def test_a_text_of_exchanges_is_its_lines() -> None:
    assert passed("r", "200", exchanges="a\nb").exchanges == ("a", "b")


def test_a_failed_check_becomes_a_finding() -> None:
    result = failed(
        "load_gate", "14 ms", expected="p99 < 10", exchanges=["a"], where="step 3", hint="try"
    )
    assert result.finding(severity="warning") == Finding(
        rule="load_gate",
        where="step 3",
        expected="p99 < 10",
        received="14 ms\na",
        severity="warning",
        hint="try",
    )
