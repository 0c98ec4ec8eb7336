"""The plugin beside others: workers, event loops, forbidden sockets, stopped clocks, shuffling."""

import os
import re

import pytest

from tests.support.plugin_runs import run_suite

ROUND_TRIP = """
def test_it(otlp):
    sender.send(otlp.http_endpoint)
    assert otlp.spans.wait_for_one(name="work").service == "shop"
"""
PROGRAM = """
import os, sys
from otlptest import ready

SERVER = '''
import http.server, os, sender
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/health":
            sender.send(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''

def test_program(otlp, otlp_process):
    shop = otlp_process([sys.executable, "-S", "-c", SERVER], ready=ready.http("/health"))
    assert shop.get("/work").status == 204
    otlp.spans.wait_for_one(name="work")

def test_nothing_comes(otlp):
    with pytest.raises(AssertionError):
        otlp.spans.wait_for_one(name="work", timeout_s=0.05)
"""
SDK = """
def test_sdk(otlp, otlp_sdk):
    otlp_sdk.tracer.start_span("work").end()
    otlp.spans.expect_count(1, after=otlp_sdk.flushed())
"""


def test_workers_have_a_collector_each_and_the_summary_reaches_the_controller(
    pytester: pytest.Pytester,
) -> None:
    tests = """
@pytest.mark.parametrize("number", range(6))
def test_it(otlp, otlp_collector, number):
    sender.send(otlp.http_endpoint, name="")
    otlp.spans.wait_for_one()
    with open("ports", "a") as file: file.write(f"{otlp_collector.http_port} ")

def test_bad(otlp):
    sender.send(otlp.http_endpoint, span_id="0" * 16)
"""
    result = run_suite(pytester, tests, "-n", "2", "--dist", "each", plugins=["xdist.plugin"])
    result.assert_outcomes(passed=14, errors=2)
    told = [line for line in result.outlines if line.startswith("otlptest:")]
    assert len(told) == 1
    assert told[0].startswith(
        "otlptest: findings that failed no test, in 12 tests: OTLP-TRACE-009 (12); "
    )
    assert len(set((pytester.path / "ports").read_text("ascii").split())) == 2


def test_pytest_asyncio(pytester: pytest.Pytester) -> None:
    tests = """
import asyncio

@pytest.mark.asyncio
async def test_it(otlp):
    await asyncio.to_thread(sender.send, otlp.http_endpoint)
    span = await otlp.aio.spans.wait_for_one(name="work")
    assert span.service == "shop"
"""
    scope = "asyncio_default_fixture_loop_scope=function"
    run_suite(pytester, tests, "-o", scope, plugins=["pytest_asyncio.plugin"]).assert_outcomes(
        passed=1
    )


def test_anyio(pytester: pytest.Pytester) -> None:
    tests = """
import asyncio

@pytest.fixture
def anyio_backend(): return "asyncio"

@pytest.mark.anyio
async def test_it(otlp):
    await asyncio.to_thread(sender.send, otlp.http_endpoint)
    span = await otlp.aio.spans.wait_for_one(name="work")
    assert span.service == "shop"
"""
    run_suite(pytester, tests, plugins=["anyio.pytest_plugin"]).assert_outcomes(passed=1)


def test_pytest_socket_forbids_only_the_tests_own_sockets(pytester: pytest.Pytester) -> None:
    tests = """
def test_own_socket(otlp):
    with pytest.warns(UserWarning), pytest.raises(RuntimeError):
        sender.send(otlp.http_endpoint)
"""
    result = run_suite(
        pytester, PROGRAM + SDK + tests, "--disable-socket", plugins=["pytest_socket"]
    )
    result.assert_outcomes(passed=4)


def test_pytest_socket_with_other_hosts_allowed(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester, PROGRAM + SDK, "--allow-hosts=192.0.2.1", plugins=["pytest_socket"]
    )
    result.assert_outcomes(passed=3)


def test_freezegun(pytester: pytest.Pytester) -> None:
    freeze = """
import freezegun

@pytest.fixture(autouse=True)
def frozen():
    with freezegun.freeze_time("2012-01-14"):
        yield
"""
    run_suite(pytester, freeze + ROUND_TRIP + PROGRAM + SDK).assert_outcomes(passed=4)


def test_shuffled_order(pytester: pytest.Pytester) -> None:
    tests = ROUND_TRIP + PROGRAM
    result = run_suite(pytester, tests, plugins=["pytest_randomly"])
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_timeout_leaves_no_program_behind(method: str, pytester: pytest.Pytester) -> None:
    tests = """
import signal, sys
from otlptest import ready

def test_it(otlp, otlp_process):
    code = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    shop = otlp_process([sys.executable, "-S", "-c", code], ready=ready.line("[0-9]"))
    with open("pid", "w") as file: file.write(str(shop.pid))
    otlp.spans.wait_for_one(name="never", timeout_s=60)
"""
    result = run_suite(
        pytester, tests, "--timeout=4", f"--timeout-method={method}", plugins=["pytest_timeout"]
    )
    assert result.ret != 0
    assert "Timeout" in result.stdout.str() + result.stderr.str()
    pid = int((pytester.path / "pid").read_text("ascii"))
    for _ in range(500):
        if not os.path.exists(f"/proc/{pid}"):  # noqa: PTH110 -- shorter
            break
        pytester.run("sleep", "0.01")
    assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110 -- shorter


def test_plugin_is_found_by_its_entry_point_among_all_that_are_installed(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(test_a="def test_it(otlp): assert otlp.spans.count() == 0")
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_broken_run_of_the_interpreter_without_assertions(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    tests = "def test_it(otlp): sender.send(otlp.http_endpoint, span_id='0' * 16)"
    result = run_suite(pytester, tests, "-W", "ignore::pytest.PytestConfigWarning")
    result.assert_outcomes(passed=1, errors=1)
    assert re.search("OTLP-TRACE-004", result.stdout.str())
