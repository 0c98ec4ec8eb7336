"""However many ways the installed plugin is asked for, it is loaded once."""

from importlib.metadata import entry_points

import pytest

TEST = "def test_it(otlp):\n    assert otlp.spans.count() == 0\n"
ALONE = ("-p", "no:cacheprovider", "-W", "error::pytest.PytestAssertRewriteWarning")

WAYS: dict[str, tuple[tuple[str, ...], str]] = {
    "entry point": ((), ""),
    "entry point by name": (("-p", "otlptest"), ""),
    "-p": (("-p", "otlptest.pytest_plugin"), ""),
    "conftest": ((), 'pytest_plugins = ["otlptest.pytest_plugin"]'),
    "-p and conftest": (
        ("-p", "otlptest.pytest_plugin"),
        'pytest_plugins = ["otlptest.pytest_plugin"]',
    ),
}


@pytest.mark.parametrize("autoload", ["", "1"], ids=["autoload", "no autoload"])
@pytest.mark.parametrize(("options", "conftest"), WAYS.values(), ids=WAYS.keys())
def test_the_plugin_is_loaded_once(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    conftest: str,
    autoload: str,
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", autoload)
    pytester.makeconftest(conftest)
    pytester.makepyfile(TEST)
    result = pytester.runpytest_subprocess(*ALONE, *options)
    if not autoload or options or conftest:
        result.assert_outcomes(passed=1)
    else:
        result.assert_outcomes(errors=1)  # nobody asked for it


def test_it_can_be_turned_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    pytester.runpytest_subprocess(*ALONE, "-p", "no:otlptest").assert_outcomes(errors=1)


def test_the_installed_entry_point_is_the_one_that_loads_by_name() -> None:
    (entry,) = entry_points(group="pytest11", name="otlptest")
    assert entry.value == "otlptest.pytest_plugin.entry_point"
