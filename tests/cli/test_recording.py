"""A recording holds whole lines, whatever happens to the disk."""

import errno
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from otlptest.cli.recording import Recording
from otlptest.errors import RecordingError
from otlptest.model import Connection, Request
from tests.support.payloads import payload_path, received


def test_accepted_requests_become_lines_of_otlp_json(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    logs = received("payloads/logs/shop.json", signal="logs")
    with Recording(file) as recording:
        recording.add([received(), logs])
        recording.add([])
        recording.add([received()])
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    wanted = json.loads(Path(payload_path()).read_text("utf-8"))
    assert [list(line) for line in lines] == [
        ["resourceSpans"],
        ["resourceLogs"],
        ["resourceSpans"],
    ]
    assert lines[0] == lines[2] == wanted


@pytest.mark.parametrize("suffix", [".gz", ".zst"], ids=str)
def test_a_compressed_recording_can_be_read_after_each_batch(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"all.jsonl{suffix}"
    with Recording(file) as recording:
        for batch in (1, 2):
            recording.add([received()])
            assert inflated(file).count(b"\n") == batch


def inflated(file: Path) -> bytes:
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes())
    stream = io.BytesIO(file.read_bytes())
    with zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True) as reader:
        return reader.read()


def test_a_recording_is_appended_to_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    for _ in range(2):
        with Recording(file) as recording:
            recording.add([received()])
    assert len(file.read_text("utf-8").splitlines()) == 2


def test_a_line_that_somebody_cut_keeps_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text('{"resourceSp', "utf-8")
    with Recording(file) as recording:
        recording.add([received()])
        recording.add([received()])
    cut, first, second = file.read_text("utf-8").splitlines()
    assert cut == '{"resourceSp'
    assert json.loads(first) == json.loads(second)


def test_a_request_of_no_signal_is_no_line(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    with Recording(file) as recording:
        recording.add([Request(connection=Connection(number=1, endpoint="http", port=1))])
    assert file.read_bytes() == b""


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"cannot record to .*: Is a directory"):
        Recording(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_full_device_is_said() -> None:
    with (
        Recording(Path("/dev/full")) as recording,
        pytest.raises(RecordingError, match="no space left on the device"),
    ):
        recording.add([received()])


class DiskFullAfter(io.FileIO):
    """A file on a disk with room for a few more bytes."""

    room = 100

    def write(self, data: Any) -> int:  # noqa: ANN401 -- any buffer
        piece = bytes(memoryview(data)[: self.room])
        if not piece:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(piece)
        return super().write(piece)


def test_a_line_that_does_not_fit_is_taken_back_whole(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    with Recording(file) as recording:
        recording.add([received()])
        before = file.read_bytes()
        recording._writer._file.close()
        recording._writer._file = DiskFullAfter(file, "ab")
        with pytest.raises(RecordingError):
            recording.add([received(), received()])
    assert file.read_bytes() == before
    assert before.endswith(b"\n")
