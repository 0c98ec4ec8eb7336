"""What a test hears when it asks a program over HTTP, and when the program does not answer."""

import re
import socket

import pytest

from otlptest.errors import ProcessError, UsageError
from otlptest.processes import Program, ready, start_program
from tests.support.small_programs import python_program, raw_server, web_server

LISTENING = ready.line("listening")


def failure_of(program: Program, path: str = "/x", *, timeout_s: float = 10.0) -> str:
    with pytest.raises(ProcessError) as caught:
        program.get(path, timeout_s=timeout_s)
    return re.sub(rf"\b{program.port}\b", "N", str(caught.value))


def test_requests_and_answers_are_whole() -> None:
    with start_program(web_server(), ready=ready.http("/health")) as shop:
        got = shop.get("/items?a=1", headers={"traceparent": "00-ab"})
        posted = shop.post("/orders?status=418", json={"id": 1})
        put = shop.request("PUT", "/file", body=b"raw")
    assert (got.status, got.reason, got.text[:1]) == (200, "OK", "{")
    assert got.json()["path"] == "/items?a=1"
    assert got.json()["headers"]["traceparent"] == "00-ab"
    assert got.headers["X-SEEN"] == "one, two"
    assert "x-seen" in got.headers
    assert posted.status == 418
    assert posted.json()["body"] == '{"id": 1}'
    assert posted.json()["headers"]["Content-Type"] == "application/json"
    assert put.json()["body"] == "raw"


def test_readiness_request_carries_no_trace_context() -> None:
    command = raw_server(
        "print(peer.recv(9999).decode(), flush=True)\npeer.send(b'HTTP/1.1 204 OK\\r\\n\\r\\n')"
    )
    with start_program(command, ready=ready.http("/health")) as program:
        assert "GET /health HTTP/1.1" in program.output
        assert "traceparent" not in program.output.lower()


@pytest.mark.parametrize(
    ("on_connection", "problem"),
    [
        pytest.param(
            "time.sleep(60)", "shop did not answer GET /x within 0.3 s", id="says nothing"
        ),
        pytest.param(
            "try:\n    while True: peer.send(b'H'); time.sleep(0.05)\nexcept OSError: pass",
            "shop did not answer GET /x within 0.3 s",
            id="a byte now and then",
        ),
        pytest.param(
            "peer.recv(999); peer.send(b'NOT HTTP\\r\\n\\r\\n')",
            "shop gave no HTTP answer to GET /x: BadStatusLine: NOT HTTP\r\n",
            id="no HTTP",
        ),
        pytest.param(
            "peer.recv(999); peer.close()",
            "shop broke the connection off before it had answered GET /x: "
            "Remote end closed connection without response",
            id="closes",
        ),
        pytest.param(
            "peer.recv(999); print('out of memory', flush=True); os._exit(9)",
            "shop did not answer GET /x: it exited with code 9",
            id="dies",
        ),
    ],
)
def test_missing_answer_says_what_happened_instead(on_connection: str, problem: str) -> None:
    with start_program(raw_server(on_connection), name="shop", ready=LISTENING) as program:
        message = failure_of(program, timeout_s=0.3)
    assert message.startswith(problem)
    assert "  its last lines:\n    | listening" in message


def test_request_without_time_is_a_timeout() -> None:
    with start_program(raw_server("pass"), name="shop", ready=LISTENING) as program:
        assert failure_of(program, timeout_s=0).startswith("shop did not answer GET /x within 0 s")


def test_program_that_does_not_listen_is_told_where_it_should() -> None:
    code = "import signal; print('up', flush=True); signal.pause()"
    with start_program(python_program(code), name="shop", ready=ready.line("up")) as program:
        assert failure_of(program) == (
            "shop does not listen on port N, and was asked GET /x\n"
            "  hint: it must listen on the port in the environment variable PORT, here N; "
            "ready=ready.port() waits until it does\n"
            "  its last lines:\n"
            "    | up"
        )


def test_program_that_listens_on_a_port_of_its_own_is_told_so() -> None:
    code = """
    import signal, socket
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    signal.pause()
    """
    with start_program(python_program(code), name="shop", ready=ready.line("port")) as program:
        other = program.output.split()[1]
        assert f"hint: it listens on port {other}; it must listen on" in failure_of(program)


def test_line_can_tell_the_port_that_the_program_chose() -> None:
    code = """
    import os, socket
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    peer, _ = listener.accept()
    peer.recv(999); peer.send(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
    """
    pattern = r"port (?P<port>\d+)"
    with start_program(python_program(code), ready=ready.line(pattern)) as program:
        assert program.get("/").status == 204


def test_line_whose_port_is_no_number_is_a_usage_error() -> None:
    command = python_program("print('port http', flush=True); import signal; signal.pause()")
    with pytest.raises(UsageError) as caught:
        start_program(command, ready=ready.line(r"port (?P<port>\w+)"))
    assert str(caught.value) == (
        r"the group 'port' of 'port (?P<port>\\w+)' gave 'http', which is not a port"
        "\n"
        r"  hint: let it match digits only: (?P<port>\d+)"
    )


def has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no ::1")
@pytest.mark.parametrize(
    "is_ready", [ready.port(), ready.http("/"), LISTENING], ids=["port", "http", "line"]
)
def test_program_that_listens_on_ipv6_only_is_found(is_ready: ready.Readiness) -> None:
    command = raw_server("peer.recv(999); peer.send(b'HTTP/1.1 204 OK\\r\\n\\r\\n'); peer.close()")
    command[-1] = command[-1].replace(
        "('127.0.0.1', int(os.environ['PORT']))",
        "('::1', int(os.environ['PORT'])), family=socket.AF_INET6",
    )
    with start_program(command, ready=is_ready) as program:
        assert program.get("/").status == 204
        assert program.url == f"http://[::1]:{program.port}"


def test_status_of_readiness_replaces_the_default() -> None:
    with start_program(web_server(), ready=ready.http("/?status=503", status=503)) as shop:
        assert shop.url == f"http://127.0.0.1:{shop.port}"


def test_readiness_tells_the_status_that_it_got_instead() -> None:
    with pytest.raises(ProcessError) as caught:
        start_program(web_server(), ready=ready.http("/?status=503", timeout_s=0.5))
    assert "no 2xx answer to GET /?status=503, the answer was 503" in str(caught.value)


def test_readiness_tells_that_the_answer_was_no_http() -> None:
    command = raw_server("peer.recv(999); peer.send(b'SSH-2.0\\r\\n')")
    with pytest.raises(ProcessError) as caught:
        start_program(command, ready=ready.http("/", timeout_s=0.5))
    assert "there was no HTTP answer (BadStatusLine)" in str(caught.value)


def test_port_readiness_tells_that_nobody_listened() -> None:
    with pytest.raises(ProcessError) as caught:
        start_program(["sleep", "60"], ready=ready.port(timeout_s=0.1))
    assert "was not ready within 0.1 s: no connection to its port, nobody listened" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        pytest.param(lambda p: p.get("x"), "'x' is not a request target", id="no slash"),
        pytest.param(lambda p: p.get("/ä"), "'/ä' is not a request target", id="not ASCII"),
        pytest.param(lambda p: p.get("/a b"), "'/a b' is not a request target", id="blank"),
        pytest.param(
            lambda p: p.post("/", json=1, body=b""),
            "a request has one body: give json or body, not both",
            id="two bodies",
        ),
        pytest.param(
            lambda p: p.get("/", headers={"a": "b\nc"}),
            "shop cannot be asked GET /: Invalid header value b'b\\nc'",
            id="line break in a header",
        ),
    ],
)
def test_request_that_cannot_be_right_is_a_usage_error(ask: object, problem: str) -> None:
    assert callable(ask)
    command = raw_server("peer.recv(999)")
    with (
        start_program(command, name="shop", ready=LISTENING) as program,
        pytest.raises(UsageError) as caught,
    ):
        ask(program)
    assert str(caught.value).splitlines()[0] == problem
