"""What a receiver writes is read while it grows, is begun anew, or is packed."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from otlptest.conformance.probes import probe_request
from otlptest.conformance.read_back import FileReadBack
from otlptest.wire.otlp_json import encode_message
from otlptest.wire.signals import request_class


def line(marker: str) -> bytes:
    message = request_class("logs").FromString(probe_request("logs", marker))
    return encode_message(message) + b"\n"


def line_with_ids(marker: str, **ids: bytes) -> bytes:
    """A right record in one line with one whose ids are these."""
    message: Any = request_class("logs").FromString(probe_request("logs", marker))
    records = message.resource_logs[0].scope_logs[0].log_records
    odd = records.add()
    odd.CopyFrom(records[0])
    for name, value in ids.items():
        setattr(odd, name, value)
    return encode_message(message) + b"\n"


def count(stored: FileReadBack, marker: str) -> int:
    return len(stored.items("logs", marker, timeout_s=0.0))


def test_lines_that_are_added_are_found_once(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    stored = FileReadBack(path)
    path.write_bytes(line("a") + b"no json\n" + line("b")[:20])
    assert (count(stored, "a"), count(stored, "b")) == (1, 0)
    path.write_bytes(line("a") + b"no json\n" + line("b"))
    assert (count(stored, "a"), count(stored, "b")) == (1, 1)


def test_a_file_that_is_begun_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    stored = FileReadBack(path)
    path.write_bytes(line("a") + line("b"))
    assert count(stored, "a") == 1
    path.write_bytes(line("c"))
    assert count(stored, "c") == 1


def test_a_packed_file_is_read_whole_each_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl.gz"
    stored = FileReadBack(path)
    assert count(stored, "a") == 0
    path.write_bytes(gzip.compress(line("a")))
    assert count(stored, "a") == 1
    path.write_bytes(gzip.compress(line("a") + line("b")))
    assert (count(stored, "a"), count(stored, "b")) == (1, 1)


@pytest.mark.parametrize("trace_id", [b"\x01" * 3, b"\x01" * 15, b"\x01" * 17], ids=len)
def test_an_id_of_a_wrong_length_is_found_as_it_was_stored(tmp_path: Path, trace_id: bytes) -> None:
    path = tmp_path / "out.jsonl"
    stored = FileReadBack(path)
    path.write_bytes(line_with_ids("a", trace_id=trace_id, span_id=b"\x02" * 8))
    items = stored.items("logs", "a", timeout_s=0.0)
    assert [each.trace_id for each in items] == [None, trace_id.hex()]
    assert items[1].span_id == "02" * 8


def test_a_line_with_an_id_that_is_no_hex_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    stored = FileReadBack(path)
    odd = line_with_ids("a", trace_id=b"\x01" * 3)
    path.write_bytes(odd.replace(b'"010101"', b'"zz0101"') + odd.replace(b'"010101"', b'"01010"'))
    assert count(stored, "a") == 0
