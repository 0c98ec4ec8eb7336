"""Telemetry with a wrong clock, on kept connections, in late requests: which test it belongs to.

Each situation comes from the field (public issues of SDKs, exporters and agents). In all of them an
earlier test has run, so that something could be left over.
"""

import pytest

from tests.support.plugin_runs import run_suite

HEAD = """
import os, sys, time, urllib.request, http.client, json
import grpc
from otlptest import ready
from otlptest.errors import ExpectationError

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SECOND = 10**9

PROGRAM = '''
import json, os, time, urllib.request
shift, step = int(os.environ["SHIFT"]), int(os.environ["STEP"])
now = (time.time_ns() + shift) // step * step
span = {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "charge", "kind": 1,
        "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000)}
body = json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]}).encode()
url = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
headers = {"Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20)
'''
COMMAND = [sys.executable, "-S", "-c", PROGRAM]
CLOCKS = {
    "whole seconds": {"STEP": str(SECOND), "SHIFT": "0"},
    "behind": {"STEP": "1", "SHIFT": str(-SECOND)},
    "ahead": {"STEP": "1", "SHIFT": str(3 * SECOND)},
}

def post(otlp, start, end=None, trace_id=None, name="charge", links=(), over=None):
    span = {"traceId": trace_id or os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "kind": 1,
            "name": name, "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(end or start + 1000),
            "links": [{"traceId": each, "spanId": "00f067aa0ba902b7"} for each in links]}
    body = json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]})
    if over is None:
        assert sender.post(otlp.http_endpoint, body) == 200
        return
    over.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
    assert over.getresponse().read() is not None

def refused(failure):
    return [finding.rule for finding in failure.value.findings]

@pytest.fixture(scope="module", autouse=True)
def age(otlp_collector):
    while time.time_ns() < otlp_collector._started_unix_nano + 2 * SECOND:
        time.sleep(0.01)  # the clocks that are behind are not behind the collector's start
"""

OWN_PORTS = """
@pytest.mark.parametrize("clock", CLOCKS)
def test_program(otlp, otlp_process, clock):
    program = otlp_process(COMMAND, env=CLOCKS[clock])
    assert program.wait() == 0, program.output
    otlp.spans.wait_for_one(name="charge", timeout_s=20)
    with pytest.raises(ExpectationError) as failure:
        otlp.spans.expect_none(name="charge", after=otlp.exited(program))
    assert refused(failure) == ["unexpected_item"]
    otlp.spans.expect_count(1, name="charge", after=otlp.exited(program))
"""


def test_own_ports_overrule_the_clock(pytester: pytest.Pytester) -> None:
    run_suite(pytester, HEAD + OWN_PORTS).assert_outcomes(passed=3)


OWN_TRACE = """
@pytest.mark.parametrize("behind", [SECOND, -3 * SECOND], ids=["behind", "ahead"])
def test_trace(otlp, behind):
    call = otlp.new_trace()
    post(otlp, time.time_ns() - behind, trace_id=call.trace_id)
    call.spans.wait_for_one(name="charge", timeout_s=20)
    otlp.spans.expect_count(1, name="charge", after=otlp.quiet(0.1))

def test_whole_seconds(otlp):
    call = otlp.new_trace()
    post(otlp, time.time_ns() // SECOND * SECOND, trace_id=call.trace_id)
    call.spans.wait_for_one(name="charge", timeout_s=20)

def test_consumer_in_a_trace_of_its_own(otlp):
    call = otlp.new_trace()
    post(otlp, time.time_ns() - SECOND, links=[call.trace_id])
    otlp.spans.wait_for_one(name="charge", timeout_s=20)

def test_fence_of_a_service_whose_clock_is_behind(otlp):
    def send(headers):
        post(otlp, time.time_ns() - SECOND, trace_id=headers["traceparent"].split("-")[1])
    otlp.spans.expect_none(name="refund", after=otlp.fence(send))
"""


def test_a_trace_that_the_test_invented_overrules_the_clock(pytester: pytest.Pytester) -> None:
    run_suite(pytester, HEAD + OWN_TRACE).assert_outcomes(passed=5)


OTHERS = """
invented = []

def test_first(otlp):
    invented.append(otlp.new_trace())

def test_late_span_of_a_trace_of_the_first(otlp):
    post(otlp, time.time_ns(), trace_id=invented[0].trace_id)
    otlp.spans.expect_none(name="charge", after=otlp.quiet(0.1))
    (leftover,) = otlp.findings()
    assert leftover.rule == "leftover" and leftover.received == "1 span set aside"

def test_span_that_was_polled_for_before(otlp):
    post(otlp, time.time_ns() - SECOND, time.time_ns() + 10**6)
    otlp.spans.wait_for_one(name="charge", timeout_s=20)
"""


def test_the_trace_of_another_test_is_left_over_and_the_end_of_a_span_counts(
    pytester: pytest.Pytester,
) -> None:
    run_suite(pytester, HEAD + OTHERS, "-p", "no:randomly").assert_outcomes(passed=3)


DOUBTFUL = """
@pytest.fixture(scope="session")
def kept(otlp_collector):
    connection = http.client.HTTPConnection("127.0.0.1", otlp_collector.http_port)
    yield connection
    connection.close()

def test_clock_that_is_ahead(otlp, kept):
    post(otlp, time.time_ns() + 3 * SECOND, over=kept)
    otlp.spans.wait_for_one(name="charge", timeout_s=20)

def test_late_by_a_clock_that_is_ahead(otlp, kept):
    post(otlp, time.time_ns() - SECOND // 2 + 3 * SECOND, over=kept)
    otlp.spans.expect_none(name="charge", after=otlp.quiet(0.1))

def test_absence(otlp):
    post(otlp, time.time_ns() - SECOND // 2)
    otlp.spans.expect_none(name="charge", after=otlp.quiet(0.1))

def test_count(otlp):
    post(otlp, time.time_ns())
    second = time.time_ns() // SECOND * SECOND - SECOND
    post(otlp, second, second)
    otlp.spans.expect_count(1, name="charge", after=otlp.quiet(0.1))

def test_wait(otlp):
    post(otlp, time.time_ns() - SECOND // 2)
    otlp.spans.wait_for_one(name="charge", timeout_s=0.1)

def test_what_cannot_match_is_no_gap(otlp):
    post(otlp, time.time_ns() - SECOND // 2, name="health")
    otlp.spans.expect_none(name="charge", after=otlp.quiet(0.1))
"""


def test_what_only_the_clock_puts_into_an_earlier_test_proves_no_absence(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(pytester, HEAD + DOUBTFUL, "-p", "no:randomly", "-rA")
    result.assert_outcomes(passed=2, failed=4)
    late = "in a request that began in it: it was sent late, or the clock of its sender"
    set_aside = "*gap: 'charge' (span *) matches and was set aside as an earlier test's, but"
    hint = "otlp.new_trace() headers for the call, or otlp_process for the program, say whose it is"
    result.stdout.fnmatch_lines(
        [
            f"E{set_aside} the clock of its sender is at least * s ahead of this machine's",
            "E*not_proven: this collector",
            "E*received: none so far, but not proven:",
            f"E{set_aside} it is dated 0.* s before this test, {late} may be behind",
            f"E*hint: *the clock of its sender is the reason: {hint}*",
            "E*received: 1 span so far, but not proven:",
            f"E{set_aside} it is dated * s before this test, {late} shows whole seconds",
            "E*no_matching_span: this collector",
            "E*received: no spans, within 0.1 s",
            "E*left over from an earlier test: 1 request and 1 span",
            f"E*one of them: it is dated 0.* s before this test, {late} may be behind",
            f"E*hint: *the clock of its sender is the reason: {hint}*",
        ]
    )


KEPT = """
@pytest.fixture(scope="session")
def over_http(otlp_collector):
    kept = http.client.HTTPConnection("127.0.0.1", otlp_collector.http_port)

    def send(body, path="/v1/traces"):
        kept.request("POST", path, body, {"Content-Type": "application/json"})
        reply = kept.getresponse()
        reply.read()
        return reply.status

    yield send
    kept.close()

@pytest.fixture(scope="session")
def over_grpc(otlp_collector):
    channel = grpc.insecure_channel(f"127.0.0.1:{otlp_collector.grpc_port}")
    call = channel.unary_unary(EXPORT, lambda data: data, lambda data: data)

    def send(data):
        try:
            call(data, timeout=20)
        except grpc.RpcError as error:
            return error.code().name
        return "OK"

    yield send
    channel.close()

def test_1_opens_both(otlp, over_http, over_grpc):
    assert over_http('{"resourceSpans": []}') == 200
    assert over_grpc(b"") == "OK"

def test_2_undecodable_json(otlp, over_http):
    assert over_http('{"resourceSpans": 1}') == 400

def test_3_wrong_path(otlp, over_http):
    assert over_http("{}", "/v1/trace") == 404

def test_4_absence(otlp, over_http):
    assert over_http('{"resourceSpans": 1}') == 400
    otlp.spans.expect_none(name="charge", after=otlp.quiet(0.2))

def test_5_undecodable_grpc(otlp, over_grpc):
    assert over_grpc(b"\\xff\\xff\\xff") == "INVALID_ARGUMENT"
"""


def test_a_refused_request_on_a_kept_connection_is_of_the_test_in_which_it_began(
    pytester: pytest.Pytester,
) -> None:
    """open-telemetry/opentelemetry-rust#1040: only the receiver could report it."""
    result = run_suite(pytester, HEAD + KEPT, "-p", "no:randomly", "-rA")
    result.assert_outcomes(passed=4, failed=1, errors=3)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_2_undecodable_json*",
            "*OTLP-JSON-037: request 3 (*",
            "*ERROR at teardown of test_3_wrong_path*",
            "*OTLP-HTTP-0*: request 4 (*",
            "*ERROR at teardown of test_5_undecodable_grpc*",
            "*OTLP-GRPC-0*: request 6 (*",
            "*test_4_absence*",
            "E*not_proven: this collector",
            "E*gap: request * was refused (malformed: *): what it held is unknown",
        ]
    )


SESSION_SERVICE = """
from otlptest.processes import start_program

SHOP = '''
import http.client, http.server, json, os
host = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"].rpartition("/")[2]
kept = http.client.HTTPConnection(host)
def post(document):
    kept.request("POST", "/v1/traces", json.dumps(document), {"Content-Type": "application/json"})
    kept.getresponse().read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/ok":
            post({"resourceSpans": []})
        if self.path == "/bad":
            post({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "not hex"}]}]}]})
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
SERVICE = [sys.executable, "-c", SHOP]

@pytest.fixture(scope="session")
def shop(otlp_collector):
    env = otlp_collector.environ("http/json")
    with start_program(SERVICE, env=env, ready=ready.http("/health")) as program:
        yield program

def test_1(otlp, shop):
    shop.get("/ok")

def test_2_session_service(otlp, shop):
    shop.get("/bad")

def test_3_own_service(otlp, otlp_process):
    otlp_process(SERVICE, ready=ready.http("/health")).get("/bad")
"""


def test_a_service_of_the_session_is_judged_in_the_test_that_made_it_send(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(pytester, HEAD + SESSION_SERVICE, "-p", "no:randomly")
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(["*OTLP-JSON-003: request 2 (*", "*OTLP-JSON-003: request 3 (*"])
