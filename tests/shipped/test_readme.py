"""What the README shows is what ships, and it works."""

import re
import shutil
from pathlib import Path

import pytest

from otlptest import bundled
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


@pytest.mark.slow
def test_the_first_test_passes_on_the_shop_in_python(pytester: pytest.Pytester) -> None:
    for name in ("test_shop.py", "shop.py"):
        shutil.copy(bundled.path("fixtures", f"first_test/{name}"), pytester.path)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.slow
@pytest.mark.needs_node
def test_the_first_test_passes_on_the_shop_in_node(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(bundled.path("fixtures", "first_test/shop.js"), pytester.path)
    test = bundled.path("fixtures", "first_test/test_shop.py").read_text("utf-8")
    pytester.makepyfile(test.replace('sys.executable, "shop.py"', '"node", "shop.js"'))
    monkeypatch.setenv("NODE_PATH", str(require_peer("node").parent / "node_modules"))
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.slow
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
