"""Mistakes in settings: told before the first test, with the place and what to write."""

import pytest

from tests.support.plugin_runs import run_suite

TEST = "def test_it(otlp): pass\n"


@pytest.mark.parametrize(
    ("options", "variables", "message"),
    [
        pytest.param(
            ["--otlp-stop-timeout-s", "soon"],
            {},
            "--otlp-stop-timeout-s: it must be a number of seconds, and is 'soon'",
            id="option",
        ),
        pytest.param(
            ["-o", "otlp_sdk_protocol=gprc"],
            {},
            "otlp_sdk_protocol in the configuration file: unknown protocol 'gprc'",
            id="ini",
        ),
        pytest.param(
            ["-o", "otlp_strict=perhaps"],
            {},
            "invalid truth value 'perhaps'",
            id="ini truth value",
        ),
        pytest.param(
            [],
            {"OTLPTEST_STRICT": "perhaps"},
            "the environment variable OTLPTEST_STRICT: it must be true or false, and is 'perhaps'",
            id="environment",
        ),
        pytest.param(
            [],
            {"OTLPTEST_STOP_TIMEOUT_S": "-1"},
            "the environment variable OTLPTEST_STOP_TIMEOUT_S: "
            "it must be a number of seconds, 0 or more, and is -1.0",
            id="negative",
        ),
    ],
)
def test_mistake_is_told_before_the_first_test(
    options: list[str],
    variables: dict[str, str],
    message: str,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = run_suite(pytester, TEST, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        pytest.param(
            "otlp(strickt=True)",
            "unknown argument of the marker otlp 'strickt'\n  hint: did you mean 'strict'?",
            id="unknown",
        ),
        pytest.param(
            "otlp('OTLP-TRACE-002')",
            "the marker otlp takes names with values, and has 'OTLP-TRACE-002'\n"
            "  hint: write otlp(allow=[…]) or otlp(strict=True)",
            id="without a name",
        ),
        pytest.param(
            "otlp(allow=7)",
            "allow in the marker otlp: it must be a list of rules, and is 7",
            id="no list",
        ),
    ],
)
def test_mistake_in_a_marker_fails_the_test(
    marker: str, message: str, pytester: pytest.Pytester
) -> None:
    result = run_suite(pytester, f"@pytest.mark.{marker}\n{TEST}")
    result.assert_outcomes(errors=1)
    told = "\n".join(line.removeprefix("E").strip(" ") for line in result.outlines)
    assert "\n".join(line.strip() for line in message.splitlines()) in told


def test_options_marker_and_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    told = pytester.runpytest_subprocess("--help", "-p", "no:cacheprovider").stdout.str()
    for option in ("--otlp-strict", "--otlp-allow=RULE", "--otlp-stop-timeout-s=SECONDS"):
        assert option in told
    for key in ("strict", "allow", "stop_timeout_s", "sdk_protocol", "sdk_service"):
        assert f"otlp_{key} (" in told
    markers = pytester.runpytest_subprocess("--markers").stdout.str()
    assert "@pytest.mark.otlp(allow=[…], strict=…" in markers
    fixtures = pytester.runpytest_subprocess("--fixtures").stdout.str()
    for fixture in ("otlp", "otlp_collector", "otlp_collectors", "otlp_process", "otlp_sdk"):
        assert f"\n{fixture}" in fixtures
