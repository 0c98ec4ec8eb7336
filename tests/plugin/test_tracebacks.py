"""A failing test shows its own line and the message, and none of otlptest's files."""

import re

import pytest

from tests.support.plugin_runs import run_suite

HEAD = """
import sys
from otlptest import FakeCollector, ROOT, match, ready, tree
from otlptest.errors import UsageError

@pytest.fixture
def running(otlp_process):
    code = "import signal; print('up', flush=True); signal.pause()"
    return otlp_process([sys.executable, "-S", "-c", code], name="shop", ready=ready.line("up"))
"""
MISTAKES: dict[str, tuple[str, str]] = {
    "criterion": ('otlp.spans.where(nam="x")', "UnknownNameError: unknown criterion of spans"),
    "criterion of an ending": ("otlp.logs.all(bod=1)", "UnknownNameError: unknown criterion"),
    "value": ("otlp.spans.all(kind='client')", "UsageError: kind must be a SpanKind"),
    "value of a part": ("otlp.spans.all(events=[{'nme': 1}])", "unknown part of an event 'nme'"),
    "object in a matcher": ("otlp.spans.all(parent=match.any_of(ROOT))", "ROOT inside a matcher"),
    "truth value": ("bool(otlp.spans)", "UsageError: a query of spans has no truth value"),
    "count": ("otlp.spans.wait_for(0)", "UsageError: count must be a whole number"),
    "timeout": ("otlp.spans.wait_for_one(timeout_s=-1)", "UsageError: "),
    "no evidence": ("otlp.spans.expect_none(name='x')", "needs after="),
    "no such matcher": ("match.contain('x')", "unknown matcher 'contain'"),
    "regex": ("match.regex('(')", "UsageError: "),
    "tree": ("tree('a', times=0)", "UsageError: times must be 1 or more"),
    "tree that is none": ("otlp.traces.wait_for_tree('a')", "UsageError: a tree is expected"),
    "edges": ("otlp.traces.wait_for_edges('ab')", "UsageError: edges must be pairs"),
    "total": ("otlp.metrics.wait_for_total('a', '3')", "UsageError: a total must be a number"),
    "protocol": ("otlp.environ('htp')", "unknown protocol 'htp'"),
    "rule": ("otlp.allow('OTLP-TRACE-OO2')", "OTLP-TRACE-OO2"),
    "running process": ("otlp.exited(running)", "hint: call its wait() or stop() first"),
    "path": ("running.get('health')", "UsageError: "),
    "wait": ("running.wait(timeout_s=0.01)", "ProcessError: shop still runs after 0.01 s"),
    "command as text": ("otlp_process('node shop.js')", "UsageError: a command is a list of words"),
    "no such command": ("otlp_process(['nosuchbin'])", "there is no command 'nosuchbin'"),
    "no such folder": ("otlp_process(['true'], cwd='x/y')", "UsageError: true cannot start in"),
    "never ready": (
        "otlp_process(['sleep', '9'], ready=ready.port(timeout_s=0.05))",
        "ProcessError: sleep 9 was not ready within 0.05 s",
    ),
    "dead at the start": (
        "otlp_process(['false'], ready=ready.http('/'))",
        "ProcessError: false exited with code 1 before it was ready",
    ),
    "unmet expectation": ("otlp.spans.one(name='x')", "ExpectationError: 1 unmet expectation"),
}


def suite_of(mistakes: dict[str, tuple[str, str]]) -> str:
    return HEAD + "".join(
        f"\ndef test_{number}(otlp, otlp_process{', running' * ('running' in call)}):\n    {call}\n"
        for number, (call, _) in enumerate(mistakes.values())
    )


def failures(output: str, count: int) -> list[str]:
    """What was printed of each failed test."""
    parts = re.split(r"^_+ test_\d+ _+$", output, flags=re.MULTILINE)
    assert len(parts) == count + 1, output
    return parts[1:]


def test_a_mistake_of_a_test_shows_its_line_and_nothing_of_ours(pytester: pytest.Pytester) -> None:
    result = run_suite(pytester, suite_of(MISTAKES))
    result.assert_outcomes(failed=len(MISTAKES))
    for (call, message), shown in zip(
        MISTAKES.values(), failures(result.stdout.str(), len(MISTAKES)), strict=True
    ):
        before_sections = shown.partition("otlptest: received")[0]
        assert f">       {call}" in before_sections or f">   {call}" in before_sections, shown
        assert message in before_sections, shown
        assert not re.search(r"otlptest/\w+.*\.py|lib/python", before_sections), shown
        assert len(before_sections.splitlines()) < 25, shown


OTHERS = """
from otlptest import FakeCollector

def helper(query):
    return query.where(nam="x")

def test_helper(otlp):
    helper(otlp.spans)

def test_cause(otlp):
    def send(headers):
        raise LookupError("no such shop")
    otlp.fence(send)

def test_bug_of_the_test(otlp):
    otlp.spans.all(lambda span: span.nonsense)
    raise KeyError("mine")

def test_without_a_fixture():
    with FakeCollector() as collector:
        collector.spans.where(nam="x")
"""


def test_frames_of_the_test_itself_stay(pytester: pytest.Pytester) -> None:
    output = run_suite(pytester, OTHERS).stdout.str()
    assert 'return query.where(nam="x")' in output
    assert "helper(otlp.spans)" in output
    assert 'raise LookupError("no such shop")' in output
    assert 'raise KeyError("mine")' in output
    assert 'collector.spans.where(nam="x")' in output
    assert "otlptest/queries" not in output


def test_a_bug_of_otlptest_keeps_its_frames(pytester: pytest.Pytester) -> None:
    tests = """
from otlptest.queries.query_run import QueryRun

def test_it(otlp, monkeypatch):
    monkeypatch.setattr(QueryRun, "fetch_all", lambda *_: 1 / 0)
    otlp.spans.all()
"""
    output = run_suite(pytester, tests, "--tb=native").stdout.str()
    assert "otlptest/queries/query.py" in output


def test_full_trace_shows_everything(pytester: pytest.Pytester) -> None:
    tests = "def test_it(otlp):\n    otlp.spans.where(nam='x')\n"
    assert "otlptest/queries" in run_suite(pytester, tests, "--full-trace").stdout.str()
