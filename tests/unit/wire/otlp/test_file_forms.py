"""Files of OTLP are read whatever form they have: content tells it, not the name."""

import gzip
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlptest.errors import FileFormatError
from otlptest.model import Signal
from otlptest.wire.otlp.otlp_files import FileRecord, holds_json, read_records
from otlptest.wire.otlp.otlp_json import decode_request
from otlptest.wire.transport.compression import compress

RECORDED = Path(__file__).parents[3] / "support" / "file_exporter"

TRACES = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}]}'
LOGS = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1"}]}]}]}'
SPAN = decode_request("traces", TRACES).SerializeToString()
LOG = decode_request("logs", LOGS).SerializeToString()


def lengths(*records: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(each)) + each for each in records)


def varints(*records: bytes) -> bytes:
    return b"".join(_varint(len(each)) + each for each in records)


def _varint(value: int) -> bytes:
    first = value & 0x7F
    return bytes([first]) if value < 0x80 else bytes([first | 0x80]) + _varint(value >> 7)


def zstd(record: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(record)


def pretty(document: bytes, *, indent: int | str = 2) -> bytes:
    return json.dumps(json.loads(document), indent=indent).encode()


def requests(path: Path, signal: Signal | None = None) -> list[FileRecord]:
    found = list(read_records(path, signal=signal))
    assert all(isinstance(each, FileRecord) for each in found), found
    return [each for each in found if isinstance(each, FileRecord)]


def read(path: Path, signal: Signal | None = None) -> list[tuple[str, int, int] | str]:
    """Signal, line and record of each request; what is told of each fault."""
    return [
        (each.signal, each.line, each.record)
        if isinstance(each, FileRecord)
        else str(each).removeprefix(f"{path}: ")
        for each in read_records(path, signal=signal)
    ]


def written(folder: Path, content: bytes, name: str = "capture") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name",
    ["proto.pb", "json_zstd.json", "proto_zstd.bin", "native_json.json", "native_proto.bin"],
)
def test_what_the_collectors_file_exporter_writes_is_read(name: str) -> None:
    in_lines = requests(RECORDED / "lines.json")
    assert [each.signal for each in in_lines] == ["traces", "metrics", "logs", "traces"]
    found = requests(RECORDED / name)
    assert [each.message for each in found] == [each.message for each in in_lines]
    if name == "native_json.json":
        assert [each.line for each in found] == [1, 2, 3, 4]
    else:
        assert [each.record for each in found] == [1, 2, 3, 4]
        assert found[1].origin == f"{RECORDED / name}: record 2"


TWO_RECORDS = [("traces", 0, 1), ("logs", 0, 2)]
FORMS: dict[str, tuple[bytes, list[tuple[str, int, int]]]] = {
    "lengths": (lengths(SPAN, LOG), TWO_RECORDS),
    "lengths, zstd": (lengths(zstd(SPAN), zstd(LOG)), TWO_RECORDS),
    "lengths, JSON": (lengths(TRACES, LOGS), TWO_RECORDS),
    "lengths, JSON in zstd": (lengths(zstd(TRACES), zstd(LOGS)), TWO_RECORDS),
    "one length": (lengths(SPAN), TWO_RECORDS[:1]),
    "varints": (varints(SPAN, LOG), TWO_RECORDS),
    "one varint": (varints(SPAN), TWO_RECORDS[:1]),
    "a message": (SPAN, [("traces", 0, 0)]),
    "JSON over many lines": (pretty(TRACES) + b"\n", [("traces", 1, 0)]),
    "several of them": (
        pretty(TRACES) + b"\n" + pretty(LOGS) + b"\n" + pretty(TRACES),
        [("traces", 1, 0), ("logs", 16, 0), ("traces", 31, 0)],
    ),
    "indented by tabs": (
        pretty(TRACES, indent="\t") + b"\r\n\r\n" + pretty(LOGS, indent="\t"),
        [("traces", 1, 0), ("logs", 17, 0)],
    ),
    "many lines, nothing indented": (
        pretty(TRACES, indent=0) + b"\n" + pretty(LOGS, indent=0),
        [("traces", 1, 0), ("logs", 16, 0)],
    ),
    "one after the other without a newline": (
        pretty(TRACES) + pretty(LOGS),
        [("traces", 1, 0), ("logs", 15, 0)],
    ),
    "several in one line": (
        TRACES + LOGS + b" " + TRACES + b"\n" + LOGS,
        [("traces", 1, 0), ("logs", 1, 0), ("traces", 1, 0), ("logs", 2, 0)],
    ),
    "many lines, and lines": (
        pretty(TRACES) + b"\n" + LOGS + b"\n" + pretty(TRACES),
        [("traces", 1, 0), ("logs", 16, 0), ("traces", 17, 0)],
    ),
    "brackets in a text": (
        pretty(TRACES.replace(b'"a"', b'"}\\"]{"')) + b"\n" + LOGS,
        [("traces", 1, 0), ("logs", 16, 0)],
    ),
    "a byte order mark": (
        b"\xef\xbb\xbf" + TRACES + b"\r\n" + LOGS,
        [("traces", 1, 0), ("logs", 2, 0)],
    ),
    "a byte order mark, many lines": (b"\xef\xbb\xbf" + pretty(TRACES), [("traces", 1, 0)]),
}


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("name", ["capture", "capture.json", "capture.pb"])
@pytest.mark.parametrize(("content", "expected"), FORMS.values(), ids=FORMS)
def test_content_tells_the_form(
    tmp_path: Path,
    content: bytes,
    expected: list[tuple[str, int, int]],
    name: str,
    encoding: str,
) -> None:
    path = written(tmp_path, compress(encoding, content), name)
    assert read(path) == expected
    is_json = expected[0][1] > 0
    assert holds_json(path) == is_json


def span_named(length: int) -> bytes:
    """A request of about that many bytes, any length of its parts on the way."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="n" * length, flags=1)
    return request.SerializeToString()


@pytest.mark.parametrize(
    "length", [*range(160), *range(2500, 2530), 16_370, 16_384, 2_097_152, 16_777_300]
)
def test_every_length_of_the_first_record_is_told_apart(tmp_path: Path, length: int) -> None:
    request = span_named(length)
    for content, count in (
        (request, 1),
        (lengths(request, SPAN), 2),
        (lengths(request), 1),
        (varints(request, SPAN), 2),
        (varints(request), 1),
    ):
        assert len(requests(written(tmp_path, content))) == count


@given(st.lists(st.sampled_from([SPAN, LOG, span_named(9), span_named(300)]), min_size=1))
def test_any_sequence_of_records_is_read_whole(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    for content in (
        lengths(*records),
        varints(*records),
        lengths(*map(zstd, records)),
    ):
        found = requests(written(folder, content))
        assert [each.message.SerializeToString() for each in found] == records


CUT = "\n  hint: what came before was read; nothing after it can be found"
FIRST = ("traces", 0, 1)
FAULTS: dict[str, tuple[bytes, list[tuple[str, int, int] | str]]] = {
    "cut within a record": (
        lengths(SPAN, LOG)[:-3],
        [
            FIRST,
            "record 2 at byte 13: 15 bytes were expected by the record's length, and the file ends"
            " after 12 of them" + CUT,
        ],
    ),
    "cut within a length": (
        lengths(SPAN) + b"\0\0",
        [FIRST, "record 2 at byte 13: a length of 4 bytes was expected, and 2 are there" + CUT],
    ),
    "no length": (
        lengths(SPAN) + b"hello, world",
        [
            FIRST,
            "record 2 at byte 13: 1,751,477,356 bytes were expected by the record's length, and the"
            " file ends after 8 of them" + CUT,
        ],
    ),
    "a length beyond all": (
        lengths(SPAN) + b"\xff\xff\xff\xff" + LOG,
        [
            FIRST,
            "record 2 at byte 13: a length was expected, and 4,294,967,295 bytes is none that a"
            " message has" + CUT,
        ],
    ),
    "a bad record between": (
        lengths(SPAN, SPAN.replace(b"\x01a", b"\x05a"), LOG),
        [
            FIRST,
            (
                "record 2 at byte 13, resource_spans[0].scope_spans[0].spans[0].name, byte 7 of it:"
                " no ExportTraceServiceRequest: the field needs 5 bytes and 1 are left"
            ),
            ("logs", 0, 3),
        ],
    ),
    "a zstd frame that is not whole": (
        lengths(zstd(SPAN), zstd(LOG)[:-2], zstd(LOG)),
        [
            FIRST,
            "record 2 at byte 22: a whole zstd frame was expected: it ends early",
            ("logs", 0, 3),
        ],
    ),
    "an empty record": (
        lengths(SPAN, b"", LOG),
        [
            FIRST,
            (
                "record 2 at byte 13: a request was expected, and its length is 0: it does not tell"
                " its signal"
            ),
            ("logs", 0, 3),
        ],
    ),
    "zeros to the end": (
        lengths(SPAN) + bytes(4000),
        [
            FIRST,
            (
                "records 2 to 1001 at byte 13: a request was expected, and its length is 0: it does"
                " not tell its signal"
            ),
        ],
    ),
    "the first record cut": (
        lengths(SPAN)[:-3],
        [
            "record 1 at byte 0: 9 bytes were expected by the record's length, and the file ends"
            " after 6 of them" + CUT
        ],
    ),
    "the first varint record cut": (
        varints(SPAN)[:-3],
        [
            "record 1 at byte 0: 9 bytes were expected by the record's length, and the file ends"
            " after 6 of them" + CUT
        ],
    ),
    "no varint": (
        varints(SPAN) + b"\xff" * 9,
        [
            FIRST,
            "record 2 at byte 10: a length as a varint was expected, and ff ff ff ff ff is none"
            + CUT,
        ],
    ),
    "bad JSON in a record": (
        lengths(TRACES, TRACES.replace(b'"a"', b"7")),
        [
            FIRST,
            (
                "record 2 at byte 65, resourceSpans[0].scopeSpans[0].spans[0].name: 7 stands where"
                " a string belongs"
            ),
        ],
    ),
    "UTF-16": (
        (TRACES.decode() + "\r\n").encode("utf-16"),
        [
            (
                "byte 0: the text is UTF-16, and UTF-8 was expected\n  hint: in Windows PowerShell,"
                " > writes UTF-16: use `| Out-File -Encoding utf8 FILE`, or `cmd /c`"
            )
        ],
    ),
}


@pytest.mark.parametrize(("content", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_place_and_the_rest_is_read(
    tmp_path: Path, content: bytes, expected: list[tuple[str, int, int] | str]
) -> None:
    assert read(written(tmp_path, content)) == expected


WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("before", ["", "\r\n "])
def test_wide_text_is_named_with_or_without_its_mark(
    tmp_path: Path, encoding: str, before: str
) -> None:
    (fault,) = read_records(written(tmp_path, (before + TRACES.decode()).encode(encoding)))
    assert isinstance(fault, FileFormatError)
    assert fault.problem == f"the text is {encoding.upper()[:6]}, and UTF-8 was expected"
    assert not holds_json(tmp_path / "capture")


def test_empty_records_are_requests_where_the_signal_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, lengths(SPAN, b"", SPAN))
    assert [each.record for each in requests(path, "traces")] == [1, 2, 3]


def test_a_cut_document_does_not_take_the_next_one_with_it(tmp_path: Path) -> None:
    cut = pretty(TRACES)[:60]
    for following in (pretty(LOGS), LOGS):
        path = written(tmp_path, cut + b"\n" + following + b"\n" + TRACES + b"\n")
        first, second, third = read(path)
        assert str(first).startswith("line 1, byte ")
        assert second == ("logs", 6, 0)
        assert isinstance(third, tuple)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_damaged_stream_of_records_is_told_after_what_could_be_read(
    tmp_path: Path, encoding: str
) -> None:
    content = compress(encoding, lengths(SPAN, LOG)) + compress(encoding, lengths(LOG) * 50)[:-9]
    found = read(written(tmp_path, content))
    assert found[:2] == TWO_RECORDS
    assert str(found[-1]).startswith(f"after record {len(found) - 1}: the file cannot be read on: ")
    assert all(isinstance(each, tuple) for each in found[:-1])


def test_records_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(lengths(*[span_named(100_000)] * 300)))
    found = read_records(path)
    assert isinstance(next(found), FileRecord)
    stream: Any = _stream_of(found)
    assert stream.offset < 300_000
    assert sum(1 for _ in found) == 299


def _stream_of(found: Iterator[object]) -> object:
    """What the generator of a generator reads from."""
    inner: Any = found
    return inner.gi_yieldfrom.gi_frame.f_locals["self"]._stream
