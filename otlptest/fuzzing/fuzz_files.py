"""A failing payload as files: its bytes, and a description next to them.

`NAME.bin` is the body that was sent; `NAME.bin.json` has the signal, the protocol, the required
answer with its reason, and the run that found it.
"""

import base64
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast, get_args

from otlptest.errors import FileFormatError, UsageError
from otlptest.model import SIGNALS, Protocol, Signal
from otlptest.strategies import Expected, Payload, Validity
from otlptest.wire.otlp.signals import signal_names

_SUFFIX: Final = ".json"
_NO_WORD: Final = re.compile(r"[^a-z0-9]+")
_TEXTS: Final = ("signal", "protocol", "validity", "expected", "rule", "fault")
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "signal": SIGNALS,
    "protocol": get_args(Protocol),
    "validity": get_args(Validity),
    "expected": get_args(Expected),
}


def write_payload(folder: Path, payload: Payload, *, kind: str, number: int, seed: int) -> Path:
    """Write the file of the payload's bytes, with its description, and return its path.

    Raises:
        UsageError: The folder cannot be written to.
    """
    protocol = _NO_WORD.sub("-", payload.protocol)
    name = f"{kind.replace('_', '-')}-{protocol}-{payload.signal}-seed{seed}-{number}.bin"
    file = folder / name
    record: dict[str, Any] = {key: value for key, value in asdict(payload).items() if key in _TEXTS}
    record |= {
        "is_decodable": payload.is_decodable,
        "plain": base64.b64encode(payload.plain).decode(),
        "seed": seed,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(payload.body)
        file.with_name(name + _SUFFIX).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    except OSError as problem:
        said = problem.strerror or str(problem)
        raise UsageError(f"cannot write {file}: {said}", "choose another folder") from problem
    return file


def read_payload(file: Path, *, signal: Signal | None, protocol: Protocol | None) -> Payload:
    """Return the payload in a file.

    Args:
        file: Its bytes; the description is expected next to it.
        signal: The signal, if there is no description.
        protocol: The protocol; wins over the description.

    Raises:
        FileFormatError: It cannot be read, or its description has another form.
        UsageError: There is no description, and the signal or protocol was not given.
    """
    try:
        body = file.read_bytes()
        beside = file.with_name(file.name + _SUFFIX)
        text = beside.read_text("utf-8") if beside.exists() else ""
    except (OSError, UnicodeDecodeError) as problem:
        said = getattr(problem, "strerror", None) or str(problem)
        raise FileFormatError(str(file), "", said) from problem
    if text:
        return _recorded(body, text, str(beside), protocol)
    if signal is None or protocol is None:
        raise UsageError(
            f"nothing beside {file} tells what it is", "add --signal and --protocol, one of each"
        )
    signal_names(signal)
    return Payload(
        signal=signal,
        protocol=protocol,
        body=body,
        validity="borderline",
        expected="may_refuse",
        rule="OTLP-SRV-014",
        fault=f"the bytes of {file.name}",
        is_decodable=False,
    )


def _recorded(body: bytes, text: str, file: str, protocol: Protocol | None) -> Payload:
    hint = "it is written by `otlptest conform receiver --fuzz`"
    try:
        record = json.loads(text)
    except ValueError as problem:
        raise FileFormatError(file, "", f"is not valid JSON: {problem}", hint) from problem
    if not isinstance(record, dict):
        raise FileFormatError(file, "", "is not an object", hint)
    for key in _TEXTS:
        value = record.get(key)
        if not isinstance(value, str) or value not in _CHOICES.get(key, (value,)):
            allowed = ", ".join(_CHOICES.get(key, ("a text",)))
            raise FileFormatError(file, key, f"is {value!r}", f"there are: {allowed}")
    try:
        plain = base64.b64decode(record.get("plain", ""), validate=True)
    except (ValueError, TypeError) as problem:
        raise FileFormatError(file, "plain", "is no base64", hint) from problem
    return Payload(
        signal=cast("Signal", record["signal"]),
        protocol=protocol or cast("Protocol", record["protocol"]),
        body=body,
        validity=cast("Validity", record["validity"]),
        expected=cast("Expected", record["expected"]),
        rule=record["rule"],
        fault=record["fault"],
        is_decodable=bool(record.get("is_decodable", True)),
        plain=plain,
    )
