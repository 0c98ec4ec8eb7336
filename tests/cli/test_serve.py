"""`otlptest serve`: what it shows, records, judges, and every way in which it ends."""

import gzip
import http.client
import json
import signal
import socket
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.command_line import otlptest
from tests.support.payloads import payload_path
from tests.support.served import Served, serve

ZERO_IDS = json.dumps(
    {
        "resourceSpans": [
            {"scopeSpans": [{"spans": [{"traceId": "0" * 32, "spanId": "0" * 16, "name": "bad"}]}]}
        ]
    }
).encode()


def test_each_span_is_a_line_and_the_end_has_a_verdict() -> None:
    with serve("--exit-after", "1") as served:
        assert served.post() == 200
        code, out, err = served.finished()
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 8
    assert all(" span " in line for line in lines)
    assert "frontend: POST /checkout  48.0 ms  UNSET  http.response.st" in lines[0]
    assert err.endswith("1 requests, 0 errors, 0 warnings\n")


def test_the_settings_for_an_sdk_are_told_on_stderr() -> None:
    with serve("--duration", "0") as served:
        _, out, err = served.finished()
    assert out == ""
    assert f"  export OTEL_EXPORTER_OTLP_ENDPOINT={served.http}\n" in err
    assert f"  export OTEL_EXPORTER_OTLP_ENDPOINT={served.grpc}\n" in err
    assert "  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n" in err
    assert err.endswith("0 requests, 0 errors, 0 warnings\n")


def test_every_signal_is_one_json_object_per_line() -> None:
    with serve("--exit-after", "4", "--format", "json") as served:
        served.post()
        served.post("payloads/metrics/every_type.json", path="/v1/metrics")
        served.post("payloads/logs/events.json", path="/v1/logs")
        served.post("payloads/profiles/cpu.json", path="/v1development/profiles")
        code, out, _ = served.finished()
    *items, summary = [json.loads(line) for line in out.splitlines()]
    assert [item["type"] for item in items] == ["span"] * 8 + ["metric"] * 6 + ["log", "profile"]
    assert (summary["type"], summary["ok"], summary["requests"]) == ("summary", True, 4)
    assert code == 0


def test_what_breaks_a_rule_is_a_finding_and_exit_code_1() -> None:
    with serve("--exit-after", "1") as served:
        served.post_bytes(ZERO_IDS)
        code, out, _ = served.finished()
    assert code == 1
    assert "error OTLP-TRACE-002: " in out


def test_a_refused_request_is_a_problem_line_and_a_finding() -> None:
    with serve("--exit-after", "1", "--format", "json") as served:
        assert served.post_bytes(b'{"resourceSpans": [') == 400
        code, out, _ = served.finished()
    problem, summary = [json.loads(line) for line in out.splitlines()]
    assert (problem["type"], problem["kind"]) == ("problem", "malformed")
    assert (code, summary["ok"]) == (1, False)


@pytest.mark.parametrize("suffix", ["", ".gz"], ids=["plain", "gzip"])
def test_a_recording_holds_what_was_accepted(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"all.jsonl{suffix}"
    with serve("--record", file, "--exit-after", "2") as served:
        served.post()
        served.post_bytes(b"not OTLP")
        served.finished()
    data = gzip.decompress(file.read_bytes()) if suffix else file.read_bytes()
    (line,) = data.splitlines()
    assert json.loads(line) == json.loads(Path(payload_path()).read_text("utf-8"))


def test_a_recording_that_cannot_be_opened_ends_it_before_it_listens(tmp_path: Path) -> None:
    done = otlptest("serve", "--grpc-port", "0", "--http-port", "0", "--record", tmp_path / "no/x")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"error: cannot record to {tmp_path / 'no/x'}: No such file")
    assert "\nhint: " in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_full_disk_under_the_recording_ends_it_with_one_sentence() -> None:
    with serve("--record", "/dev/full") as served:
        served.post()
        code, _, err = served.finished()
    assert code == 3
    assert "error: cannot record to /dev/full: no space left on the device\nhint: " in err
    assert "Traceback" not in err


def test_a_taken_port_is_one_sentence_with_a_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = otlptest("serve", "--grpc-port", str(port), "--http-port", "0")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"error: cannot listen on 127.0.0.1:{port}: the port is in use\n"
        "hint: stop the program that holds it, or use port 0 and otlptest picks a free one\n"
    )


@pytest.mark.parametrize("option", [(), ("--host", "localhost")], ids=["default", "localhost"])
def test_it_is_reached_at_both_loopback_addresses(option: tuple[str, ...]) -> None:
    hosts = ["127.0.0.1", "[::1]"]
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        hosts.remove("[::1]")
    with serve(*option, "--exit-after", str(len(hosts))) as served:
        told = served.http
        for host in hosts:
            served.http = told.replace("127.0.0.1", host)
            assert served.post() == 200
        code, _, err = served.finished()
    assert told.startswith("http://127.0.0.1:")
    assert code == 0
    assert "warning" not in err.replace("0 warnings", "")


PAGES = ("http://localhost:3000", "http://127.0.0.1:3000", "http://evil.invalid")


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ((), ()),
        (("--cors-origin", PAGES[0]), PAGES[:1]),
        (("--cors-origin", PAGES[0], "--cors-origin", PAGES[1]), PAGES[:2]),
        (("--cors-origin", "*"), PAGES),
    ],
    ids=["none", "one", "two", "any"],
)
def test_pages_of_the_origins_that_are_named_may_send(
    options: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    with serve(*options, "--exit-after", "3") as served:
        for page in PAGES:
            status, origin = preflight(served.http, page)
            assert status == (204 if page in allowed else 405)
            assert origin == ((page if "*" not in options else "*") if page in allowed else None)
        for _ in allowed:
            served.post()
        code, out, _ = served.finished()
    assert code == 0
    refused = [page for page in PAGES if page not in allowed]
    told = [line for line in out.splitlines() if " problem " in line]
    assert len(told) == len(refused)
    for line, page in zip(told, refused, strict=True):
        assert f"problem wrong_method: the origin '{page}" in line


def preflight(url: str, page: str) -> tuple[int, str | None]:
    """The status of a preflight's answer, and the origin that it allows."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    fields = {"Origin": page, "Access-Control-Request-Method": "POST"}
    connection.request("OPTIONS", "/v1/traces", headers=fields)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("Access-Control-Allow-Origin")


def test_a_star_beside_another_origin_is_one_sentence() -> None:
    done = otlptest("serve", "--cors-origin", "*", "--cors-origin", PAGES[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: the CORS origin '*' stands for all, and browsers refuse it with credentials\n"
        "hint: name the origins, e.g. 'http://localhost:3000'\n"
    )


def test_a_unix_socket_is_one_sentence() -> None:
    done = otlptest("serve", "--host", "unix:/tmp/otlp.sock")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: cannot listen on 'unix:/tmp/otlp.sock': OTLP is received over TCP only, not over"
        " Unix sockets\nhint: listen on an address, e.g. 127.0.0.1\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_ends_it_after_the_verdict(sent: signal.Signals, code: int) -> None:
    with serve() as served:
        served.post()
        assert " span " in served.line()
        served.process.send_signal(sent)
        ended, _, err = served.finished()
        assert ended == code
        assert err.endswith("1 requests, 0 errors, 0 warnings\n")
        assert_port_is_free(served)


def assert_port_is_free(served: Served) -> None:
    with socket.create_server(("127.0.0.1", urlsplit(served.http).port or 0)):
        pass


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    with serve() as served:
        assert served.process.stdout is not None
        served.process.stdout.close()
        served.post()
        code, _, err = served.finished()
    assert code == 141
    assert "Traceback" not in err
    assert "error" not in err


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"], ids=str)
def test_lines_fit_40_columns_of_any_encoding(encoding: str) -> None:
    with serve("--exit-after", "1", COLUMNS="40", PYTHONIOENCODING=encoding) as served:
        served.post()
        code, out, _ = served.finished()
    assert code == 0
    assert max(map(len, out.splitlines())) <= 40


def test_tls_names_the_certificate_to_trust() -> None:
    with serve("--tls", "--duration", "20") as served:
        settings = dict(
            line.removeprefix("  export ").strip().split("=", 1)
            for line in served.said
            if line.startswith("  export ")
        )
        context = ssl.create_default_context(cafile=settings["OTEL_EXPORTER_OTLP_CERTIFICATE"])
        target = urlsplit(served.http)
        with (
            socket.create_connection(("127.0.0.1", target.port or 0)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            assert secured.version() in {"TLSv1.2", "TLSv1.3"}
    assert target.scheme == "https"


@pytest.mark.parametrize(
    "arguments",
    [("--exit-after", "0"), ("--duration", "-1"), ("--grpc-port", "70000")],
    ids=["no-requests", "negative-time", "no-port"],
)
def test_values_out_of_range_are_usage_errors(arguments: tuple[str, str]) -> None:
    done = otlptest("serve", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: invalid value for '{arguments[0]}'")
