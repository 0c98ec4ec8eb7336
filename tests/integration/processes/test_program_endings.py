"""`Program.ending` of real processes: signals, handlers, groups, shells and late looks."""

import os
import signal
import sys

import pytest

from otlptest.processes import Program, ready, start_program
from tests.support.small_programs import python_program

FOREVER = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests' own is ignored
print("up", flush=True)
signal.pause()
"""
HANDLER = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print("up", flush=True)
signal.pause()
"""
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
signal.pause()
"""
UP = ready.line("^up$", timeout_s=20)


def started(code: str) -> Program:
    return start_program(python_program(code), name="shop", ready=UP)


def in_a_shell(code: str, then: str = "true") -> Program:
    command = ["sh", "-c", f'"$0" -S -c "$1"; {then}', sys.executable, code]
    return start_program(command, name="shop", ready=UP)


def test_program_that_runs_has_not_ended() -> None:
    with started(FOREVER) as program:
        assert (program.ending.way, program.ending.exit_code) == ("running", None)


@pytest.mark.parametrize("code", [0, 7])
def test_exit_by_itself_stays_one_after_stop_and_kill(code: int) -> None:
    program = start_program(python_program(f"raise SystemExit({code})"))
    program.wait()
    program.stop()
    program.kill()
    ending = program.ending
    assert (ending.way, ending.exit_code, ending.sent, ending.abrupt) == (
        "by itself",
        code,
        None,
        "",
    )


@pytest.mark.parametrize("end", [Program.stop, Program.kill])
def test_exit_that_nobody_has_noticed_yet_is_by_itself(end: object) -> None:
    program = start_program(python_program("print('up', flush=True)"), name="shop")
    assert callable(end)
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    end(program)
    assert (program.ending.way, program.ending.exit_code) == ("by itself", 0)


def test_signal_of_somebody_else_is_not_of_stop() -> None:
    with started(FOREVER) as program:
        os.kill(program.pid, signal.SIGTERM)
        program.wait()
    assert program.ending.way == "by itself"
    assert program.ending.abrupt == "was ended by SIGTERM, which otlptest did not send"


def test_stop_without_a_handler_is_abrupt() -> None:
    program = started(FOREVER)
    program.stop(timeout_s=20)
    ending = program.ending
    assert (ending.way, ending.exit_code, ending.sent) == ("stopped", -15, signal.SIGTERM)
    assert ending.abrupt == "was ended by SIGTERM (it has no handler)"


def test_stop_with_a_handler_is_not() -> None:
    program = started(HANDLER)
    program.stop(timeout_s=20)
    assert (program.ending.way, program.ending.exit_code, program.ending.abrupt) == (
        "stopped",
        3,
        "",
    )


def test_stop_with_the_signal_that_python_unwinds_on_is_not() -> None:
    program = started(FOREVER)
    program.stop(timeout_s=20, signal_number=signal.SIGINT)
    assert (program.ending.exit_code, program.ending.abrupt) == (-2, "")


def test_program_that_ignores_the_signal_is_out_of_time() -> None:
    program = started(DEAF)
    program.stop(timeout_s=0.2)
    ending = program.ending
    assert (ending.way, ending.exit_code) == ("out of time", -9)
    assert ending.abrupt == "did not end on SIGTERM within 0.2 s and was killed"
    assert ending.recipients[0].reaction == "ignores"


def test_killed_program_had_no_chance() -> None:
    program = started(HANDLER)
    program.kill()
    assert (program.ending.way, program.ending.exit_code) == ("killed", -9)
    assert program.ending.abrupt == "was killed by kill()"


def test_shell_around_a_program_with_a_handler_loses_nothing() -> None:
    program = in_a_shell(HANDLER)
    program.stop(timeout_s=20)
    assert (program.ending.exit_code, program.ending.abrupt) == (-15, "")


def test_shell_around_a_program_without_handler_names_the_program() -> None:
    program = in_a_shell(FOREVER)
    (child,) = program.descendants()
    program.stop(timeout_s=20)
    name = os.path.realpath(sys.executable).rpartition("/")[2]
    assert program.ending.abrupt == (
        f"has started process {child.pid} ({name}), which got SIGTERM and has no handler"
    )


def test_shell_reports_the_signal_that_ended_what_it_ran() -> None:
    with in_a_shell(FOREVER, then="exit $?") as program:
        os.kill(program.descendants()[0].pid, signal.SIGTERM)
        assert program.wait() == 143
    assert program.ending.way == "by itself"
    assert program.ending.signal_number == signal.SIGTERM
    assert program.ending.abrupt == "exited with code 143, as a shell reports an end by SIGTERM"


def test_what_outlives_the_program_and_the_stop_is_named() -> None:
    program = in_a_shell(DEAF)
    (child,) = program.descendants()
    program.stop(timeout_s=0.2)
    assert program.ending.way == "stopped"
    assert program.ending.had_to_be_killed == (
        f"has started {child}, which did not end on SIGTERM within 0.2 s"
    )
