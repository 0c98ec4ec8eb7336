"""How programs start, end, and take everything that they started with them."""

import io
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from otlptest.errors import ProcessError
from otlptest.processes import Program, ready, start_program
from otlptest.processes.descendants import MARKER, living_processes
from otlptest.processes.guardian import watch
from otlptest.timing import Deadline
from tests.support.small_programs import python_program

FOREVER = "import signal; print('up', flush=True); signal.pause()"
UP = ready.line("^up$", timeout_s=20)

# A daemon as textbooks have it: forks twice, in a session of its own, and ignores SIGTERM.
DAEMON = """
import os, signal
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(writer, b"1")
        signal.pause()
    os._exit(0)
os.wait()
os.read(reader, 1)
print("up", flush=True)
"""


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def test_program_is_told_its_port_and_a_marker_and_has_a_group_of_its_own() -> None:
    code = f"import os; print(os.environ['PORT'], os.environ['{MARKER}'], os.getpgid(0))"
    with start_program(python_program(code), env={"PATH": "/usr/bin"}) as program:
        assert program.wait() == 0
        port, marker, group = program.output.split()
    assert (int(port), int(group)) == (program.port, program.pid)
    assert len(marker.rpartition("/")[2]) == 16


def test_program_gets_the_port_that_was_asked_for() -> None:
    code = "import os; print(os.environ['PORT'])"
    with start_program(python_program(code), port=4711) as program:
        program.wait()
        assert (program.output, program.port) == ("4711\n", 4711)


def test_marker_of_an_outer_program_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MARKER, "outer-id")
    with start_program(python_program(FOREVER), ready=UP) as program:
        found = [one.pid for one in living_processes(2**30, "outer-id")]
        assert found == [program.pid]


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        pytest.param("raise SystemExit(7)", 7, id="exit code"),
        pytest.param("import os; os.kill(os.getpid(), 9)", -9, id="signal"),
    ],
)
def test_wait_gives_how_the_program_ended(code: str, exit_code: int) -> None:
    with start_program(python_program(code)) as program:
        assert program.wait() == exit_code
        assert program.has_exited
        assert not program.is_running
        assert program.stop() == exit_code


def test_wait_raises_when_the_program_still_runs() -> None:
    with start_program(python_program(FOREVER), name="shop", ready=UP) as program:
        assert program.is_running
        assert program.exit_code is None
        with pytest.raises(ProcessError) as caught:
            program.wait(timeout_s=0.01)
    assert str(caught.value) == (
        "shop still runs after 0.01 s\n"
        "  hint: stop() ends it; ask for its end over its own interface to test how it ends\n"
        "  its last lines:\n"
        "    | up"
    )


def test_stop_lets_the_program_flush() -> None:
    code = """
    import signal, sys
    signal.signal(signal.SIGTERM, lambda *_: (print("flushed"), sys.exit(5)))
    print("up", flush=True)
    signal.pause()
    """
    program = start_program(python_program(code), ready=UP)
    assert program.stop() == 5
    assert program.stop() == 5
    assert program.output == "up\nflushed\n"


def test_stop_sends_the_signal_that_was_asked_for() -> None:
    code = """
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        print("up", flush=True)  # the signal may come as soon as this is read
        signal.pause()
    except KeyboardInterrupt: print("interrupted")
    """
    program = start_program(python_program(code), ready=UP)
    assert program.stop(signal_number=signal.SIGINT) == 0
    assert program.output == "up\ninterrupted\n"


def test_stop_kills_a_program_that_ignores_the_signal() -> None:
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}"
    program = start_program(python_program(code), ready=UP)
    assert program.stop(timeout_s=0.05) == -signal.SIGKILL
    assert is_gone(program.pid)


def test_stop_wakes_a_program_that_is_halted() -> None:
    program = start_program(python_program(FOREVER), ready=UP)
    os.kill(program.pid, signal.SIGSTOP)
    assert program.stop() == -signal.SIGTERM


def test_kill_ends_without_a_chance_to_flush() -> None:
    program = start_program(python_program(FOREVER), ready=UP)
    program.kill()
    program.kill()
    assert program.exit_code == -signal.SIGKILL


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells another process's environment"
)
def test_daemon_that_left_the_group_is_found_and_does_not_outlive_the_program() -> None:
    program = start_program(python_program(DAEMON), name="shop", ready=UP)
    assert program.wait() == 0
    (daemon,) = program.descendants()
    assert not daemon.is_in_group
    assert str(daemon) == f"process {daemon.pid} ({daemon.name})"
    program.stop(timeout_s=0.05)
    assert program.descendants() == ()
    assert is_gone(daemon.pid)


def test_child_in_the_group_does_not_outlive_the_program() -> None:
    code = f"import os, signal; os.fork() or signal.pause(); {FOREVER}"
    program = start_program(python_program(code), ready=UP)
    (child,) = program.descendants()
    assert child.is_in_group
    program.stop()
    assert is_gone(child.pid)


def test_zombie_counts_as_gone() -> None:
    code = f"""
    import os
    pid = os.fork() or os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    {FOREVER}
    """
    with start_program(python_program(code), ready=UP) as program:
        assert program.descendants() == ()


def test_program_that_leaves_a_daemon_and_exits_with_success_can_still_become_ready() -> None:
    code = DAEMON.replace('print("up", flush=True)', "").replace(
        "signal.pause()", "import time; time.sleep(0.2); print('up', flush=True); signal.pause()"
    )
    program = start_program(python_program(code), ready=UP)
    assert program.has_exited
    program.kill()


def test_exit_code_that_something_else_took_is_an_error_and_no_success() -> None:
    code = "import sys; sys.stdin.read()"
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel then reaps at once
    try:
        program = start_program(python_program(code), name="shop")
        with pytest.raises(ProcessError) as caught:
            program.wait()
        program.kill()
    finally:
        signal.signal(signal.SIGCHLD, previous)
    assert str(caught.value) == (
        "shop ended with a code that something else in this process took\n"
        "  hint: SIGCHLD is ignored, or some library waits for every child"
    )


def test_forgotten_program_warns_and_is_killed() -> None:
    program = start_program(python_program(FOREVER), ready=UP)
    pid = program.pid
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program.__del__()
    assert [str(one.message) for one in caught] == [f"{program!r} was never stopped"]
    program.kill()
    assert is_gone(pid)
    assert repr(program).endswith("was ended by SIGKILL>")


def test_program_does_not_outlive_an_interpreter_that_forgot_it() -> None:
    code = (
        "from otlptest.processes import ready, start_program\n"
        f"p = start_program({python_program(FOREVER)!r}, ready=ready.line('up'))\n"
        "print(p.pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert is_gone(int(done.stdout))


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM], ids=["KILL", "TERM"])
def test_program_does_not_outlive_an_interpreter_that_is_killed(
    signal_number: signal.Signals,
) -> None:
    command = python_program(f"{DAEMON}\nsignal.pause()")
    code = (
        "from otlptest.processes import ready, start_program\n"
        f"p = start_program({command!r}, ready=ready.line('up'))\n"
        "print(p.pid, *(one.pid for one in p.descendants()), flush=True)\n"
        "p.wait()\n"
    )
    with start_program([sys.executable, "-c", code], ready=ready.line(r"\d")) as outer:
        left = [int(word) for word in outer.output.split()]
        os.kill(outer.pid, signal_number)
        outer.wait()
        deadline = Deadline(10)
        while not all(map(is_gone, left)):
            assert deadline.pause(0.01), "something outlived its killed interpreter"
    assert len(left) == 2


def test_guardian_kills_those_programs_whose_end_it_was_not_told() -> None:
    programs = [start_program(python_program(FOREVER), ready=UP) for _ in range(2)]
    told = [f"{program.pid} {program._mark}" for program in programs]
    watch(io.BytesIO(f"+ {told[0]}\n+ {told[1]}\n- {told[1]}\n".encode()))
    assert programs[0].wait() == -signal.SIGKILL
    assert programs[1].is_running
    for program in programs:
        program.stop()


def test_program_that_exits_right_after_its_line_was_ready() -> None:
    with start_program(python_program("print('up'); raise SystemExit(3)"), ready=UP) as program:
        assert program.wait() == 3


def test_gigabyte_of_output_neither_blocks_the_program_nor_fills_memory() -> None:
    code = """
    import sys
    block = b"x" * 1023 + b"\\n"
    for _ in range(64 * 1024): sys.stdout.buffer.write(block)
    print("last line")
    """
    with start_program(python_program(code)) as program:
        assert program.wait(timeout_s=20) == 0
        told, *lines = program.output.splitlines()
        assert told == "[66,060,298 bytes of earlier output were dropped]"
        assert lines[-1] == "last line"
        assert sum(map(len, lines)) < 1024 * 1024


def test_output_holds_what_was_printed_before_the_call() -> None:
    with start_program(["cat", "/proc/self/status"]) as program:
        program.wait()
        assert program.output.startswith("Name:\tcat")


def started_and_failed(*args: object, **kwargs: object) -> str:
    with pytest.raises(ProcessError) as caught:
        start_program(*args, **kwargs)  # type: ignore[arg-type] # handed through
    return str(caught.value)


def test_program_that_dies_before_it_is_ready_tells_code_and_last_lines() -> None:
    command = python_program("print('no database'); raise SystemExit(3)")
    assert started_and_failed(command, name="shop", ready=ready.http("/health")) == (
        "shop exited with code 3 before it was ready\n"
        "  hint: waited for a 2xx answer to GET /health, and nobody listened on its port\n"
        "  its last lines:\n"
        "    | no database"
    )


def test_program_that_is_not_ready_in_time_is_killed_and_told() -> None:
    command = python_program(FOREVER)
    message = started_and_failed(command, name="shop", ready=ready.line("never", timeout_s=0.5))
    assert message == (
        "shop was not ready within 0.5 s: no line that matches 'never', no line matched\n"
        "  hint: many programs hold their output back unless they print to a terminal\n"
        "  its last lines:\n"
        "    | up"
    )


def test_program_is_a_context_manager_that_gives_itself() -> None:
    with start_program(python_program("")) as program:
        assert isinstance(program, Program)
