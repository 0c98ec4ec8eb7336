"""What a receiver writes is read while it grows, is begun anew, or is packed."""

import gzip
from pathlib import Path

from otlptest.conformance.probes import probe_request
from otlptest.conformance.read_back import FileReadBack
from otlptest.wire.otlp_json import encode_message
from otlptest.wire.signals import request_class


def line(marker: str) -> bytes:
    message = request_class("logs").FromString(probe_request("logs", marker))
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
