"""The JSON Schema of fault plans: ships as it is made, and agrees with the reader of plans."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from otlptest import bundled
from otlptest.errors import FileFormatError
from otlptest.faults.plan_file import REPLY_NAMES, WIRE_NAMES, read_fault_plan
from otlptest.faults.plan_schema import fault_plan_schema

SHIPPED = "schemas/fault_plan.json"
PLANS = [name for name in bundled.names("chaos") if name.startswith("faults/")]

REPLIES = "version: 1\nreplies:\n  - signal: any\n    reply: "
WIRE = "version: 1\nwire:\n  - inject: "

RIGHT = [
    "version: 1\n",
    f"{REPLIES}ok\n",
    f"{REPLIES}{{unavailable: }}\n",
    f"{REPLIES}{{unavailable: {{retry_after_s: 1, retry_after_form: date}}}}\n",
    f"{REPLIES}{{status: 429}}\n",
    f"{REPLIES}{{status: ABORTED}}\n",
    f"{REPLIES}{{status: {{code: 503, headers: {{a: b}}, is_bare: true, body: text}}}}\n",
    f"{REPLIES}{{status: {{code: 400, violations: {{x: wrong}}, content_type: null}}}}\n",
    f"{REPLIES}{{delay: {{seconds: 1, reply: {{delay: {{seconds: 2.5, reply: hang}}}}}}}}\n",
    f"{REPLIES}[unavailable, {{partial_success: {{rejected: 5}}}}, ok]\n",
    f"{REPLIES}ok\n    times: 2\n    rate: 0.5\n    where: {{protocol: grpc, least_bytes: 1}}\n",
    f"{WIRE}goaway\n    times: 1\n",
    f"{WIRE}{{reset: {{after_bytes: 10, direction: down}}}}\n",
    f"{WIRE}{{latency: 0.1}}\n",
    f"{WIRE}{{rst_stream: CANCEL}}\n",
    f"{WIRE}{{window: }}\n",
]
WRONG = [
    "{}\n",
    "version: 2\n",
    "version: 1\nfaults: []\n",
    f"{REPLIES}[]\n",
    f"{REPLIES}unavailible\n",
    f"{REPLIES}reset\n",
    f"{REPLIES}delay\n",
    f"{REPLIES}{{delay: soon}}\n",
    f"{REPLIES}{{delay: {{seconds: 1, reply: reset}}}}\n",
    f"{REPLIES}{{ok: 1}}\n",
    f"{REPLIES}{{unavailable: 1}}\n",
    f"{REPLIES}{{unavailable: {{retry_after: 1}}}}\n",
    f"{REPLIES}{{unavailable: {{retry_after_s: '1'}}}}\n",
    f"{REPLIES}{{unavailable: {{retry_after_form: minutes}}}}\n",
    f"{REPLIES}{{ok: , hang: }}\n",
    f"{REPLIES}ok\n    times: 0\n",
    f"{REPLIES}ok\n    rate: 1.5\n",
    f"{REPLIES}ok\n    where: {{protocol: http}}\n",
    f"{WIRE}ok\n",
    f"{WIRE}{{truncate: {{direction: up}}}}\n",
    f"{WIRE}{{reset: {{direction: sideways}}}}\n",
]


def is_valid(text: str) -> bool:
    said: Any = YAML(typ="safe", pure=True).load(StringIO(text))
    return bool(Draft202012Validator(fault_plan_schema()).is_valid(said))


def test_it_is_a_schema_and_what_ships_is_the_newest() -> None:
    made = fault_plan_schema()
    Draft202012Validator.check_schema(made)
    shipped = json.loads(bundled.path("chaos", SHIPPED).read_text("utf-8"))
    assert shipped == made, f"otlptest schema fault-plan > chaos/{SHIPPED}"


def test_every_fault_is_in_it() -> None:
    shapes = fault_plan_schema()["$defs"]
    for shape, names in (("ReplyFault", REPLY_NAMES), ("WireFault", WIRE_NAMES)):
        (_, with_arguments) = shapes[shape]["anyOf"]
        assert tuple(with_arguments["properties"]) == names


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_that_ships_satisfies_it_and_names_it_for_editors(name: str) -> None:
    file = bundled.path("chaos", name)
    text = file.read_text("utf-8")
    assert is_valid(text)
    key, _, target = text.partition("\n")[0].partition("=")
    assert key == "# yaml-language-server: $schema"
    assert (file.parent / target).resolve() == bundled.path("chaos", SHIPPED)


@pytest.mark.parametrize("text", RIGHT)
def test_what_the_reader_takes_it_takes(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text, "utf-8")
    read_fault_plan(file)
    assert is_valid(text)


@pytest.mark.parametrize("text", WRONG)
def test_what_it_refuses_the_reader_refuses_with_the_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text, "utf-8")
    assert not is_valid(text)
    with pytest.raises(FileFormatError, match=r"line \d"):
        read_fault_plan(file)
