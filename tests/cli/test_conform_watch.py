"""`otlptest conform` while it runs: progress, interruptions, parallel runs."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from otlptest import FakeCollector
from otlptest.processes.descendants import MARKER
from tests.support.command_line import PATIENCE_S, PROGRAM, environment, otlptest, running
from tests.support.conformed import COMMAND, EXPORTER, left_over

pytestmark = pytest.mark.timeout(120)  # every program starts slowly on a busy machine

CODES = [
    pytest.param(signal.SIGINT, 130, id="ctrl-c"),
    pytest.param(signal.SIGTERM, 143, id="term"),
]


@contextmanager
def in_a_terminal(
    arguments: Sequence[str | Path], **variables: str
) -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    """The command with a pseudo-terminal as stderr, and the lines that come there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 -- as there
    )
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as screen:
        try:
            yield process, screen
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.mark.parametrize(("number", "code"), CODES)
def test_an_interrupted_run_reports_the_verdicts_that_it_has_reached(
    number: int, code: int, tmp_path: Path
) -> None:
    mark = f"test-partial-{code}"
    reports = {kind: tmp_path / f"out.{kind}" for kind in ("json", "junit", "markdown")}
    options = [f"--report={kind}={path}" for kind, path in reports.items()]
    cases = ["--jobs=2", "--case=environment", "--case=timeouts/own"]  # the last waits for 20 s
    arguments = ["conform", "exporter", "--name", "mine", *cases, *options, "--", *COMMAND]
    with in_a_terminal(arguments, WRONG="environment/headers", **{MARKER: mark}) as (run, screen):
        lines = [next(screen)]
        while not lines[-1].startswith("[2/"):
            lines.append(next(screen))
        run.send_signal(number)
        out, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == code
    assert left_over(mark) == []
    assert lines[0].startswith("mine over http/protobuf: 5 cases, about ")
    head, _, interrupted = out.splitlines()[:3]
    assert head.startswith("mine over http/protobuf: ")
    assert re.fullmatch("interrupted: [1-3] of 5 cases had not ended", interrupted)
    (record,) = json.loads(reports["json"].read_text("utf-8"))["runs"]
    assert record["interrupted"] == interrupted
    assert record["summary"]["pass"] > 0
    assert f"\n\n**{interrupted}**\n" in reports["markdown"].read_text("utf-8")
    told = ET.parse(reports["junit"]).find(".//property")  # noqa: S314 -- our own
    assert told is not None
    assert told.attrib == {"name": "interrupted", "value": interrupted}


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_run_that_is_interrupted_before_its_first_verdict_says_so(
    number: int, code: int, tmp_path: Path
) -> None:
    mark, report = f"test-first-{code}", tmp_path / "out.json"
    arguments = ["conform", "exporter", f"--report=json={report}", "--", *COMMAND]
    with running(arguments, WRONG="endless", **{MARKER: mark}) as run:
        while not left_over(mark):
            assert run.poll() is None
        run.send_signal(number)
        out, err = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, out, err) == (code, "\n", "interrupted before the first verdict\n")
    assert json.loads(report.read_text("utf-8")) == {"runs": []}
    assert left_over(mark) == []


def test_an_interrupted_run_of_a_receiver_reports_too() -> None:
    with FakeCollector() as fake:
        arguments = ["conform", "receiver", "--name=mine", "--http", fake.http_endpoint]
        with in_a_terminal([*arguments, "--format=json"]) as (run, screen):
            while not next(screen).startswith("[3/"):
                pass
            run.send_signal(signal.SIGTERM)
            out, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 143
    (record,) = json.loads(out)["runs"]
    assert record["interrupted"].startswith("interrupted: ")
    assert record["results"]


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    mark = "test-ignored"
    run = subprocess.Popen(
        [PROGRAM, "conform", "exporter", "--", *COMMAND],
        env=environment(WRONG="endless", **{MARKER: mark}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 -- as there
    )
    try:
        while not left_over(mark):
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(timeout=1.0)
    finally:
        run.terminate()
    assert run.wait(timeout=PATIENCE_S) == 143


def test_lines_of_progress_where_the_output_is_no_terminal() -> None:
    arguments = ["conform", "exporter", "--", *COMMAND]
    with running(arguments, WRONG="endless") as run:
        assert run.stderr is not None
        assert run.stderr.readline() == "looking at the subject, 10 s\n"
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=PATIENCE_S)


SLEEPER = f"""
import os, pathlib, runpy, sys, threading, time
log = pathlib.Path(os.environ["LOG"])
log.open("a").write(f"{{time.monotonic()}} 1\\n")
threading.Event().wait(0.5)
sys.argv = [{str(EXPORTER)!r}]
try:
    runpy.run_path({str(EXPORTER)!r}, run_name="__main__")
finally:
    log.open("a").write(f"{{time.monotonic()}} -1\\n")
"""


@pytest.mark.parametrize(("jobs", "fewest", "most"), [(1, 1, 1), (6, 4, 6)], ids=str)
def test_jobs_is_the_number_of_parallel_runs(
    jobs: int, fewest: int, most: int, tmp_path: Path
) -> None:
    program, log = tmp_path / "sleeper.py", tmp_path / "log"
    program.write_text(SLEEPER, "utf-8")
    cases = ["--case", "environment" if jobs > 1 else "environment/headers"]
    ended = otlptest(
        *("conform", "exporter", "--jobs", str(jobs), *cases, "--signal", "traces"),
        *("--", sys.executable, str(program)),
        LOG=str(log),
    )
    assert ended.returncode in {0, 1}
    events = sorted(tuple(map(float, line.split())) for line in log.read_text("utf-8").splitlines())
    at_once = highest = 0
    for _, change in events:
        at_once += int(change)
        highest = max(highest, at_once)
    assert fewest <= highest <= most


def test_help_says_how_long_it_takes() -> None:
    text = " ".join(otlptest("conform", "exporter", "--help").stdout.split())
    assert (
        "It is run about 200 times for each protocol, several times at once, each time against a"
        " fake collector of its own. That takes one to five minutes, and more for a command that"
        " is slow to start or stays up for long: 5 to 10 seconds of life show retries and periodic"
        " exports. Ctrl-C and SIGTERM print the verdicts reached so far, and write them to the"
        " reports." in text
    )
