"""Every shipped payload is OTLP: decoded whole, and the same after a round trip."""

import json
from pathlib import Path

import pytest

from otlptest import bundled
from otlptest.model import SIGNALS, Signal
from otlptest.wire.otlp import otlp_json, otlp_protobuf

PAYLOADS = [name for name in bundled.names("fixtures") if name.startswith("payloads/")]


def signal_of(name: str) -> Signal:
    return next(signal for signal in SIGNALS if name.startswith(f"payloads/{signal}/"))


def test_there_are_payloads_of_every_signal() -> None:
    assert {signal_of(name) for name in PAYLOADS} == set(SIGNALS)


@pytest.mark.parametrize("name", PAYLOADS, ids=str)
def test_a_shipped_payload_says_what_its_text_says(name: str) -> None:
    text = bundled.path("fixtures", name).read_bytes()
    message = otlp_json.decode_request(signal_of(name), text)
    wire = otlp_protobuf.encode_message(message)
    again = otlp_protobuf.decode_request(signal_of(name), wire, protocol="http/protobuf")
    written = json.loads(otlp_json.encode_message(again))
    assert written == json.loads(text)


def test_every_shipped_fixture_is_in_a_folder_whose_files_are_run_or_decoded() -> None:
    tested = {  # folder: where its files are used
        "demo": "tests/cli/test_demo.py",
        "first_test": "tests/shipped/test_readme.py",
        "payloads": "tests/shipped/test_payloads.py",
    }
    assert {name.split("/")[0] for name in bundled.names("fixtures")} == set(tested)
    repository = Path(__file__).resolve().parents[2]
    assert all((repository / test).is_file() for test in tested.values())
