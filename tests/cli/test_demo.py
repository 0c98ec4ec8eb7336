"""`otlptest demo`: the good run passes, each planted mistake is caught, nothing is left behind."""

import re
import signal
import sys
from pathlib import Path

import pytest

from otlptest import bundled
from otlptest.cli import demo, pytest_run
from otlptest.cli.demo import FAULTS
from otlptest.cli.pytest_run import Run, run_pytest
from otlptest.errors import MissingPartError
from otlptest.requirements import find_verdict
from tests.support.command_line import PATIENCE_S, otlptest, running

pytestmark = pytest.mark.timeout(90)


def left_processes(folder: Path) -> list[str]:
    """Command lines of processes that work in a folder below `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if folder in (entry / "cwd").resolve().parents:
                found.append((entry / "cmdline").read_text("utf-8"))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_demo_passes_then_catches_the_planted_mistake(tmp_path: Path, fault: str) -> None:
    done = otlptest("demo", "--fault", fault, cwd=tmp_path, TMPDIR=str(tmp_path), COLUMNS="100")
    assert (done.returncode, done.stderr) == (0, "")
    good, broken = done.stdout.split("\n2. The same shop with a mistake")
    assert re.search(r"=+ 4 passed in ", good)
    for part in ("trace ", "POST /checkout", "UPDATE stock", "frontend calls payments"):
        assert part in good
    assert re.search(r"=+ 1 failed in ", broken)
    assert f"otlptest explain {FAULTS[fault].rule}" in broken
    assert bundled.path("fixtures", demo.FIRST_TEST).read_text("utf-8") in broken
    assert list(tmp_path.iterdir()) == []
    if Path("/proc").is_dir():
        assert left_processes(tmp_path) == []


def test_the_demo_runs_in_40_columns_of_cp1252(tmp_path: Path) -> None:
    done = otlptest("demo", cwd=tmp_path, COLUMNS="40", PYTHONIOENCODING="cp1252", NO_COLOR="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    with running(["demo"], TMPDIR=str(tmp_path)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("collected 4 items"):
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
    if Path("/proc").is_dir():
        assert left_processes(tmp_path) == []


def test_without_the_sdk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "has_sdk", lambda: False)
    with pytest.raises(MissingPartError) as caught:
        demo.command.main([], standalone_mode=False)
    assert str(caught.value) == (
        "the demo needs the OpenTelemetry SDK with its exporters, which is not installed\n"
        '  hint: pip install "otlptest[sdk]"'
    )


GOOD = Run(exit_code=0, failures={})
CAUGHT = {
    name: Run(exit_code=1, failures={fault.test: f"E {fault.rule}: x"})
    for name, fault in FAULTS.items()
}


@pytest.mark.parametrize(
    ("good", "broken", "code"),
    [
        pytest.param(GOOD, CAUGHT["lost_context"], 0, id="as-it-should-be"),
        pytest.param(CAUGHT["lost_context"], CAUGHT["lost_context"], 1, id="good-run-fails"),
        pytest.param(GOOD, GOOD, 1, id="fault-not-noticed"),
        pytest.param(
            GOOD,
            Run(exit_code=1, failures={"test_other": "tree_mismatch"}),
            1,
            id="another-test-failed",
        ),
        pytest.param(
            GOOD,
            Run(exit_code=1, failures=dict.fromkeys(CAUGHT["lost_context"].failures, "E x")),
            1,
            id="failed-for-another-reason",
        ),
        pytest.param(
            GOOD,
            Run(exit_code=2, failures=CAUGHT["lost_context"].failures),
            1,
            id="interrupted",
        ),
    ],
)
def test_the_demo_succeeds_only_if_the_fault_is_caught_by_its_test(
    good: Run, broken: Run, code: int
) -> None:
    assert demo._verdict(FAULTS["lost_context"], good, broken) == code


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_a_fault_expects_exists(fault: demo.Fault) -> None:
    tests = bundled.path("fixtures", "demo/test_shop.py").read_text("utf-8")
    assert f"def {fault.test}(" in tests
    assert find_verdict(fault.rule).name == fault.rule


COLOURS: dict[str, tuple[dict[str, str], bool]] = {
    "a pipe": ({}, False),
    "NO_COLOR": ({"NO_COLOR": "1"}, False),
    "FORCE_COLOR": ({"FORCE_COLOR": "1"}, True),
    "FORCE_COLOR on a dumb terminal": ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    "both": ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    "PY_COLORS over NO_COLOR": ({"NO_COLOR": "1", "PY_COLORS": "1"}, True),
    "PY_COLORS=0 over FORCE_COLOR": ({"FORCE_COLOR": "1", "PY_COLORS": "0"}, False),
    "--color over all": ({"PYTEST_ADDOPTS": "-q --color=yes", "PY_COLORS": "0"}, True),
    "the last --color": ({"PYTEST_ADDOPTS": "--color yes --color no"}, False),
    "--color=auto": ({"PYTEST_ADDOPTS": "--color=auto", "FORCE_COLOR": "1"}, True),
}


@pytest.mark.parametrize(("variables", "is_coloured"), COLOURS.values(), ids=COLOURS.keys())
def test_a_run_tells_what_failed_whatever_its_colours(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    *,
    is_coloured: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_right(): pass\n"
        "def test_wrong(): assert 'tree' == 'mismatch'\n"
        "@pytest.fixture\n"
        "def broken(): raise OSError('no_fixture')\n"
        "def test_error(broken): pass\n",
        "utf-8",
    )
    run = run_pytest(tmp_path, ["-rfE"])
    output = capsys.readouterr().out
    assert ("\x1b[31m" in output) == is_coloured
    assert "junit" not in output
    assert (run.exit_code, set(run.failures)) == (1, {"test_wrong", "test_error"})
    assert "assert 'tree' == 'mismatch'" in run.failures["test_wrong"]
    assert "OSError: no_fixture" in run.failures["test_error"]
    assert "\x1b" not in "".join(run.failures.values())


def test_a_run_keeps_foreign_settings_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--nonsense")
    monkeypatch.setenv("SHOP_FAULT", "lost_context")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "test_it.py").write_text(
        "import os\n"
        "def test_right(): assert 'SHOP_FAULT' not in os.environ\n"
        "def test_wrong(): assert os.environ['MORE'] == 'ü'\n",
        "utf-8",
    )
    run = run_pytest(tmp_path, ["-rf"], MORE="x")
    assert (run.exit_code, set(run.failures)) == (1, {"test_wrong"})
    assert "AssertionError: assert 'x' == 'ü'" in run.failures["test_wrong"]
    assert "1 failed, 1 passed" in capsys.readouterr().out


def test_a_run_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest_run, "_PATIENCE_S", 1.5)
    monkeypatch.setattr(pytest_run, "_GRACE_S", 1.0)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "test_it.py").write_text(
        "import signal, threading\n"
        "def test_deaf():\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    threading.Event().wait(60)\n",
        "utf-8",
    )
    run = run_pytest(tmp_path, [])
    assert run.exit_code < 0
    assert run.failures == {}


def test_the_first_test_can_be_copied_and_is_never_overwritten(tmp_path: Path) -> None:
    done = otlptest("demo", "--copy", "new/folder", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "new/folder/test_shop.py\nnew/folder/shop.py\n"
    for name in ("test_shop.py", "shop.py"):
        shipped = bundled.path("fixtures", f"first_test/{name}")
        assert (tmp_path / "new/folder" / name).read_bytes() == shipped.read_bytes()
    (tmp_path / "test_shop.py").write_text("mine", "utf-8")
    again = otlptest("demo", "--copy", ".", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == ("error: test_shop.py is there already\nhint: --copy another folder\n")
    assert (tmp_path / "test_shop.py").read_text("utf-8") == "mine"
    assert not (tmp_path / "shop.py").exists()


def test_what_the_demo_says_to_type_is_short_and_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert demo._typed("pytest") == "pytest"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [".venv/bin/otlptest", "demo"])
    assert demo._typed("otlptest") == ".venv/bin/otlptest"
    assert demo._typed("pytest") == ".venv/bin/pytest"
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert demo._short(tmp_path / "work/a/b.py") == "a/b.py"
    assert demo._short(tmp_path / "lib/b.py") == "~/lib/b.py"
    assert demo._short(Path("/lib/b.py")) == "/lib/b.py"
