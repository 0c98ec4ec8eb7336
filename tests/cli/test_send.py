"""`otlptest send`: what a receiver answers is told request by request, and judged."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otlptest import FakeCollector
from tests.support.command_line import otlptest
from tests.support.payloads import payload_path

FILE_EXPORTER = Path(__file__).parents[1] / "support" / "file_exporter"
CHECKOUT = "builtin:payloads/traces/checkout.json"
PARTIAL = b'{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "quota"}}'


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as running:
        yield running


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """The URL of a receiver that gives one answer, in JSON, to everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Retry-After", "7")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"], ids=str)
@pytest.mark.parametrize("compression", [(), ("--compression", "gzip")], ids=["plain", "gzip"])
def test_a_payload_arrives_over_each_protocol(
    collector: FakeCollector, protocol: str, compression: tuple[str, ...]
) -> None:
    to = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
    options = ("--protocol", protocol, "--header", "x-tenant=a=b", *compression)
    done = otlptest("send", CHECKOUT, "--to", to, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("accepted: traces (")
    request = collector.requests.one()
    assert request.protocol == protocol
    assert request.headers["x-tenant"] == "a=b"
    assert request.encoding == ("gzip" if compression else "identity")
    assert collector.spans.count() == 8


def test_a_capture_is_sent_line_by_line(collector: FakeCollector, tmp_path: Path) -> None:
    names = ("traces/checkout", "metrics/shop", "logs/shop", "profiles/cpu")
    texts = [Path(payload_path(f"payloads/{name}.json")).read_text("utf-8") for name in names]
    file = tmp_path / "all.jsonl"
    file.write_text("".join(json.dumps(json.loads(text)) + "\n" for text in texts), "utf-8")
    done = otlptest("send", file, CHECKOUT, "--to", collector.http_endpoint, "--format", "json")
    record = json.loads(done.stdout)
    assert (done.returncode, record["ok"], record["findings"]) == (0, True, [])
    sent = [(entry["signal"], entry["verdict"]) for entry in record["requests"]]
    signals = ("traces", "metrics", "logs", "profiles", "traces")
    assert sent == [(signal, "accepted") for signal in signals]
    assert record["requests"][1]["origin"] == f"{file}: line 2"
    assert tuple(request.signal for request in collector.requests) == signals


@pytest.mark.parametrize("name", ["proto.pb", "json_zstd.json", "proto_zstd.bin"])
def test_files_of_the_collectors_file_exporter_are_sent(
    collector: FakeCollector, name: str
) -> None:
    file = FILE_EXPORTER / name
    done = otlptest("send", file, "--to", collector.http_endpoint, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    sent = [(entry["signal"], entry["origin"]) for entry in json.loads(done.stdout)["requests"]]
    signals = ("traces", "metrics", "logs", "traces")
    assert sent == [(each, f"{file}: record {at}") for at, each in enumerate(signals, 1)]
    assert tuple(request.signal for request in collector.requests) == signals


def test_a_protobuf_body_of_any_name_is_sent(collector: FakeCollector, tmp_path: Path) -> None:
    file = tmp_path / "body.bin"
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(severity_text="b")
    file.write_bytes(request.SerializeToString())
    done = otlptest("send", file, "--to", collector.http_endpoint)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"error: {file}: the bytes can be a request of traces or metrics or logs\n"
        "hint: say which with signal= (--signal of otlptest send)\n"
    )
    done = otlptest("send", file, "--to", collector.http_endpoint, "--signal", "logs")
    assert (done.returncode, done.stderr) == (0, "")
    assert collector.logs.one().severity_text == "b"


def test_nothing_of_a_cut_file_of_records_is_sent(collector: FakeCollector, tmp_path: Path) -> None:
    file = tmp_path / "proto.pb"
    file.write_bytes((FILE_EXPORTER / "proto.pb").read_bytes()[:-100])
    done = otlptest("send", file, "--to", collector.http_endpoint)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"error: {file}: record 4 at byte 3942: 2,480 bytes were expected by the record's length,"
        " and the file ends after 2,380 of them\n"
        "hint: what came before was read; nothing after it can be found\n"
    )
    assert collector.requests.count() == 0


def test_a_partial_success_is_a_finding() -> None:
    with answering(200, PARTIAL) as url:
        options = ("--to", url, "--protocol", "http/json")
        text = otlptest("send", CHECKOUT, *options)
        record = json.loads(otlptest("send", CHECKOUT, *options, "--format", "json").stdout)
    assert (text.returncode, text.stderr) == (1, "")
    assert text.stdout.startswith("partial: traces (")
    assert "3 items rejected - quota" in text.stdout
    assert record["ok"] is False
    (finding,) = record["findings"]
    assert (finding["rule"], finding["received"]) == ("not_accepted", "3 items rejected: quota")
    assert finding["hint"] == ""


def test_a_refusal_is_a_finding_with_the_receivers_own_words() -> None:
    with answering(503, b'{"code": 14, "message": "full"}') as url:
        options = ("--to", url, "--protocol", "http/json")
        done = otlptest("send", CHECKOUT, *options)
        record = json.loads(otlptest("send", CHECKOUT, *options, "--format", "json").stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("refused: traces (")
    assert "HTTP 503" in done.stdout
    assert done.stdout.endswith("- full - retry after 7 s\n")
    (finding,) = record["findings"]
    assert finding["hint"] == "this status may pass: send it again in 7 s, as an OTLP client would"


def test_a_path_that_the_receiver_does_not_have_is_a_finding(collector: FakeCollector) -> None:
    done = otlptest(
        "send", CHECKOUT, "--to", f"{collector.http_endpoint}/elsewhere", "--protocol", "http/json"
    )
    assert done.returncode == 1
    assert "HTTP 404" in done.stdout


def test_nobody_at_the_other_end_is_one_sentence() -> None:
    done = otlptest("send", CHECKOUT, "--to", "http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: cannot send to http://127.0.0.1:1")
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_otlp_is_told_and_the_others_are_sent(
    collector: FakeCollector, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("nonsense\n", "utf-8")
    alone = otlptest("send", bad, "--to", collector.http_endpoint)
    assert (alone.returncode, alone.stdout) == (3, "")
    assert alone.stderr.startswith(f"error: {bad}: line 1")
    both = otlptest("send", bad, CHECKOUT, "--to", collector.http_endpoint)
    assert both.returncode == 1
    assert both.stdout.startswith("accepted: traces")
    assert both.stderr == alone.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            [CHECKOUT],
            "error: missing option '--to'\nhint: otlptest send --help tells more\n",
            id="no-target",
        ),
        pytest.param(
            ["builtin:payloads/traces/x.jsn", "--to", "http://h"],
            "error: builtin:payloads/traces/x.jsn: no such file ships in fixtures\n",
            id="no-such-file",
        ),
        pytest.param(
            [CHECKOUT, "--to", "http://h", "--header", "s3cret"],
            "error: a --header is not of the form NAME=VALUE\nhint: e.g. --header x-tenant=a\n",
            id="header-without-value",
        ),
        pytest.param(
            [CHECKOUT, "--to", "ftp://h"],
            "error: cannot send to 'ftp://h': it is not an http or https URL, and not host:port\n",
            id="no-url",
        ),
        pytest.param(
            [CHECKOUT, "--to", "unix:/tmp/otlp.sock"],
            (
                "error: cannot send to 'unix:/tmp/otlp.sock': OTLP is sent over TCP only, not over"
                " Unix sockets\nhint: write e.g. http://127.0.0.1:4318\n"
            ),
            id="unix-socket",
        ),
        pytest.param(
            [CHECKOUT, "--to", "http://h", "--protocol", "grcp"],
            "error: invalid value for '--protocol': 'grcp' is not one of 'grpc', 'http/protobuf',"
            " 'http/json'\nhint: did you mean 'grpc'?\n",
            id="misspelt-protocol",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_sent(arguments: list[str], message: str) -> None:
    done = otlptest("send", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
