"""`otlptest show`: what a capture holds is drawn, what is not OTLP is told, nothing is lost."""

import gzip
import json
from pathlib import Path

import pytest

from otlptest import bundled
from tests.support.command_line import otlptest
from tests.support.payloads import payload_path

PAYLOADS = [name for name in bundled.names("fixtures") if name.startswith("payloads/")]
FILE_EXPORTER = Path(__file__).parents[1] / "support" / "file_exporter"
CHECKOUT = "builtin:payloads/traces/checkout.json"
TRACE_ID = "5b8efff798038103d269b633813fc60c"


def line_of(name: str) -> str:
    return json.dumps(json.loads(Path(payload_path(name)).read_text("utf-8")))


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Everything that ships, as one capture."""
    file = tmp_path / "all.jsonl"
    file.write_text("".join(line_of(name) + "\n" for name in PAYLOADS), "utf-8")
    return file


def test_a_trace_is_drawn_as_a_waterfall() -> None:
    done = otlptest("show", CHECKOUT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"trace {TRACE_ID}\n")
    for name in ("POST /checkout", "POST /reserve", "UPDATE stock", "POST /charge", "place order"):
        assert name in done.stdout


def test_every_signal_of_a_capture_is_shown(capture: Path) -> None:
    done = otlptest("show", capture, COLUMNS="160")
    assert (done.returncode, done.stderr) == (0, "")
    headings = [
        line for line in done.stdout.splitlines() if line in {"Metrics", "Logs", "Profiles"}
    ]
    assert headings == ["Metrics", "Logs", "Profiles"]
    assert done.stdout.count("\ntrace ") + done.stdout.startswith("trace ") == 2
    for part in ("orders.placed", "3 {order}", "WARN", "card declined", "[shop.cart.updated]"):
        assert part in done.stdout


def test_one_trace_can_be_chosen_by_its_first_digits(capture: Path) -> None:
    done = otlptest("show", capture, "--trace", TRACE_ID[:6].upper())
    assert done.returncode == 0
    assert done.stdout.startswith(f"trace {TRACE_ID}\n")
    assert "Logs\n" in done.stdout
    assert "order placed" in done.stdout
    assert "card declined" not in done.stdout
    assert "Metrics" not in done.stdout


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(
            "5b8efff798038103d269b633813fc60d",
            "error: no trace begins with '5b8efff798038103d269b633813fc60d'\n"
            f"hint: did you mean '{TRACE_ID}'?\n",
            id="nearly",
        ),
        pytest.param(
            "zz",
            "error: no trace begins with 'zz'\n"
            f"hint: there are: {TRACE_ID}, 0af7651916cd43dd8448eb211c80319c\n",
            id="none",
        ),
        pytest.param(
            "",
            f"error: 2 traces begin with ''\nhint: {TRACE_ID}, 0af7651916cd43dd8448eb211c80319c\n",
            id="several",
        ),
    ],
)
def test_a_trace_that_is_not_there_gets_the_nearest(
    capture: Path, asked: str, message: str
) -> None:
    done = otlptest("show", capture, "--trace", asked)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_json_has_everything(capture: Path) -> None:
    record = json.loads(otlptest("show", capture, "--format", "json").stdout)
    assert (record["ok"], record["findings"]) == (True, [])
    checkout, declined = record["traces"]
    assert checkout["trace_id"] == TRACE_ID
    assert checkout["services"] == ["frontend", "payments", "stock"]
    assert checkout["edges"] == [["frontend", "payments"], ["frontend", "stock"]]
    assert [len(trace["spans"]) for trace in (checkout, declined)] == [8, 4]
    assert [len(record[kind]) for kind in ("metrics", "logs", "profiles")] == [10, 4, 1]


def test_json_of_one_trace_has_that_trace_alone(capture: Path) -> None:
    done = otlptest("show", capture, "--trace", TRACE_ID, "--format", "json")
    record = json.loads(done.stdout)
    assert set(record) == {"ok", "findings", "traces"}
    assert len(record["traces"]) == 1


def test_bad_lines_are_told_by_number_and_the_rest_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    good = line_of("payloads/traces/checkout.json")
    file.write_text(f'{good}\nnot JSON\n{good}\n{{"spans": []}}\n', "utf-8")
    done = otlptest("show", file)
    assert done.returncode == 1
    assert done.stdout.startswith(f"trace {TRACE_ID}\n")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"{file}: line 2")
    assert second.startswith(f"{file}: line 4")

    record = json.loads(otlptest("show", file, "--format", "json").stdout)
    assert record["ok"] is False
    assert [finding["where"].split(",")[0] for finding in record["findings"]] == [
        "line 2",
        "line 4",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty\nhint: an OTLP file has one JSON request per line"),
        (
            b"hello\n",
            (
                "line 1, byte 0: the text is not valid JSON: Expecting value\nhint: each line is"
                " one JSON object with one of 'resourceSpans', 'resourceMetrics', 'resourceLogs',"
                " 'resourceProfiles'"
            ),
        ),
        (
            '{"resourceSpans":[]}'.encode("utf-16"),
            (
                "byte 0: the text is UTF-16, and UTF-8 was expected\nhint: in Windows PowerShell, >"
                " writes UTF-16: use `| Out-File -Encoding utf8 FILE`, or `cmd /c`"
            ),
        ),
        (
            b"\0\0\0\x64\x0a\x62\x12\x60",
            (
                "record 1 at byte 0: 100 bytes were expected by the record's length, and the file"
                " ends after 4 of them\n"
                "hint: what came before was read; nothing after it can be found"
            ),
        ),
    ],
    ids=["empty", "no-otlp-at-all", "UTF-16", "cut"],
)
def test_a_file_without_any_otlp_cannot_be_judged(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "all.jsonl"
    file.write_bytes(content)
    done = otlptest("show", file)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"error: {file}: {message}\n"


@pytest.mark.parametrize("name", ["proto.pb", "json_zstd.json", "proto_zstd.bin"])
def test_files_of_the_collectors_file_exporter_are_shown(name: str) -> None:
    in_lines = otlptest("show", FILE_EXPORTER / "lines.json")
    done = otlptest("show", FILE_EXPORTER / name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "POST /checkout" in done.stdout
    assert done.stdout == in_lines.stdout


def test_a_cut_file_of_records_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "proto.pb"
    file.write_bytes((FILE_EXPORTER / "proto.pb").read_bytes()[:-100])
    done = otlptest("show", file)
    assert done.returncode == 1
    assert "POST /checkout" in done.stdout
    assert done.stderr == (
        f"{file}: record 4 at byte 3942: 2,480 bytes were expected by the record's length, and the"
        " file ends after 2,380 of them\n"
    )


@pytest.mark.parametrize("folded", [False, True], ids=["a line each", "jq"])
def test_a_capture_of_windows_powershell_is_shown(tmp_path: Path, *, folded: bool) -> None:
    file = tmp_path / "all.jsonl"
    line = line_of("payloads/logs/events.json")
    text = json.dumps(json.loads(line), indent=2) if folded else line
    file.write_bytes((text + "\r\n").encode("utf-8-sig") + (text + "\r\n").encode())
    done = otlptest("show", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("[shop.cart.updated]") == 2


def test_a_capture_without_telemetry_says_so(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text('{"resourceSpans": []}\n', "utf-8")
    done = otlptest("show", file)
    assert (done.returncode, done.stdout) == (0, "1 requests without any telemetry\n")


def test_a_compressed_capture_cut_in_the_middle_is_shown_as_far_as_it_goes(
    tmp_path: Path, capture: Path
) -> None:
    whole = tmp_path / "whole.jsonl.gz"
    whole.write_bytes(gzip.compress(capture.read_bytes()))
    assert otlptest("show", whole).stdout == otlptest("show", capture).stdout
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(line_of("payloads/traces/checkout.json").encode() + b"\n")[:-4])
    done = otlptest("show", cut)
    assert done.returncode == 1
    assert done.stdout.startswith(f"trace {TRACE_ID}\n")
    assert done.stderr.startswith(f"{cut}: after line 1: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "builtin:payloads/traces/chekout.json",
            "error: builtin:payloads/traces/chekout.json: no such file ships in fixtures\n"
            "hint: did you mean 'payloads/traces/checkout.json'?\n",
            id="builtin",
        ),
        pytest.param(
            "al.jsonl",
            "error: there is no file al.jsonl\nhint: did you mean 'all.jsonl'?\n",
            id="near",
        ),
        pytest.param("qq", "error: there is no file qq\n", id="far"),
        pytest.param(
            "no/where",
            "error: there is no file no/where\nhint: there is no folder no either\n",
            id="no-folder",
        ),
        pytest.param(".", "error: . is a folder, and must be a file\n", id="folder"),
    ],
)
def test_a_file_that_is_not_there_is_a_usage_error(capture: Path, name: str, message: str) -> None:
    done = otlptest("show", name, cwd=capture.parent)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"], ids=str)
def test_it_fits_40_columns_of_any_encoding(capture: Path, encoding: str) -> None:
    done = otlptest("show", capture, COLUMNS="40", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 40


def test_nothing_is_coloured(capture: Path) -> None:
    plain = otlptest("show", capture, NO_COLOR="1")
    assert "\x1b" not in plain.stdout
    assert plain.stdout == otlptest("show", capture, FORCE_COLOR="1").stdout
