"""Whatever happens while an OTLP file is written, it holds whole lines only."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlptest.errors import RecordingError, UsageError
from otlptest.wire.otlp.otlp_file_writing import OtlpFileWriter
from otlptest.wire.otlp.otlp_files import FileRecord, read_records
from otlptest.wire.otlp.signals import request_class
from otlptest.wire.transport.compression import compress
from tests.support.signals import needs_profiles


def traces(name: str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name=name)
    return request


def names(path: Path) -> list[str]:
    found: list[str] = []
    for record in read_records(path):
        if isinstance(record, FileRecord):
            message: Any = record.message
            found.append(message.resource_spans[0].scope_spans[0].spans[0].name)
        else:
            found.append(record.place)
    return found


FILES = ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"]


@pytest.mark.parametrize("file", FILES)
def test_what_is_appended_reads_back(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    with OtlpFileWriter(path) as writer:
        writer.append([])
        writer.append([("traces", traces("one")), ("traces", traces("two\n\u2028"))])
        assert names(path) == ["one", "two\n\u2028"]
        writer.append([("traces", traces("three"))])
    with OtlpFileWriter(path) as writer:
        writer.append([("traces", traces("four"))])
    assert names(path) == ["one", "two\n\u2028", "three", "four"]


def test_lines_end_with_a_newline_and_have_none_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with OtlpFileWriter(path) as writer:
        writer.append([("traces", traces("a\nb")), ("logs", ExportLogsServiceRequest())])
    content = path.read_bytes()
    assert content.count(b"\n") == 2
    assert content.endswith(b"{}\n")
    content.decode("utf-8")


@pytest.mark.parametrize("file", FILES)
def test_a_line_that_somebody_cut_stays_alone(tmp_path: Path, file: str) -> None:
    encoding = {".gz": "gzip", ".zst": "zstd"}.get(Path(file).suffix, "identity")
    path = tmp_path / file
    path.write_bytes(compress(encoding, b'{"resource":'))
    with OtlpFileWriter(path) as writer:
        writer.append([("traces", traces("mine"))])
        writer.append([("traces", traces("again"))])
    assert names(path) == ["line 1, byte 12", "mine", "again"]
    records = [record for record in read_records(path) if isinstance(record, FileRecord)]
    assert [record.line for record in records] == [2, 3]


@needs_profiles
def test_profiles_are_written_only_on_request(tmp_path: Path) -> None:
    profiles = request_class("profiles")()
    with OtlpFileWriter(tmp_path / "a.jsonl") as writer, pytest.raises(UsageError):
        writer.append([("traces", traces("a")), ("profiles", profiles)])
    assert (tmp_path / "a.jsonl").read_bytes() == b""
    with OtlpFileWriter(tmp_path / "b.jsonl", takes_profiles=True) as writer:
        writer.append([("profiles", profiles)])
    assert (tmp_path / "b.jsonl").read_bytes() == b"{}\n"


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with OtlpFileWriter(path) as writer:

        def write(name: str) -> None:
            for _ in range(50):
                writer.append([("traces", traces(name * 300))])

        threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(names(path)) == sorted(name * 300 for name in "abcd" * 50)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_is_one_clear_error() -> None:
    with (
        OtlpFileWriter("/dev/full") as writer,
        pytest.raises(RecordingError, match=r"/dev/full: no space left on the device"),
    ):
        writer.append([("traces", traces("a"))])


TAKES_500_BYTES = """
import resource, signal, sys
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlptest.errors import RecordingError
from otlptest.wire.otlp.otlp_file_writing import OtlpFileWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
request = ExportTraceServiceRequest()
request.resource_spans.add().scope_spans.add().spans.add(name="x" * 200)
with OtlpFileWriter(sys.argv[1]) as writer:
    writer.append([("traces", request)])
    try:
        writer.append([("traces", request), ("traces", request)])
    except RecordingError as refused:
        print(refused)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_what_a_full_disk_took_of_a_piece_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    command = [sys.executable, "-c", TAKES_500_BYTES, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert "File too large" in done.stdout
    assert names(path) == ["x" * 200]


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file or directory"):
        OtlpFileWriter(tmp_path / "missing" / "a.jsonl")


def test_a_file_of_another_compression_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b"{}\n")
    with pytest.raises(RecordingError, match="it is identity and its name says otherwise"):
        OtlpFileWriter(path)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "content", [b"\0\0\0\4\n\2\n\0", "{}\n".encode("utf-16")], ids=["records", "UTF-16"]
)
def test_a_file_of_another_form_is_left_alone(tmp_path: Path, file: str, content: bytes) -> None:
    path = tmp_path / file
    path.write_bytes(compress({"gz": "gzip", "zst": "zstd"}.get(file[8:], "identity"), content))
    before = path.read_bytes()
    with pytest.raises(RecordingError) as refused:
        OtlpFileWriter(path)
    assert refused.value.problem == "what it holds is not JSON in UTF-8"
    assert path.read_bytes() == before


@pytest.mark.parametrize("file", FILES[1:])
def test_a_damaged_compressed_file_is_not_appended_to(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.write_bytes(compress("gzip" if file.endswith("gz") else "zstd", b"{}\n" * 50)[:-3])
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="it is damaged"):
        OtlpFileWriter(path)
    assert path.read_bytes() == before


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    writer = OtlpFileWriter(tmp_path / "a.jsonl")
    writer.close()
    writer.close()
