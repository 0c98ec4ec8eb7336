"""What the README shows is what ships, and it works."""

import inspect
import re
import shutil
from pathlib import Path

import pytest

from otlptest import FakeCollector, bundled, faults
from otlptest.processes import Program
from otlptest.pytest_plugin.in_process_sdk import InProcessSdk
from tests.support.peers import require_peer

REPO = Path(__file__).resolve().parents[2]
README = (REPO / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["test_shop.py", "shop.py"])
def test_the_readme_shows_the_shipped_files_to_the_letter(name: str) -> None:
    shipped = bundled.path("fixtures", f"first_test/{name}").read_text("utf-8")
    assert f"```python\n{shipped}```" in README


def test_links_in_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (REPO / target).exists(), target


def test_the_first_test_passes_on_the_shop_in_python(pytester: pytest.Pytester) -> None:
    for name in ("test_shop.py", "shop.py"):
        shutil.copy(bundled.path("fixtures", f"first_test/{name}"), pytester.path)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.needs_node
def test_the_first_test_passes_on_the_shop_in_node(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(bundled.path("fixtures", "first_test/shop.js"), pytester.path)
    test = bundled.path("fixtures", "first_test/test_shop.py").read_text("utf-8")
    pytester.makepyfile(test.replace('sys.executable, "shop.py"', '"node", "shop.js"'))
    monkeypatch.setenv("NODE_PATH", str(require_peer("node").parent / "node_modules"))
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


LAST_SPAN = """
import sys
from otlptest import ready

def test_last_span(otlp, otlp_process):
    shop = otlp_process(
        COMMAND, ready=ready.http("/health"), env={"OTEL_BSP_SCHEDULE_DELAY": "600000"}
    )
    shop.post("/checkout")
    assert shop.stop() == 0
    otlp.spans.expect_count(1, name="POST /checkout", after=otlp.exited(shop))
"""


def test_the_shop_in_python_flushes_when_it_is_stopped(pytester: pytest.Pytester) -> None:
    shutil.copy(bundled.path("fixtures", "first_test/shop.py"), pytester.path)
    pytester.makepyfile(LAST_SPAN.replace("COMMAND", '[sys.executable, "shop.py"]'))
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.needs_node
def test_the_shop_in_node_flushes_when_it_is_stopped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(bundled.path("fixtures", "first_test/shop.js"), pytester.path)
    pytester.makepyfile(LAST_SPAN.replace("COMMAND", '["node", "shop.js"]'))
    monkeypatch.setenv("NODE_PATH", str(require_peer("node").parent / "node_modules"))
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_session_long_service_of_the_readme_works(pytester: pytest.Pytester) -> None:
    shutil.copy(bundled.path("fixtures", "first_test/shop.py"), pytester.path)
    shown = README.partition("<!-- file: conftest.py -->\n```python\n")[2].partition("```")[0]
    pytester.makeconftest(shown)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(otlp, shop, number):
            shop.post(f"/checkout/{number}")
            assert otlp.spans.wait_for_one(service="shop").name == f"POST /checkout/{number}"
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


@pytest.mark.parametrize("name", ["test_faults.py", "test_proxy.py"])
def test_the_faults_of_the_readme_are_survived(pytester: pytest.Pytester, name: str) -> None:
    shutil.copy(bundled.path("fixtures", "first_test/shop.py"), pytester.path)
    shown = README.partition(f"<!-- file: {name} -->\n```python\n")[2].partition("```")[0]
    pytester.makepyfile(shown)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_strategies_of_the_readme_work(pytester: pytest.Pytester) -> None:
    shown = README.partition("<!-- file: test_fuzzing.py -->\n```python\n")[2].partition("```")[0]
    pytester.makeconftest(
        """
        from hypothesis import HealthCheck, settings

        settings.register_profile(
            "slow", max_examples=10, deadline=None, suppress_health_check=list(HealthCheck)
        )
        settings.load_profile("slow")
        """
    )
    pytester.makepyfile(shown)
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_the_readme_names_every_fault() -> None:
    section = README.partition("## When things go wrong")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)`", section))
    makers = {name for name in faults.__all__ if name.islower()} - {"ok"}
    assert makers <= named


def test_the_rows_about_absence_work_on_the_shop_of_the_readme(pytester: pytest.Pytester) -> None:
    shutil.copy(bundled.path("fixtures", "first_test/shop.py"), pytester.path)
    none = code_of("proof that something did not come")
    count = code_of("an exact count").replace("3, name", "1, name").replace("retry", "POST /retry")
    pytester.makepyfile(
        f"""
        import sys
        from otlptest import ready

        def test_it(otlp, otlp_process):
            shop = otlp_process([sys.executable, "shop.py"], ready=ready.http("/health"))
            shop.post("/retry")
            {none}
            shop.stop()
            {count}
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def code_of(row: str) -> str:
    """The code of a row of the README's table of what a test can say."""
    (line,) = [line for line in README.splitlines() if line.startswith(f"| {row}")]
    return line.split(" | ", 1)[1].removesuffix(" |").strip("`")


def words_of(row: str) -> list[str]:
    """What a row of the README's table of fixtures names in backticks, without its own."""
    (line,) = [line for line in README.splitlines() if line.startswith(f"| `{row}")]
    return re.findall(r"`([a-z_]+)(?:\(\))?`", line.split(" | ", 1)[1])


@pytest.mark.parametrize(
    ("row", "kind", "least"),
    [
        pytest.param("otlp_sdk`", InProcessSdk, 9, id="otlp_sdk"),
        pytest.param("otlp_process(", Program, 8, id="otlp_process"),
        pytest.param("otlp_collector`", FakeCollector, 1, id="otlp_collector"),
    ],
)
def test_what_the_table_of_fixtures_names_exists(row: str, kind: type, least: int) -> None:
    words = words_of(row)
    assert len(words) >= least
    source = inspect.getsource(kind)
    assert [
        word for word in words if not hasattr(kind, word) and f"self.{word}" not in source
    ] == []


def test_the_message_of_a_wrong_status_is_the_readmes(pytester: pytest.Pytester) -> None:
    shop = bundled.path("fixtures", "first_test/shop.py").read_text("utf-8")
    pytester.path.joinpath("shop.py").write_text(
        shop.replace('status_code", 200', 'status_code", 500'), "utf-8"
    )
    test = bundled.path("fixtures", "first_test/test_shop.py").read_text("utf-8")
    pytester.makepyfile(
        test.replace(
            'service="shop")',
            'service="shop", attributes={"http.response.status_code": 200}, timeout_s=1)',
        )
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    shown = README.partition("\n1 unmet expectation\n")[2].partition("\n```")[0].splitlines()
    told = [re.sub(r"^E +", "", line) for line in result.outlines if line.startswith("E ")]
    begin = next(at for at, line in enumerate(told) if line.startswith("no_matching_span"))
    assert list(map(without_what_varies, told[begin:][: len(shown)])) == list(
        map(without_what_varies, shown)
    )


def without_what_varies(line: str) -> str:
    """A line of the message without indent, span id and time."""
    return re.sub(r"[0-9a-f]{16}|\d\.\d s", "…", line.strip())
