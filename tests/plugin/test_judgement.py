"""What the end of a test makes of what it received: outcomes, messages, waivers."""

import pytest

from tests.support.plugin_runs import run_suite

ZERO_ID = """
def test_it(otlp):
    sender.send(otlp.http_endpoint, span_id="0" * 16)
"""
NO_NAME = """
def test_it(otlp):
    sender.send(otlp.http_endpoint, name="")
"""
SUMMARY = (
    "otlptest: findings that failed no test, in 1 test: OTLP-TRACE-009 (1); "
    "otlptest explain OTLP-TRACE-009 tells more, otlp_strict = true makes data rules fail"
)


def test_good_telemetry_passes_and_prints_nothing(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        """
        def test_it(otlp):
            assert sender.send(otlp.http_endpoint) == 200
            assert otlp.spans.wait_for_one(name="work").service == "shop"

        def test_next_test_sees_nothing_of_it(otlp):
            assert otlp.spans.count() == 0
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*otlptest:*")
    assert result.stderr.str() == ""


def test_zero_span_id_fails_in_teardown(pytester: pytest.Pytester) -> None:
    result = run_suite(pytester, ZERO_ID)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_it*",
            "*1 unmet expectation*",
            "*OTLP-TRACE-004: *",
            "*expected: *",
            "*received: *",
            "*explain: *otlptest explain OTLP-TRACE-004*",
            "*- otlptest: received -*",
            "*shop*",
        ]
    )
    result.stdout.no_fnmatch_line("*raise ExpectationError*")
    result.stdout.no_fnmatch_line("*judging.py*")


def test_json_items_under_an_unknown_key_fail_in_teardown_and_can_be_allowed(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(
        pytester,
        """
        BODY = '{"resource_spans": [{"scope_spans": [{"spans": [{"name": "charge"}]}]}]}'

        def test_it(otlp):
            assert sender.post(otlp.http_endpoint, BODY) == 200

        def test_allowed(otlp):
            otlp.allow("OTLP-JSON-012")
            assert sender.post(otlp.http_endpoint, BODY) == 200

        def test_unknown_scalar(otlp):
            assert sender.post(otlp.http_endpoint, '{"resourceSpans": [], "future": [{}]}') == 200
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_it*",
            "*1 unmet expectation*",
            "*OTLP-JSON-012: *request 1: resource_spans*",
            "*received: *'resource_spans', must be 'resourceSpans'*was not read*",
            "*hint: *write 'resourceSpans'*",
        ]
    )


def test_json_of_another_signal_fails_in_teardown_as_protobuf_does(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(
        pytester,
        """
        def test_it(otlp):
            body = '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"flags": 1}]}]}]}'
            assert sender.post(otlp.http_endpoint, body) == 400
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*received: a request of logs, sent as traces"])


def test_what_cannot_be_decoded_fails_in_teardown(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        """
def test_it(otlp):
    assert sender.post(otlp.http_endpoint, '{"resourceSpans": 7}') == 400
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 unmet expectation*", "*OTLP-*"])


@pytest.mark.parametrize(
    ("tests", "options", "variables"),
    [
        pytest.param(
            ZERO_ID.replace("(otlp):", "(otlp):\n    otlp.allow('OTLP-TRACE-004')"),
            [],
            {},
            id="call",
        ),
        pytest.param(
            f"@pytest.mark.otlp(allow=['OTLP-TRACE-004'])\n{ZERO_ID.lstrip()}", [], {}, id="marker"
        ),
        pytest.param(ZERO_ID, ["--otlp-allow", "OTLP-TRACE-004"], {}, id="option"),
        pytest.param(ZERO_ID, ["-o", "otlp_allow=OTLP-TRACE-004"], {}, id="ini"),
        pytest.param(ZERO_ID, [], {"OTLPTEST_ALLOW": "X-1,OTLP-TRACE-004"}, id="environment"),
    ],
)
def test_allowed_rule_is_waived(
    tests: str,
    options: list[str],
    variables: dict[str, str],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("X-1", "OTLP-TRACE-009"))
    result = run_suite(pytester, tests, *options)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*otlptest:*")


def test_rule_that_does_not_exist_cannot_be_allowed(pytester: pytest.Pytester) -> None:
    result = run_suite(pytester, ZERO_ID, "--otlp-allow", "OTLP-TRACE-OO4")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*UnknownNameError*OTLP-TRACE-OO4*", "*hint: did you mean*"])


def test_failed_test_gets_no_second_error_but_is_told(pytester: pytest.Pytester) -> None:
    result = run_suite(pytester, ZERO_ID + "    assert 1 == 2\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*assert 1 == 2*",
            "*- otlptest: received -*",
            "*shop*",
            "*1 broken rule besides the failure:*",
            "*OTLP-TRACE-004: *",
        ]
    )


def test_test_whose_setup_failed_gets_no_second_error(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        """
@pytest.fixture
def broken(otlp):
    sender.send(otlp.http_endpoint, span_id="0" * 16)
    raise LookupError("no such thing")

def test_it(broken): pass
""",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*LookupError: no such thing*", "*- otlptest: received -*"])


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        pytest.param("    pytest.skip('not here')", "skipped", id="skip"),
        pytest.param("    pytest.xfail('known')", "xfailed", id="xfail"),
    ],
)
def test_skipped_test_is_not_judged(ending: str, outcome: str, pytester: pytest.Pytester) -> None:
    result = run_suite(pytester, f"{ZERO_ID}{ending}\n")
    result.assert_outcomes(**{outcome: 1})


def test_other_broken_rules_are_one_line_at_the_end(pytester: pytest.Pytester) -> None:
    result = run_suite(pytester, NO_NAME)
    result.assert_outcomes(passed=1)
    assert [line for line in result.outlines if "otlptest" in line] == [SUMMARY]


@pytest.mark.parametrize(
    ("tests", "options", "variables"),
    [
        pytest.param(f"@pytest.mark.otlp(strict=True)\n{NO_NAME.lstrip()}", [], {}, id="marker"),
        pytest.param(NO_NAME, ["--otlp-strict"], {}, id="option"),
        pytest.param(NO_NAME, ["-o", "otlp_strict=true"], {}, id="ini"),
        pytest.param(NO_NAME, [], {"OTLPTEST_STRICT": "1"}, id="environment"),
    ],
)
def test_strict_makes_every_broken_rule_fail(
    tests: str,
    options: list[str],
    variables: dict[str, str],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = run_suite(pytester, tests, *options)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*OTLP-TRACE-009: *"])


def test_marker_wins_over_everything_else(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTLPTEST_STRICT", "yes")
    tests = f"@pytest.mark.otlp(strict=False)\n{NO_NAME.lstrip()}"
    run_suite(pytester, tests, "--otlp-strict").assert_outcomes(passed=1)


def test_ini_wins_over_the_environment(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTLPTEST_STRICT", "yes")
    run_suite(pytester, NO_NAME, "-o", "otlp_strict=false").assert_outcomes(passed=1)


def test_further_collectors_are_judged_and_told_by_name(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        """
def test_it(otlp_collectors):
    first, second = otlp_collectors("first", "second")
    sender.send(first.http_endpoint)
    sender.send(second.http_endpoint, span_id="0" * 16)
    assert first.spans.wait_for_one(name="work")
    assert first.grpc_endpoint != second.grpc_endpoint

def test_same_name(otlp_collectors):
    otlp_collectors("same")
    otlp_collectors("same")

def test_no_name(otlp_collectors):
    otlp_collectors()
""",
    )
    result.assert_outcomes(passed=1, errors=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*OTLP-TRACE-004: *",
            "*- otlptest: received by first -*",
            "*- otlptest: received by second -*",
            "*UsageError: there is a collector 'same' in this test already",
            "*UsageError: otlp_collectors() needs names",
        ]
    )


def test_many_broken_rules_are_cut_in_the_report_of_a_failure(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        """
def test_it(otlp):
    sender.post(otlp.http_endpoint, '{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}')
    assert 1 == 2
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["* broken rules besides the failure:", "and * more"])


def test_report_comes_even_if_the_collector_cannot_tell(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        """
from otlptest.errors import ReceiverError

def test_it(otlp, monkeypatch):
    def broken(): raise ReceiverError("the receiver broke")
    monkeypatch.setattr(otlp, "describe", broken)
    assert 1 == 2
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*", "(could not be told: the receiver broke)"])


def test_closest_marker_wins_and_allowed_rules_add_up(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        """
pytestmark = pytest.mark.otlp(strict=True, allow=["OTLP-TRACE-004"])

@pytest.mark.otlp(strict=False)
def test_loose(otlp):
    sender.send(otlp.http_endpoint, name="", span_id="0" * 16)

@pytest.mark.otlp(allow=["OTLP-TRACE-009"])
def test_both_allowed(otlp):
    sender.send(otlp.http_endpoint, name="", span_id="0" * 16)

def test_strict(otlp):
    sender.send(otlp.http_endpoint, name="", span_id="0" * 16)
""",
    )
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_strict*", "*OTLP-TRACE-009: *"])
    result.stdout.no_fnmatch_line("*OTLP-TRACE-004*")


def test_leftover_of_an_earlier_test_is_told_and_fails_nobody(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        """
def test_first(otlp):
    global began
    began = sender.now()

@pytest.mark.otlp(strict=True)
def test_second(otlp):
    sender.send(otlp.http_endpoint, start=began)
    assert otlp.spans.count() == 0
""",
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["otlptest: findings that failed no test, in 1 test: leftover (1); *"]
    )
