"""The fixture `otlp_process`: what programs get, when they are judged, that nothing is left."""

from pathlib import Path

import pytest

from tests.support.plugin_runs import run_suite

HEAD = """
import os, signal, sys
from pathlib import Path
from otlptest import ready
from otlptest.errors import UsageError

def program(code):
    return [sys.executable, "-S", "-c", "import os, sender, signal, sys\\n" + code]

PRINT = "print(*(f'{k}={v}' for k, v in sorted(os.environ.items())), sep='\\\\n')"
SEND = "sender.send(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'], **{})"
SEND_AT_THE_END = '''
def end(*_):
    sender.send(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'], name='last', span_id=sys.argv[1])
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('up', flush=True)
signal.pause()
'''
UP = ready.line('up')
"""


def is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text("ascii").rpartition(")")[2].split()[0] in "ZX"


def test_program_gets_its_environment_and_its_own_ports(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "foreign")
    monkeypatch.setenv("UNWANTED", "1")
    monkeypatch.setenv("PORT", "1")
    tests = """
def test_environment(otlp, otlp_process, otlp_collector):
    changes = {"MODE": "test", "UNWANTED": None, "PORT": os.environ["PORT"]}
    shop = otlp_process(program(PRINT), protocol="grpc", env=changes)
    assert shop.wait() == 0
    told = dict(line.split("=", 1) for line in shop.output.splitlines())
    assert told["MODE"] == "test"
    assert told["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"].startswith("http://127.0.0.1:")
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] != otlp_collector.grpc_endpoint
    assert told["PORT"] == str(shop.port) != "1"
    assert "OTEL_SERVICE_NAME" not in told and "UNWANTED" not in told

def test_port_and_folder_that_were_chosen(otlp_process, tmp_path):
    code = "print(os.environ['PORT'], os.getcwd())"
    shop = otlp_process(program(code), env={"PORT": "4711"}, cwd=tmp_path)
    assert shop.wait() == 0
    assert (shop.port, shop.output) == (4711, f"4711 {tmp_path}\\n")

def test_port_that_is_none(otlp_process):
    with pytest.raises(UsageError) as caught:
        otlp_process(program(""), env={"PORT": "x"})
    assert str(caught.value) == "the environment variable PORT must be a port, and is 'x'"

def test_telemetry_of_two_of_a_name_is_told_apart(otlp, otlp_process):
    for _ in range(2):
        shop = otlp_process(program(SEND), name="shop")
        assert shop.wait() == 0, shop.output
    assert shop.owner == "shop (2)"
    otlp.spans.wait_for(2, name="work")
"""
    run_suite(pytester, HEAD + tests).assert_outcomes(passed=4)


def test_exit_is_evidence_for_absence(pytester: pytest.Pytester) -> None:
    tests = """
def test_it(otlp, otlp_process):
    shop = otlp_process(program(SEND), name="shop")
    shop.wait()
    otlp.spans.expect_count(1, name="work", after=otlp.exited(shop))
    otlp.spans.expect_none(name="charge", after=otlp.exited(shop))
"""
    run_suite(pytester, HEAD + tests).assert_outcomes(passed=1)


def test_programs_flush_before_the_judgement(pytester: pytest.Pytester) -> None:
    tests = """
def test_good(otlp_process):
    otlp_process([*program(SEND_AT_THE_END), "00f067aa0ba902b7"], ready=UP)

def test_bad(otlp_process):
    otlp_process([*program(SEND_AT_THE_END), "0000000000000000"], ready=UP, name="shop")
"""
    result = run_suite(pytester, HEAD + tests)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_bad*",
            "*OTLP-TRACE-004: *",
            "*- otlptest: received -*",
            "*- otlptest: output of shop -*",
            "up",
            "[[]exited with code 0[]]",
        ]
    )


def test_failure_shows_what_programs_printed(pytester: pytest.Pytester) -> None:
    tests = """
def test_it(otlp_process):
    otlp_process(program("print('no stock left')"), name="stock").wait()
    otlp_process(program(SEND_AT_THE_END) + ["00f067aa0ba902b7"], name="shop", ready=UP)
    assert 1 == 2
"""
    result = run_suite(pytester, HEAD + tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*assert 1 == 2*",
            "*- otlptest: received -*",
            "*- otlptest: output of stock -*",
            "no stock left",
            "[[]exited with code 0[]]",
            "*- otlptest: output of shop -*",
            "up",
            "[[]still runs, pid *[]]",
        ]
    )


def test_program_that_does_not_become_ready_fails_the_test_in_one_message(
    pytester: pytest.Pytester,
) -> None:
    tests = """
@pytest.fixture
def shop(otlp_process):
    code = "print('no database'); sys.exit(3)"
    return otlp_process(program(code), name="shop", ready=ready.http("/health"))

def test_it(shop): pass

def test_command(otlp_process):
    otlp_process(["no-such-program"])
"""
    result = run_suite(pytester, HEAD + tests)
    result.assert_outcomes(errors=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*ProcessError: shop exited with code 3 before it was ready*",
            "*hint: waited for a 2xx answer to GET /health, and nobody listened on its port*",
            "*| no database*",
            "*ProcessError: no-such-program could not start: there is no command*",
        ]
    )


def test_nothing_outlives_the_test(pytester: pytest.Pytester) -> None:
    tests = """
DAEMON = '''
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(sys.argv[1], "a").write(f"{os.getpid()} ")
        os.write(writer, b"1")
        signal.pause()
    os._exit(0)
os.read(reader, 1)
open(sys.argv[1], "a").write(f"{os.getpid()} ")
print('up', flush=True)
signal.pause()
'''

@pytest.mark.otlp(stop_timeout_s=0.1, allow=["program_killed"])
@pytest.mark.parametrize("fails", [False, True])
def test_it(otlp_process, fails):
    otlp_process([*program(DAEMON), os.path.abspath("pids")], ready=UP)
    assert not fails

def test_they_are_gone_before_the_next_test():
    for pid in Path("pids").read_text().split():
        stat = Path(f"/proc/{pid}/stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
"""
    run_suite(pytester, HEAD + tests).assert_outcomes(passed=2, failed=1)
    pids = [int(word) for word in (pytester.path / "pids").read_text("ascii").split()]
    assert len(pids) == 4
    assert all(map(is_gone, pids))


def test_program_of_one_test_may_have_the_name_of_one_of_another(pytester: pytest.Pytester) -> None:
    tests = """
@pytest.mark.parametrize("number", [1, 2, 3])
def test_it(otlp, otlp_process, number):
    shop = otlp_process(program(SEND), name="shop")
    shop.wait()
    assert shop.owner == "shop"
    otlp.spans.expect_count(1, after=otlp.exited(shop))
"""
    run_suite(pytester, HEAD + tests).assert_outcomes(passed=3)


def test_interrupted_run_leaves_no_program_behind(pytester: pytest.Pytester) -> None:
    tests = """
def test_it(otlp_process):
    code = "print('up', flush=True); signal.pause()"
    shop = otlp_process(program(code), ready=UP)
    Path("pid").write_text(str(shop.pid))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    signal.raise_signal(signal.SIGINT)
"""
    result = run_suite(pytester, HEAD + tests)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert is_gone(int((pytester.path / "pid").read_text("ascii")))
