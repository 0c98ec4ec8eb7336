"""Every command in a real terminal: its exit code, nothing too wide, colour only where wanted."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otlptest import FakeCollector
from otlptest.cli import demo
from otlptest.cli.application import COMMANDS
from tests.support import conformed
from tests.support.command_line import PROGRAM, otlptest
from tests.support.plugin_runs import SENDER
from tests.support.pseudo_terminal import Screen, run_in_terminal

pytestmark = pytest.mark.timeout(300)

WAYS: tuple[tuple[int, dict[str, str]], ...] = (
    (60, {"NO_COLOR": "1"}),
    (80, {}),
    (200, {"FORCE_COLOR": "1"}),
)
"""Widths and colour settings; that they do not depend on each other, the demo's table shows."""

UNWRAPPED = re.compile(r"https?://|^ +otlptest |builtin:")
"""Lines for copying (commands, addresses, links) are never broken."""

RESULTS = "{results}"
FILE_EXPORTED = str(Path(__file__).parents[1] / "support" / "file_exporter" / "proto_zstd.bin")
RECEIVER = "{receiver}"
ONE_CASE = ("--name", "mine", "--case", "environment/headers")

# words of the command, its exit code, whether it prints JSON for machines
RUNS: dict[str, tuple[tuple[str, ...], int, bool]] = {
    "overview": (("--help",), 0, False),
    "version": (("--version",), 0, False),
    **{f"{name} --help": ((name, "--help"), 0, False) for name in COMMANDS},
    **{
        f"conform {name} --help": (("conform", name, "--help"), 0, False)
        for name in ("exporter", "receiver", "matrix")
    },
    "conform exporter --list": (("conform", "exporter", "--list"), 0, False),
    "conform receiver --list": (("conform", "receiver", "--list"), 0, False),
    "conform exporter": (
        ("conform", "exporter", *ONE_CASE, "--", *map(str, conformed.COMMAND)),
        0,
        False,
    ),
    "conform matrix": (("conform", "matrix", RESULTS), 0, False),
    "doctor": (("doctor",), 0, False),
    "explain a requirement": (("explain", "OTLP-TRACE-002"), 0, False),
    "explain a verdict": (("explain", "no_matching_span"), 0, False),
    "explain --list": (("explain", "--list"), 0, False),
    "schema": (("schema", "fault-plan"), 0, True),
    "send": (("send", "builtin:payloads/traces/checkout.json", "--to", RECEIVER), 0, False),
    "serve": (("serve", "--grpc-port=0", "--http-port=0", "--duration=0.1"), 0, False),
    "serve to pages": (
        ("serve", "--grpc-port=0", "--http-port=0", "--duration=0.1", "--cors-origin=*"),
        0,
        False,
    ),
    "show traces": (("show", "builtin:payloads/traces/checkout.json"), 0, False),
    "show metrics": (("show", "builtin:payloads/metrics/every_type.json"), 0, False),
    "show logs": (("show", "builtin:payloads/logs/events.json"), 0, False),
    "show what the Collector wrote": (("show", FILE_EXPORTED), 0, False),
    "show profiles": (("show", "builtin:payloads/profiles/cpu.json"), 0, False),
    "show as JSON": (
        ("show", "builtin:payloads/traces/checkout.json", "--format=json"),
        0,
        True,
    ),
    "a wrong option": (("serve", "--nonsense"), 2, False),
    "a missing file": (("show", "nothing.json"), 2, False),
}


def judged(screen: Screen, exit_code: int, *, is_json: bool) -> None:
    """Hold what is true of every command in every terminal."""
    assert screen.exit_code == exit_code, screen.text
    assert "Traceback" not in screen.text
    if is_json:
        assert json.loads(screen.output)
    else:
        assert [line for line in screen.too_wide() if not UNWRAPPED.search(line)] == []


@pytest.fixture(scope="module")
def receiver() -> Iterator[FakeCollector]:
    with FakeCollector() as collector:
        yield collector


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("results") / "mine.json"
    done = otlptest(
        "conform", "exporter", *ONE_CASE, f"--report=json={file}", "--", *conformed.COMMAND
    )
    assert done.returncode == 0, done.stderr
    return file


@pytest.mark.parametrize(("words", "exit_code", "is_json"), RUNS.values(), ids=RUNS.keys())
def test_a_command_fits_its_terminal(
    receiver: FakeCollector,
    results: Path,
    words: tuple[str, ...],
    exit_code: int,
    *,
    is_json: bool,
) -> None:
    places = {RESULTS: str(results), RECEIVER: receiver.http_endpoint}
    command = [PROGRAM, *(places.get(word, word) for word in words)]
    for columns, colour in WAYS:
        screen = run_in_terminal(command, columns=columns, variables=colour)
        judged(screen, exit_code, is_json=is_json)
        assert "\x1b" not in screen.output


def test_every_command_is_in_the_table() -> None:
    run = {words[0] for words, _, _ in RUNS.values() if words[1:] != ("--help",)}
    assert set(COMMANDS) - run == {"demo"}  # it has a table of its own, below


# the width, the mistake, what is said of colour, whether there is some
DEMOS: dict[str, tuple[int, str, dict[str, str], bool]] = {
    "nothing said": (80, "lost_context", {}, True),
    "TERM=dumb": (60, "leaked_card", {"TERM": "dumb"}, False),
    "NO_COLOR": (200, "lost_context", {"NO_COLOR": "1"}, False),
    "FORCE_COLOR": (60, "lost_context", {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    "PY_COLORS=0": (80, "leaked_card", {"PY_COLORS": "0"}, False),
    "--color=no": (200, "leaked_card", {"PYTEST_ADDOPTS": "--color=no"}, False),
}


@pytest.mark.parametrize(
    ("columns", "fault", "colour", "is_coloured"), DEMOS.values(), ids=DEMOS.keys()
)
def test_the_demo_passes_in_a_terminal(
    tmp_path: Path, columns: int, fault: str, colour: dict[str, str], *, is_coloured: bool
) -> None:
    screen = run_in_terminal(
        [PROGRAM, "demo", "--fault", fault], columns=columns, variables=colour, cwd=tmp_path
    )
    assert screen.exit_code == 0, screen.text
    assert ("\x1b[" in screen.output) == is_coloured
    assert "Traceback" not in screen.text
    for headline in ("1. Three services", "2. The same shop", "3. How to read", "4. Your turn"):
        assert f"\n{headline}" in screen.text
    assert "4 passed in " in screen.text
    assert "1 failed in " in screen.text
    assert f"explain:  otlptest explain {demo.FAULTS[fault].rule}" in screen.text
    assert "generated xml file" not in screen.text
    assert set(demo_prose(screen.text)) & set(screen.too_wide()) == set()


def demo_prose(text: str) -> list[str]:
    """The lines of the demo itself: not those of pytest, nor of code that it shows."""
    found: list[str] = []
    is_ours = True
    for line in text.splitlines():
        if re.match(r"=+ test session starts =+", line) or line.startswith(("def ", "import ")):
            is_ours = False
        elif re.match(r"(\d\.|Copy it) ", line):
            is_ours = True
        if is_ours:
            found.append(line)
    return found


TREE_TEST = """
from sender import send
from otlptest import tree

def test_tree(otlp):
    send(otlp.http_endpoint, name="POST /checkout")
    child = tree("a name of about forty characters in all")
    otlp.traces.wait_for_tree(tree("POST /checkout", children=[child]), timeout_s=0)

def test_print(otlp):
    send(otlp.http_endpoint, name="POST /checkout")
    print(otlp.traces.one())
    raise KeyError
"""


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_trees_and_waterfalls_use_the_width_of_pytests_terminal(
    tmp_path: Path, columns: int
) -> None:
    (tmp_path / "sender.py").write_text(SENDER, "utf-8")
    (tmp_path / "test_tree.py").write_text(TREE_TEST, "utf-8")
    options = ("--disable-plugin-autoload", "-p", "otlptest.pytest_plugin", "--color=no")
    screen = run_in_terminal(
        [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider"],
        columns=columns,
        cwd=tmp_path,
    )
    assert screen.exit_code == 1, screen.text
    lines = screen.text.splitlines()
    message = [line.removeprefix("E") for line in lines if line.startswith("E   ")]
    heads = [line.split() for line in message]
    assert (["expected", "received"] in heads) == (columns > 60)
    assert (["expected"] in heads) == (columns == 60)
    assert ("forty characters in all'" in "".join(message)) == (columns == 200)
    drawn = [line for line in lines if "━" in line]
    assert [len(line) for line in drawn] == [columns]


def test_a_terminal_shows_what_is_too_wide() -> None:
    lines = r"%s\n\033[31m汉字汉字汉\033[0m\n123456789\n"
    screen = run_in_terminal(["printf", lines, "x" * 11], columns=9)
    assert (screen.exit_code, screen.too_wide()) == (0, ["x" * 11, "汉字汉字汉"])
    assert "\x1b[31m" in screen.output
    assert "\x1b" not in screen.text
