"""What a receiver writes is read while it grows, is begun anew, or is packed."""

import gzip
import struct
from pathlib import Path
from typing import Any

import pytest

from otlptest.conformance.receiver.probes import probe_request
from otlptest.conformance.receiver.read_back import FileReadBack
from otlptest.timing import Deadline
from otlptest.wire.otlp.otlp_json import encode_message
from otlptest.wire.otlp.signals import request_class
from otlptest.wire.transport.compression import compress


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


@pytest.mark.parametrize("is_json", [False, True], ids=["proto", "JSON in zstd"])
def test_records_behind_a_length_are_found_whatever_the_file_is_called(
    tmp_path: Path, *, is_json: bool
) -> None:
    def record(marker: str) -> bytes:
        content = compress("zstd", line(marker)) if is_json else probe_request("logs", marker)
        return struct.pack(">I", len(content)) + content

    path = tmp_path / "out.json"
    stored = FileReadBack(path)
    path.write_bytes(record("a") + record("b")[:20])
    assert (count(stored, "a"), count(stored, "b")) == (1, 0)
    path.write_bytes(record("a") + record("b"))
    assert (count(stored, "a"), count(stored, "b")) == (1, 1)


def test_a_byte_order_mark_does_not_hide_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    stored = FileReadBack(path)
    path.write_bytes(b"\xef\xbb\xbf" + line("a") + line("b"))
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


# How long is waited for what may be lost.


def waited(stored: FileReadBack, marker: str, timeout_s: float = 8.0) -> float:
    took = Deadline(timeout_s)
    assert stored.items("logs", marker, timeout_s=timeout_s) == ()
    return took.elapsed_s()


def test_what_has_not_come_in_a_few_times_the_longest_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    stored = FileReadBack(path)
    path.write_bytes(line("a") + line("b") + line("c"))
    for marker in "abc":
        assert len(stored.items("logs", marker)) == 1
    assert 0.9 < waited(stored, "lost") < 5.0


def test_what_comes_late_is_waited_for_longer_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    stored = FileReadBack(path)
    path.write_bytes(line("a") + line("b") + line("c"))
    for marker in "abc":
        stored.items("logs", marker)
    assert stored.items("logs", "late") == ()  # after a second
    path.write_bytes(path.read_bytes() + line("late"))
    assert len(stored.items("logs", "late")) == 1
    assert waited(stored, "lost", timeout_s=4.0) > 3.9


def test_where_nothing_ever_came_the_wait_gets_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otlptest.conformance.receiver.read_back._MOST_IN_VAIN_S", 2.0)
    stored = FileReadBack(tmp_path / "out.jsonl")
    assert waited(stored, "a", timeout_s=2.0) >= 2.0
    assert waited(stored, "b") < 6.0
