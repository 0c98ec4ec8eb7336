"""Faults that a test plans: they end with the test, and one that never fired fails it."""

import pytest

from tests.support.plugin_runs import run_suite

PREAMBLE = """
from otlptest import faults
"""


def test_planned_fault_answers_its_test_and_not_the_next(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        PREAMBLE
        + """
def test_first(otlp):
    otlp.reply(faults.unavailable(retry_after_s=0.2), signal="traces")
    assert sender.send(otlp.http_endpoint) == 503

def test_second(otlp):
    assert sender.send(otlp.http_endpoint) == 200
    otlp.spans.wait_for_one(name="work")
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(passed=2)


def test_fault_that_never_fired_fails_in_teardown(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        PREAMBLE
        + """
def test_it(otlp):
    otlp.reply(faults.unavailable(), times=1, signal="logs")
    assert sender.send(otlp.http_endpoint) == 200
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*1 unmet expectation*",
            "*fault_never_fired: faults.unavailable()",
            "*expected: that it acts on requests: logs",
            "*received: no such request while it was planned",
            "*explain: *otlptest explain fault_never_fired",
        ]
    )


def test_fault_that_never_fired_can_be_allowed(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        PREAMBLE
        + """
@pytest.mark.otlp(allow=["fault_never_fired"])
def test_it(otlp):
    otlp.reply(faults.unavailable())
""",
    )
    result.assert_outcomes(passed=1)


def test_fault_of_a_failed_test_is_gone_in_the_next(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        PREAMBLE
        + """
def test_first(otlp):
    otlp.reply(faults.unavailable())
    assert False

def test_second(otlp):
    assert sender.send(otlp.http_endpoint) == 200
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(passed=1, failed=1)


def test_fault_of_a_failed_test_that_never_fired_is_no_second_error(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(
        pytester,
        PREAMBLE
        + """
def test_it(otlp):
    otlp.reply(faults.unavailable())
    assert False
""",
    )
    result.assert_outcomes(failed=1)


def test_fault_on_a_further_collector_is_judged_too(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        PREAMBLE
        + """
def test_it(otlp_collectors):
    first, second = otlp_collectors("a", "b")
    first.reply(faults.unavailable(), signal="traces")
    second.reply(faults.unavailable(), signal="traces")
    assert sender.send(first.http_endpoint) == 503
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 unmet expectation*", "*fault_never_fired*"])


FLUSHED = """
def test_it(otlp, otlp_sdk):
    otlp.reply(FAULT, times=1, signal="traces")
    otlp_sdk.tracer.start_span("work").end()
    otlp.spans.expect_count(COUNT, name="work", after=otlp_sdk.flushed())
"""


@pytest.mark.parametrize(
    ("fault", "count", "outcome"),
    [
        ("faults.unavailable(retry_after_s=0.1)", 1, "passed"),
        ("faults.ack_lost()", 2, "passed"),
        ("faults.status(400)", 0, "failed"),
    ],
    ids=["came-again", "came-twice", "never-came"],
)
def test_flush_is_evidence_if_what_was_refused_came_again(
    pytester: pytest.Pytester, fault: str, count: int, outcome: str
) -> None:
    tests = FLUSHED.replace("FAULT", fault).replace("COUNT", str(count))
    result = run_suite(pytester, PREAMBLE + tests)
    result.assert_outcomes(**{outcome: 1})
    if outcome == "failed":
        result.stdout.fnmatch_lines(["*not_proven*", "*faults.status(400) and did not come again*"])


def test_flush_of_a_program_at_the_end_of_the_test_still_meets_its_faults(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(
        pytester,
        PREAMBLE
        + """
CODE = '''
import os, signal, sender
def flush(*_):
    assert sender.send(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]) == 503
    raise SystemExit(0)
signal.signal(signal.SIGTERM, flush)
print("ready", flush=True)
signal.pause()
'''

def test_it(otlp, otlp_process):
    import sys
    from otlptest import ready
    otlp.reply(faults.unavailable(), times=1, signal="traces")
    otlp_process([sys.executable, "-c", CODE], ready=ready.line("ready"), env={"PYTHONPATH": "."})
""",
    )
    result.assert_outcomes(passed=1)
