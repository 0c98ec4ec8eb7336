"""`otlptest demo`: a small shop of real services is tested, then broken, and the failure explained.

The shop, its tests and the planted mistakes are files of `fixtures/demo`; this module only runs
them, with the pytest and the Python of the user, in a folder that is gone afterwards.
"""

import ast
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from otlptest import bundled
from otlptest.cli.doctor.machine_checks import has_sdk
from otlptest.cli.exits import Exit
from otlptest.cli.options import NarrowCommand
from otlptest.cli.pytest_run import Run, run_pytest
from otlptest.cli.streams import note, screen_width, write
from otlptest.errors import MissingPartError, UsageError
from otlptest.report import wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A mistake that the shop can make, and how the tests notice it.

    Attributes:
        story: What the service does wrong.
        test: The test that must fail.
        rule: The verdict that its failure must show.
        reading: How to read that failure, one paragraph each.
    """

    story: str
    test: str
    rule: str
    reading: tuple[str, ...]


FAULTS: Final = {
    "lost_context": Fault(
        story="payments no longer reads the `traceparent` header: it starts a trace of its own.",
        test="test_checkout_is_one_trace_through_three_services",
        rule="tree_mismatch",
        reading=(
            "The line with > is the line of your test; otlptest's own code is left out.",
            (
                "Two trees are compared: the one that the test expects, and the trace that came "
                "nearest. The spans of payments are missing: they arrived, but in another trace, "
                "which the hint names."
            ),
            "Why it matters: the charge could not be linked to its order.",
        ),
    ),
    "leaked_card": Fault(
        story="payments writes the whole card number into a span.",
        test="test_card_number_is_never_recorded",
        rule="unexpected_item",
        reading=(
            "The line with > is the line of your test; otlptest's own code is left out.",
            "`received` names the span that should not be there, and the request that brought it.",
            (
                "Absence is only claimed with evidence (`after=`): the fence proved that "
                "everything the three services had done so far was received."
            ),
        ),
    ),
}

FIRST_TEST: Final = "first_test/test_shop.py"
FIRST_SERVICE: Final = "first_test/shop.py"
_TESTS: Final = "demo/test_shop.py"
_CONFIGURATION: Final = "[pytest]\n"


_HELP = """\
Test a small shop of three real services, then break it.

Needs the OpenTelemetry SDK: pip install "otlptest[sdk]". Takes less than 20 seconds and leaves
nothing behind. --copy runs nothing: it copies the first test that the demo shows, and the service
that it tests.

\b
Example:
  otlptest demo
"""


@click.command("demo", cls=NarrowCommand, help=_HELP)
@click.option(
    "--fault",
    "fault_name",
    type=click.Choice(list(FAULTS)),
    default="lost_context",
    show_default=True,
    help="The mistake that the shop makes in the second part.",
)
@click.option(
    "--copy",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Copy the first test and its service there, and do nothing else.",
)
def command(fault_name: str, target: Path | None) -> int:
    """Run the tests of the shop as it is, then with a mistake, and explain the failure.

    Raises:
        MissingPartError: The OpenTelemetry SDK is not installed.
        UsageError: A file to copy is there already.
    """
    if target is not None:
        return _copy_first_test(target)
    if not has_sdk():
        raise MissingPartError(
            "the demo", "the OpenTelemetry SDK with its exporters", 'pip install "otlptest[sdk]"'
        )
    fault = FAULTS[fault_name]
    with _copied_shop() as folder:
        _headline("1. Three services, four tests")
        _say(
            "frontend, stock and payments are real processes with the real OpenTelemetry SDK; "
            "payments exports over gRPC, the others over HTTP. pytest starts them and asks the "
            "fake collector what they reported. One of the tests:"
        )
        write("\n" + _source_of(fault.test))
        good = run_pytest(folder, ["-rP"])
        _headline(f"2. The same shop with a mistake ({fault_name})")
        _say(fault.story)
        broken = run_pytest(folder, [f"test_shop.py::{fault.test}"], SHOP_FAULT=fault_name)
    return _verdict(fault, good, broken)


def _verdict(fault: Fault, good: Run, broken: Run) -> int:
    if good.exit_code != 0:
        note("error: the tests of the unbroken shop failed, see above")
        note("hint: `otlptest doctor` looks for what may be wrong with this machine")
        return Exit.FINDINGS
    if broken.exit_code != 1 or fault.rule not in broken.failures.get(fault.test, ""):
        note("error: the planted mistake was not caught as it should be, see above")
        note("hint: this is a bug in otlptest; please report it with this output")
        return Exit.FINDINGS
    _headline("3. How to read that failure")
    for number, paragraph in enumerate(fault.reading, start=1):
        _say(f"{number}. {paragraph}")
    _say(f"More about the verdict: otlptest explain {fault.rule}")
    _headline("4. Your turn: a first test to copy")
    write(bundled.path("fixtures", FIRST_TEST).read_text("utf-8"))
    _say("Copy it with the service that it tests, and run it:")
    write(f"  {_typed('otlptest')} demo --copy .\n  {_typed('pytest')} {Path(FIRST_TEST).name}")
    _say("Then put your own service in the place of shop.py. The tests of this demo, to read:")
    write(f"  {_short(bundled.path('fixtures', _TESTS))}")
    return Exit.OK


def _copy_first_test(target: Path) -> int:
    """Copy the first test and its service into a folder, made if it is missing.

    Raises:
        UsageError: One of them is there already.
    """
    files = [bundled.path("fixtures", name) for name in (FIRST_TEST, FIRST_SERVICE)]
    for file in files:
        if (target / file.name).exists():
            raise UsageError(f"{target / file.name} is there already", "--copy another folder")
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, target / file.name)
        write(str(target / file.name))
    return Exit.OK


def _source_of(test: str) -> str:
    """Return the code of one of the shop's tests."""
    text = bundled.path("fixtures", _TESTS).read_text("utf-8")
    return next(
        ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == test
    )


def _typed(program: str) -> str:
    """Return the command of a program of this environment; its folder may not be on the PATH."""
    return program if shutil.which("otlptest") else str(Path(sys.argv[0]).with_name(program))


def _short(path: Path) -> str:
    """Return the path relative to here or to home, if it is below."""
    for start, prefix in ((Path.cwd(), Path()), (Path.home(), Path("~"))):
        if path.is_relative_to(start):
            return str(prefix / path.relative_to(start))
    return str(path)


@contextmanager
def _copied_shop() -> Iterator[Path]:
    """Yield a folder with only the shop and its tests, out of reach of any pytest settings."""
    with tempfile.TemporaryDirectory(prefix="otlptest-demo-") as name:
        folder = Path(name)
        for file in bundled.names("fixtures"):
            if file.startswith("demo/") and file.endswith(".py"):
                shutil.copy(bundled.path("fixtures", file), folder)
        (folder / "pytest.ini").write_text(_CONFIGURATION, "utf-8")
        yield folder


def _headline(text: str) -> None:
    write(f"\n{text}\n{'─' * min(len(text), screen_width())}")


def _say(text: str) -> None:
    write(wrapped(text, min(100, screen_width())))
