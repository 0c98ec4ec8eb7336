"""The fixture `otlp_proxy`: before `otlp`, judged with it, ended with the test."""

import pytest

from tests.support.plugin_runs import run_suite

HEAD = """
import contextlib, http.client, os, sys
from otlptest import faults
from otlptest.errors import UsageError

SEND = "import os, sender; sender.send(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'])"
AT_THE_END = '''
import os, sender, signal, sys
def end(*_):
    sender.send(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'], name='last')
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('up', flush=True)
signal.pause()
'''

def program(code):
    return [sys.executable, "-S", "-c", code]

def send(endpoint):
    # The status of an export, or that there was an error.
    host, _, port = endpoint.removeprefix("http://").partition(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port))) as connection:
        try:
            connection.request("POST", "/v1/traces", "{}", {"Content-Type": "application/json"})
            return connection.getresponse().status
        except ConnectionError:
            return "an error"
"""


def test_program_sends_through_the_proxy_and_its_last_words_too(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
from otlptest import ready

def test_once(otlp, otlp_process, otlp_proxy):
    otlp_process(program(SEND), env=otlp_proxy.environ()).wait()
    otlp.spans.wait_for_one(name="work")
    assert otlp_proxy.traffic.requests == 1

def test_at_the_end(otlp_collector, otlp, otlp_proxy, otlp_process):
    otlp_process(program(AT_THE_END), env=otlp_proxy.environ(), ready=ready.line("up"))
    test_at_the_end.proxy = otlp_proxy

def test_after_it(otlp_collector, otlp):
    assert test_at_the_end.proxy.traffic.requests == 1
    assert test_at_the_end.proxy.traffic.open_connections == 0
    assert otlp_collector.spans.count(name="last") == 1
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(passed=3)


def test_fault_acts_in_its_test_and_not_in_the_next(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
@pytest.mark.parametrize("number", range(2))
def test_proxy(otlp, otlp_proxy, number):
    if number == 0:
        otlp_proxy.inject(faults.reset())
        assert send(otlp_proxy.http_endpoint) == "an error"
    else:
        assert send(otlp_proxy.http_endpoint) == 200

@pytest.mark.parametrize("number", range(2))
def test_fake(otlp, number):
    if number == 0:
        otlp.inject(faults.reset())
        assert send(otlp.http_endpoint) == "an error"
    else:
        assert send(otlp.http_endpoint) == 200
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(passed=4)


def test_fault_that_never_fired_fails_in_teardown_unless_allowed(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
def test_proxy(otlp_proxy):
    otlp_proxy.inject(faults.goaway())
    assert send(otlp_proxy.http_endpoint) == 200

def test_fake(otlp):
    with otlp.injecting(faults.reset(after_bytes=1_000_000)):
        assert send(otlp.http_endpoint) == 200

def test_allowed(otlp, otlp_proxy):
    otlp_proxy.inject(faults.refuse())
    otlp.inject(faults.refuse())
    otlp.allow("fault_never_fired")
""",
    )
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*fault_never_fired: the proxy before http://127.0.0.1:* and http://127.0.0.1:*",
            "*expected: faults.goaway() acts at least once",
            "*received: it never did",
            "*it needs HTTP/2*",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "*fault_never_fired: the fake collector's connections",
            "*expected: faults.reset(after_bytes=1000000) acts at least once",
        ]
    )


def test_what_an_injected_fault_broke_is_not_the_programs_mistake(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
def test_it(otlp):
    otlp.inject(faults.corrupt(count=30), times=1)
    assert send(otlp.http_endpoint) == 400
    assert send(otlp.http_endpoint) == 200
""",
    )
    result.assert_outcomes(passed=1)


def test_fault_that_holds_everything_back_does_not_hold_up_the_end(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
import socket

def test_fake(otlp):
    otlp.inject(faults.blackhole())
    port = int(otlp.http_endpoint.rpartition(":")[2])
    test_fake.client = socket.create_connection(("127.0.0.1", port))
    test_fake.client.sendall(b"POST /v1/traces HTTP/1.1")

def test_proxy(otlp, otlp_proxy):
    test_fake.client.close()
    otlp_proxy.inject(faults.blackhole())
    port = int(otlp_proxy.http_endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"POST /v1/traces HTTP/1.1")
        while not otlp_proxy.traffic.connections or not otlp_proxy.connections[0].wire_fault:
            pass
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("upstream", ["otlp", "otlp.http_endpoint", "otlp_collector.http_endpoint"])
def test_exit_is_evidence_for_what_came_through_a_proxy(
    pytester: pytest.Pytester, upstream: str
) -> None:
    result = run_suite(
        pytester,
        HEAD
        + f"""
from otlptest import OtlpProxy

def test_it(otlp, otlp_collector, otlp_process):
    with OtlpProxy(upstream={upstream}) as proxy:
        one = otlp_process(program(SEND), env=proxy.environ(), name="one")
        two = otlp_process(program(SEND), env=proxy.environ(), name="two")
        beside = otlp_process(program(SEND), name="beside")
        assert [one.wait(), two.wait(), beside.wait()] == [0, 0, 0]
        otlp.spans.expect_count(3, name="work", after=otlp.exited(one, two, beside))
        assert proxy.traffic.requests == 2
        owners = sorted(request.connection.owner for request in otlp.requests.all())
        assert owners == ["beside", "one", "two"]

def test_held_back(otlp, otlp_process, otlp_proxy):
    with otlp_proxy.injecting(faults.blackhole()):
        one = otlp_process(program(SEND), env=otlp_proxy.environ(), name="one")
        while not otlp_proxy.connections or not otlp_proxy.connections[0].wire_fault:
            pass
        one.kill()
        with pytest.raises(AssertionError, match="holds back what came over 1 connection"):
            otlp.spans.expect_none(name="work", after=otlp.exited(one, timeout_s=2))
    otlp.spans.wait_for_one(name="work")
""",
    )
    result.assert_outcomes(passed=2)


FROZEN = """
import freezegun

@pytest.fixture(autouse=True)
def frozen():
    with freezegun.freeze_time("2012-01-14"):
        yield
"""
LATE = """
def test_it(otlp, otlp_process, otlp_proxy):
    with otlp_proxy.injecting(faults.latency(0.05, direction="both")) as late:
        program_ = otlp_process(program(SEND), env=otlp_proxy.environ())
        assert program_.wait() == 0
    assert late.fired == 1
    otlp.spans.expect_count(1, name="work", after=otlp.exited(program_))
"""


@pytest.mark.parametrize(
    ("preamble", "options", "plugins"),
    [
        (FROZEN, (), ()),
        ("", ("--disable-socket",), ("pytest_socket",)),
        ("", ("--allow-hosts=192.0.2.1",), ("pytest_socket",)),
    ],
    ids=["freezegun", "no sockets", "other hosts"],
)
def test_proxy_works_beside_what_takes_away_clocks_and_sockets(
    pytester: pytest.Pytester, preamble: str, options: tuple[str, ...], plugins: tuple[str, ...]
) -> None:
    result = run_suite(pytester, HEAD + preamble + LATE, *options, plugins=plugins)
    result.assert_outcomes(passed=1)


def test_what_a_fault_in_the_proxy_broke_is_not_the_programs_mistake_even_where_strict(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
@pytest.mark.parametrize(
    "fault",
    [faults.corrupt(count=30), faults.reset(after_bytes=30), faults.truncate(after_bytes=100)],
    ids=repr,
)
def test_it(otlp, otlp_proxy, fault):
    otlp_proxy.inject(fault, times=1)
    try:
        assert send(otlp_proxy.http_endpoint) in {400, "an error"}
    except http.client.HTTPException:
        pass
    assert send(otlp_proxy.http_endpoint) == 200

def test_its_own_mistake(otlp, otlp_proxy):
    otlp_proxy.inject(faults.latency(0.01))
    assert sender.post(otlp_proxy.http_endpoint, "no JSON") == 400
""",
        "-o",
        "otlp_strict=true",
    )
    result.assert_outcomes(passed=4, errors=1)
