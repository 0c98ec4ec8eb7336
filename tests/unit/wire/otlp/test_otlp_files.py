"""OTLP files are read line by line, whatever their lines are like."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlptest.errors import FileFormatError, UsageError, WireError
from otlptest.model import Signal
from otlptest.wire.otlp import otlp_files
from otlptest.wire.otlp.otlp_files import FileRecord, read_protobuf, read_records
from otlptest.wire.otlp.otlp_protobuf import encode_message
from otlptest.wire.transport.compression import compress
from tests.support.signals import needs_profiles

TRACES = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}]}'
LOGS = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"b"}]}]}]}'
METRICS = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"c"}]}]}]}'
PROFILES = b'{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"period":"1"}]}]}]}'


def read(path: Path, *, signal: Signal | None = None) -> list[tuple[str, int] | str]:
    """What a file holds: signal and line of each request, place and problem of each fault."""
    result: list[tuple[str, int] | str] = []
    for found in read_records(path, signal=signal):
        if isinstance(found, FileRecord):
            result.append((found.signal, found.line))
        else:
            result.append(f"{found.place}: {found.problem}")
    return result


def written(folder: Path, content: bytes, name: str = "capture.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


GOOD: dict[str, tuple[bytes, list[tuple[str, int]]]] = {
    "one-line": (TRACES + b"\n", [("traces", 1)]),
    "no-last-newline": (TRACES + b"\n" + TRACES, [("traces", 1), ("traces", 2)]),
    "crlf": (TRACES + b"\r\n" + TRACES + b"\r\n", [("traces", 1), ("traces", 2)]),
    "blank-lines": (b"\n \n" + TRACES + b"\n\n\n" + TRACES, [("traces", 3), ("traces", 6)]),
    "several-signals": (
        b"\n".join([TRACES, METRICS, LOGS]),
        [("traces", 1), ("metrics", 2), ("logs", 3)],
    ),
    "unknown-keys": (TRACES[:-1] + b',"future":{"a":[1]}}', [("traces", 1)]),
    "null-beside": (TRACES[:-1] + b',"resourceLogs":null}', [("traces", 1)]),
    "empty": (b"", []),
    "only-blank-lines": (b"\n\n", []),
    "pretty-document": (json.dumps(json.loads(TRACES), indent=2).encode(), [("traces", 1)]),
    "pretty-after-blank-lines": (
        b"\n\n" + json.dumps(json.loads(LOGS), indent=1).encode() + b"\n",
        [("logs", 3)],
    ),
    "pretty-with-a-full-first-line": (
        b'{"resourceLogs": [{"resource": {}}\n]}',
        [("logs", 1)],
    ),
}


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize(("content", "expected"), GOOD.values(), ids=GOOD)
def test_a_good_file_is_read(
    tmp_path: Path, encoding: str, content: bytes, expected: list[tuple[str, int]]
) -> None:
    assert read(written(tmp_path, compress(encoding, content))) == expected


@needs_profiles
def test_profiles_are_read_from_a_file(tmp_path: Path) -> None:
    assert read(written(tmp_path, PROFILES)) == [("profiles", 1)]


BAD: dict[str, tuple[bytes, list[tuple[str, int] | str]]] = {
    "garbage-between": (
        TRACES + b"\nhello\n" + LOGS,
        [("traces", 1), "line 2, byte 0: the text is not valid JSON: Expecting value", ("logs", 3)],
    ),
    "truncated-last-line": (
        TRACES + b"\n" + TRACES[:18],
        [("traces", 1), "line 2, byte 18: the text is not valid JSON: Expecting value"],
    ),
    "truncated-first-line": (
        TRACES[:18] + b"\n" + LOGS + b"\n\nx\n" + LOGS,
        [
            "line 1, byte 18: the text is not valid JSON: Expecting value",
            ("logs", 2),
            "line 4, byte 0: the text is not valid JSON: Expecting value",
            ("logs", 5),
        ],
    ),
    "bad-value": (
        TRACES.replace(b'"a"', b"7") + b"\n" + LOGS,
        [
            "line 1, resourceSpans[0].scopeSpans[0].spans[0].name: 7 stands where a string belongs",
            ("logs", 2),
        ],
    ),
    "two-signals-in-a-line": (
        TRACES[:-1] + b',"resourceLogs":[]}',
        ["line 1: the object has 'resourceSpans' and 'resourceLogs', and must have one"],
    ),
    "list": (b"[]\n" + LOGS, ["line 1: the document is a list and must be an object", ("logs", 2)]),
    "byte-order-mark-later": (
        TRACES + b"\n\xef\xbb\xbf" + TRACES,
        [("traces", 1), "line 2, byte 0: the text begins with a byte order mark"],
    ),
}


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD)
def test_a_bad_line_is_told_and_the_others_are_read(
    tmp_path: Path, content: bytes, expected: list[tuple[str, int] | str]
) -> None:
    assert read(written(tmp_path, content)) == expected


@pytest.mark.parametrize("content", [b"{}", b'{"resource_spans":[]}', b'{"a":1}'])
def test_an_object_without_an_otlp_key_is_told_what_is_allowed(
    tmp_path: Path, content: bytes
) -> None:
    (fault,) = read_records(written(tmp_path, content))
    assert isinstance(fault, FileFormatError)
    assert "none of 'resourceSpans', 'resourceMetrics'" in str(fault)
    assert "hint: each line is one JSON object" in str(fault)


def test_a_broken_document_of_many_lines_has_one_fault(tmp_path: Path) -> None:
    document = json.dumps(json.loads(TRACES), indent=2).replace('"a"', "7").encode()
    assert read(written(tmp_path, document)) == [
        "line 1, resourceSpans[0].scopeSpans[0].spans[0].name: 7 stands where a string belongs"
    ]


def test_a_long_line_is_read_whole(tmp_path: Path) -> None:
    text = TRACES.replace(b'"a"', b'"' + b"a" * (3 << 20) + b'"')
    assert read(written(tmp_path, text + b"\n" + LOGS)) == [("traces", 1), ("logs", 2)]


def test_the_text_of_a_line_is_kept(tmp_path: Path) -> None:
    (record,) = read_records(written(tmp_path, b" " + TRACES + b"\r\n"))
    assert isinstance(record, FileRecord)
    assert record.text == TRACES
    assert record.file.endswith("capture.jsonl")


def test_content_tells_the_compression_and_not_the_name(tmp_path: Path) -> None:
    assert read(written(tmp_path, TRACES, "capture.jsonl.gz")) == [("traces", 1)]
    assert read(written(tmp_path, gzip.compress(TRACES), "capture.json")) == [("traces", 1)]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_several_members_are_read_as_one_file(tmp_path: Path, encoding: str) -> None:
    content = compress(encoding, TRACES + b"\n") + compress(encoding, LOGS[:9])
    content += compress(encoding, LOGS[9:])
    assert read(written(tmp_path, content)) == [("traces", 1), ("logs", 2)]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("first", [TRACES, TRACES[:20]], ids=["whole-line", "cut-line"])
def test_a_damaged_stream_is_told_after_what_could_be_read(
    tmp_path: Path, encoding: str, first: bytes
) -> None:
    content = compress(encoding, first + b"\n") + compress(encoding, LOGS * 50)[:-9]
    found = read(written(tmp_path, content))
    assert any("cannot be read on" in item for item in found if isinstance(item, str))
    if first == TRACES:
        assert found[0] == ("traces", 1)


def test_a_file_that_cannot_be_opened_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"nope\.jsonl: the file cannot be read: No such"):
        list(read_records(tmp_path / "nope.jsonl"))
    with pytest.raises(FileFormatError, match="cannot be read"):
        list(read_records(tmp_path))


def span_bytes() -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(
        name="a", span_id=b"\x01" * 8, trace_id=b"\x02" * 16, start_time_unix_nano=1, flags=1
    )
    return encode_message(request)


@pytest.mark.parametrize("name", ["a.pb", "a.binpb", "a.pb.gz", "a.binpb.zst"])
def test_a_protobuf_file_is_read_and_its_signal_found(tmp_path: Path, name: str) -> None:
    encoding = {".gz": "gzip", ".zst": "zstd"}.get(Path(name).suffix, "identity")
    path = written(tmp_path, compress(encoding, span_bytes()), name)
    assert read(path) == [("traces", 0)]
    assert read(path, signal="traces") == [("traces", 0)]


def test_a_bad_protobuf_file_is_told(tmp_path: Path) -> None:
    (fault,) = read(written(tmp_path, span_bytes()[:-1], "a.pb"))
    assert "byte" in str(fault)
    (fault,) = read(written(tmp_path, b"", "b.pb"))
    assert "a request of traces or metrics or logs" in str(fault)
    (fault,) = read(written(tmp_path, gzip.compress(span_bytes())[:-9], "c.pb"))
    assert "cannot be read on" in str(fault)
    (fault,) = read(written(tmp_path, b"\x7a\x01a", "d.pb"))
    assert "no signal's request has such fields" in str(fault)


def test_the_signal_of_protobuf_bytes_can_be_said() -> None:
    assert read_protobuf(b"", signal="logs")[0] == "logs"
    with pytest.raises(UsageError, match="say which with signal="):
        read_protobuf(b"")
    with pytest.raises(WireError):
        read_protobuf(b"\xff", signal="logs")


def test_a_field_of_a_newer_sender_does_not_hide_the_signal() -> None:
    request = ExportTraceServiceRequest.FromString(span_bytes())
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.MergeFromString(b"\xa2\x06\x03new")  # field 100
    signal, message = read_protobuf(request.SerializeToString())
    assert (signal, message) == ("traces", request)
    span.MergeFromString(b"\xa2\x06\x7f" + b"n" * 127)  # more than half is not known
    with pytest.raises(WireError, match="no signal's request has such fields"):
        read_protobuf(request.SerializeToString())


def test_profiles_of_an_old_installation_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_profiles(signal: Signal) -> Any:  # noqa: ANN401 -- a generated class
        raise UsageError(f"{signal} cannot be read", "install a newer one")

    monkeypatch.setattr(otlp_files, "request_class", without_profiles)
    monkeypatch.setattr(otlp_files, "has_profiles", lambda: False)
    (fault,) = read(written(tmp_path, PROFILES))
    assert fault == "line 1: profiles cannot be read"
    with pytest.raises(UsageError, match="a request of traces or metrics or logs"):
        read_protobuf(b"")
