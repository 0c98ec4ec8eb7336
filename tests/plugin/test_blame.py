"""What a failure names as its reason: what the test planned, set or ended, and no sender for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from otlptest.timing import Deadline
from tests.support.command_line import WITH_CTRL_C
from tests.support.plugin_runs import SENDER, run_suite
from tests.support.small_programs import web_server

pytestmark = pytest.mark.timeout(90)

HEAD = """
import asyncio, http.client, os, signal, sys
import sender
from otlptest import faults, ready

def program(code):
    return [sys.executable, "-S", "-c", "import os, sender, signal, sys\\n" + code]

SEND = "sender.send(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'])"
FOREVER = "print('up', flush=True)\\nsignal.pause()"
HANDLER = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\\n" + FOREVER
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n" + FOREVER
TRY = "try:\\n    " + SEND + "\\nexcept OSError:\\n    pass\\n"
UP = ready.line("up")

def port(endpoint):
    return int(endpoint.rpartition(":")[2])
"""


def failure_of(pytester: pytest.Pytester, test: str, *options: str) -> list[str]:
    """The lines that pytest marks with `E`, without the mark; all lines of the error are."""
    result = run_suite(pytester, HEAD + test, "--tb=short", *options)
    return [line.removeprefix("E").strip() for line in result.outlines if line[:2] == "E "]


def test_fault_of_the_proxy_is_named(pytester: pytest.Pytester) -> None:
    lines = failure_of(
        pytester,
        """
def test_it(otlp, otlp_process, otlp_proxy):
    with otlp_proxy.injecting(faults.reset(after_bytes=100), times=1):
        otlp_process(program(TRY + HANDLER), env=otlp_proxy.environ(), name="orders", ready=UP)
        otlp.spans.wait_for_one(name="work", timeout_s=0.1)
""",
    )
    assert lines[:4] == [
        "otlptest.errors.ExpectationError: 1 unmet expectation",
        "no_matching_span: this collector",
        "expected: a span named 'work'",
        "received: no spans, within 0.1 s",
    ]
    assert lines[4].startswith(
        "refused (cut_request, made by faults.reset(after_bytes=100) of this test): "
    )
    assert lines[5].startswith(
        "faults.reset(after_bytes=100) of the proxy reset 1 connection; no requests of traces came"
    )
    assert lines[6] == "orders runs"
    assert lines[7].startswith(
        "hint:     this test injected faults.reset(after_bytes=100): after a broken connection a"
        " right exporter sends again (OTLP-HTTP-036; gRPC: UNAVAILABLE); this one has not in "
    )


def test_fault_of_this_collector_is_named(pytester: pytest.Pytester) -> None:
    lines = failure_of(
        pytester,
        """
def test_it(otlp, otlp_process):
    with otlp.injecting(faults.refuse()):
        otlp_process(program(TRY + HANDLER), name="orders", ready=UP)
        otlp.spans.wait_for_one(name="work", timeout_s=0.1)
""",
    )
    assert lines[5].startswith("faults.refuse() of this collector refused 1 connection; no req")
    assert lines[7] == (
        "hint:     this test injected faults.refuse(): nothing can connect before it ends, so wait"
        " after its block"
    )


def test_planned_reply_is_named(pytester: pytest.Pytester) -> None:
    lines = failure_of(
        pytester,
        """
def test_it(otlp):
    otlp.reply(faults.status(400))
    sender.send(otlp.http_endpoint)
    otlp.spans.wait_for_one(name="work", timeout_s=0.0)
""",
    )
    assert lines[3:6] == [
        "received: no spans, within 0.0 s",
        (
            "1 request not received because of faults.status(400), and not sent again in the 0.0 s"
            " since"
        ),
        (
            "hint:     this test planned faults.status(400): 400 is permanent, so a right exporter"
            " drops the batch and the loss is right; to test that it sends again, plan"
            " faults.unavailable()"
        ),
    ]


@pytest.mark.parametrize(
    ("end", "said", "hint"),
    [
        pytest.param(
            "stop()",
            "was ended by SIGTERM (it has no handler)",
            "let it handle SIGTERM: signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); or"
            " stop(signal_number=signal.SIGINT), on which Python flushes",
            id="stop",
        ),
        pytest.param("kill()", "was killed by kill()", "stop() would give it one", id="kill"),
    ],
)
def test_end_of_the_program_is_named(
    pytester: pytest.Pytester, end: str, said: str, hint: str
) -> None:
    lines = failure_of(
        pytester,
        f"""
def test_it(otlp, otlp_process):
    orders = otlp_process(program(FOREVER), name="orders", ready=UP)
    orders.{end}
    otlp.spans.wait_for_one(name="work", timeout_s=0.0)
""",
    )
    assert lines[3:7] == [
        "received: no spans, within 0.0 s",
        "no connection was opened",
        f"orders {said}",
        f"hint:     orders {said}: its SDK had no chance to flush; {hint}",
    ]


def test_program_that_sent_a_part_and_was_killed_is_named_too(pytester: pytest.Pytester) -> None:
    lines = failure_of(
        pytester,
        """
def test_it(otlp, otlp_process):
    orders = otlp_process(program(SEND + "\\n" + FOREVER), name="orders", ready=UP)
    otlp.spans.wait_for_one(name="work")
    orders.kill()
    otlp.spans.wait_for(2, name="work", timeout_s=0.0)
""",
    )
    assert "orders was killed by kill()" in lines
    assert (
        "hint:     orders was killed by kill(): its SDK had no chance to flush; stop() would give"
        " it one"
    ) in lines


@pytest.mark.parametrize(
    ("code", "env", "facts", "hint"),
    [
        pytest.param(
            "HANDLER",
            '{"OTEL_SDK_DISABLED": "true"}',
            [
                "env= of 'orders' sets OTEL_SDK_DISABLED=true",
                "orders runs and has never connected to this collector",
            ],
            "env= of 'orders' sets OTEL_SDK_DISABLED=true: that switches the SDK off",
            id="disabled",
        ),
        pytest.param(
            "HANDLER",
            '{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:9"}',
            [
                (
                    "env= of 'orders' sets OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:9, which is"
                    " not this collector"
                ),
                "orders runs and has never connected to this collector",
            ],
            "env= of 'orders' sets OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:9, which is not"
            " this collector: leave it out, unless what listens there passes it on to this"
            " collector",
            id="endpoint",
        ),
        pytest.param(
            "HANDLER",
            "None",
            ["orders runs and has never connected to this collector"],
            "orders runs and got the endpoint: is its SDK on, with an OTLP exporter, and was it"
            " flushed (force_flush)?",
            id="nothing set",
        ),
        pytest.param(
            "\"print('up', flush=True)\\nsys.exit(3)\"",
            "None",
            ["orders exited with code 3 and has never connected to this collector"],
            "orders exited with code 3 and has never connected to this collector: its output may"
            " say why",
            id="exit code",
        ),
    ],
)
def test_program_that_never_connected_is_explained(
    pytester: pytest.Pytester, code: str, env: str, facts: list[str], hint: str
) -> None:
    ends = "orders.wait()" if "exit(3)" in code else ""
    lines = failure_of(
        pytester,
        f"""
def test_it(otlp, otlp_process):
    orders = otlp_process(program({code}), name="orders", ready=UP, env={env})
    {ends}
    otlp.spans.wait_for_one(name="work", timeout_s=0.0)
""",
    )
    assert lines[4:] == [
        "no connection was opened",
        *facts,
        f"hint:     {hint}",
        "explain:  otlptest explain no_matching_span",
    ]


@pytest.mark.parametrize("allowed", [False, True])
def test_program_that_had_to_be_killed_fails_its_test(
    pytester: pytest.Pytester, *, allowed: bool
) -> None:
    result = run_suite(
        pytester,
        HEAD
        + f"""
@pytest.mark.otlp(stop_timeout_s=0.2, allow={["program_killed"] if allowed else []})
def test_it(otlp, otlp_process):
    otlp_process(program(DEAF), name="orders", ready=UP)
""",
    )
    result.assert_outcomes(passed=1, errors=0 if allowed else 1)
    marked = [line for line in result.outlines if line.startswith("E ")]
    assert marked == (
        []
        if allowed
        else [
            "E   otlptest.errors.ExpectationError: 1 unmet expectation",
            "E   program_killed: orders",
            "E     expected: an end within 0.2 s of SIGTERM",
            "E     received: it did not end on SIGTERM within 0.2 s and was killed",
            (
                "E     hint:     what it had not sent by then is lost: end it on the signal, give"
                " it more time (--otlp-stop-timeout-s), or say otlp.allow('program_killed')"
            ),
            "E     explain:  otlptest explain program_killed",
        ]
    )


def test_probes_of_the_ports_fail_no_test(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
@pytest.mark.parametrize("path", ["/", "/v1/traces", "/healthz"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_http(otlp, method, path):
    for endpoint in (otlp.http_endpoint, otlp.grpc_endpoint):
        connection = http.client.HTTPConnection("127.0.0.1", port(endpoint))
        connection.request(method, path)
        try:
            assert connection.getresponse().status >= 400
        finally:
            connection.close()

@pytest.mark.parametrize("service", ["health.v1.Health", "reflection.v1.ServerReflection"])
def test_grpc(otlp, service):
    grpc = pytest.importorskip("grpc")
    with grpc.insecure_channel(otlp.grpc_endpoint.removeprefix("http://")) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/grpc.{service}/Ask", lambda b: b, lambda b: b)(b"", timeout=9)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
""",
    )
    result.assert_outcomes(passed=11)


def test_body_at_a_wrong_path_does(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
def test_it(otlp):
    assert sender.post(otlp.http_endpoint, "{}", "/v1/trace") == 404
""",
    )
    result.assert_outcomes(passed=1, errors=1)


def test_same_finding_is_shown_once_with_its_number(pytester: pytest.Pytester) -> None:
    lines = failure_of(
        pytester,
        """
def test_it(otlp):
    for _ in range(7):
        sender.post(otlp.http_endpoint, "{}", "/v1/trace")
""",
    )
    assert lines[:2] == [
        "otlptest.errors.ExpectationError: 7 unmet expectations",
        "OTLP-HTTP-006: request 1 (http/json to /v1/trace), and 6 more like it",
    ]
    assert len(lines) == 5


def test_missing_attribute_names_the_one_that_is_there(pytester: pytest.Pytester) -> None:
    result = run_suite(
        pytester,
        HEAD
        + """
def test_it(otlp):
    sender.send(otlp.http_endpoint)
    span = otlp.spans.wait_for_one(name="work")
    assert span.resource.get("service.nam") is None and "service.nam" not in span.resource
    with pytest.raises(KeyError):
        span.attributes["x"]
    span.resource["service.nam"]
""",
    )
    result.assert_outcomes(failed=1)
    marked = [line for line in result.outlines if line.startswith("E ")]
    assert marked == [
        (
            "E       otlptest.errors.MissingAttributeError: there is no resource attribute"
            " 'service.nam'; there is 'service.name' = 'shop'"
        ),
        "E         hint: the resource attribute has another name than the test expects",
    ]
    result.stdout.no_fnmatch_line("*attributes.py*")


@pytest.mark.parametrize("awaits", [False, True])
def test_wait_that_blocks_an_event_loop_says_so(pytester: pytest.Pytester, *, awaits: bool) -> None:
    wait = "await otlp.aio.spans" if awaits else "otlp.spans"
    lines = failure_of(
        pytester,
        f"""
def test_it(otlp):
    async def main():
        {wait}.wait_for_one(name="late", timeout_s=0.0)
    asyncio.run(main())
""",
    )
    blocked = (
        "hint:     this wait blocked the event loop of its thread, and what runs there:"
        " await otlp.aio.spans.wait_for_…(…)"
    )
    assert (blocked in lines) is not awaits


def test_path_that_answers_not_found_is_named(pytester: pytest.Pytester) -> None:
    lines = failure_of(
        pytester,
        f"""
def test_it(otlp_process):
    is_ready = ready.http("/healthz?status=404", timeout_s=5)
    otlp_process({web_server()!r}, name="shop", ready=is_ready)
""",
    )
    assert lines[:2] == [
        (
            "otlptest.errors.ProcessError: shop was not ready within 5 s: no 2xx answer to GET"
            " /healthz?status=404, the answer was 404"
        ),
        "hint: /healthz?status=404 answers 404: is the path right?",
    ]


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")], ids=["alone", "xdist"])
def test_interrupt_shows_what_came_so_far(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    waiting = pytester.path / "waiting"
    pytester.makepyfile(
        sender=SENDER,
        test_suite=HEAD
        + f"""
def test_it(otlp, otlp_process):
    otlp_process(program(SEND + "\\n" + HANDLER), name="orders", ready=UP)
    otlp.spans.wait_for_one(name="work", timeout_s=60)
    open({str(waiting)!r}, "w").close()
    otlp.spans.wait_for_one(name="other", timeout_s=60)
""",
    )
    options = ("--disable-plugin-autoload", "-p", "otlptest.pytest_plugin", *workers)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=WITH_CTRL_C,  # noqa: PLW1509 -- it only resets a signal
    )
    until = Deadline(40)
    while not Path(waiting).exists():
        assert until.pause(0.05)
    os.killpg(run.pid, signal.SIGINT)
    printed, _ = run.communicate(timeout=40)
    when = ", when test_suite.py::test_it was interrupted"
    assert f"otlptest: received{when}" in printed
    assert "1 request over 1 connection\n1 span:\n  shop:\n         1  'work'\n" in printed
    assert f"otlptest: output of orders{when}" in printed
    assert "KeyboardInterrupt" in printed
