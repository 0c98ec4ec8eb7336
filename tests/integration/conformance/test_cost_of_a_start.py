"""How long a start of the command is taken to keep a core busy: its work, not its life."""

import os
import sys
from pathlib import Path

import pytest

from otlptest.conformance.exporter.baseline import look_at
from otlptest.conformance.exporter.command import Subject
from tests.support.conformed import EXPORTER

PROGRAM = f"""
import runpy, sys, threading, time
when, how = sys.argv[1].split("/")

def spend():
    if how == "sleeps":
        threading.Event().wait(4.0)
        return
    began = time.process_time()
    while time.process_time() - began < 1.5:
        pass

if when == "before":
    spend()
sys.argv = [{str(EXPORTER)!r}]
runpy.run_path({str(EXPORTER)!r}, run_name="__main__")
if when == "after":
    spend()
"""


@pytest.mark.parametrize(
    ("does", "least_s", "most_s"),
    [
        pytest.param("before/sleeps", 0.0, 2.5, id="sleeps before its first request"),
        pytest.param("after/sleeps", 0.0, 2.5, id="sleeps after its last request"),
        pytest.param("before/works", 1.5, 10.0, id="works"),
        pytest.param("after/works", 1.5, 10.0, id="works after its last request"),
    ],
)
def test_a_start_costs_what_the_processor_spends(
    does: str, least_s: float, most_s: float, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, "utf-8")
    subject = Subject([sys.executable, str(program), does])
    try:
        look = look_at(subject, "http/protobuf", timeout_s=25.0)
    finally:
        subject.close()
    assert look.problem == ""
    cores = os.cpu_count() or 1
    assert least_s <= subject.seconds_per_start * cores <= most_s


def test_jobs_that_are_asked_for_all_start_at_once(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, "utf-8")
    subject = Subject([sys.executable, str(program), "before/works"])
    try:
        look_at(subject, "http/protobuf", timeout_s=25.0, jobs=16)
    finally:
        subject.close()
    assert 1.5 / 16 <= subject.seconds_per_start <= 10.0 / 16
