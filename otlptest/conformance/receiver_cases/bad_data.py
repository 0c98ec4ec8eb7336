"""Bodies that are no OTLP: refused as the sender's fault, and survived."""

import random
from collections.abc import Iterator
from typing import Final

from otlptest.conformance.cases import ReceiverCase
from otlptest.conformance.receiver_cases.exports import told
from otlptest.conformance.receiver_lab import ReceiverLab
from otlptest.conformance.verdicts import Harm, Judged, broken, held
from otlptest.errors import WireError
from otlptest.sending import ExportResult
from otlptest.wire.otlp_protobuf import decode_request

__all__ = ["CASES"]

_BODIES: Final = 100
_LONGEST: Final = 4096
_SEED: Final = 20260721
_BAD_REQUEST: Final = 400
_SERVER_ERROR: Final = 500


def _judge_random_bytes(lab: ReceiverLab) -> Iterator[Judged]:
    rule = "OTLP-SRV-002"
    signal = lab.signals[0]
    wrong: list[tuple[bytes, ExportResult]] = []
    for body in _refused_bodies():
        answer = lab.send(body, signal=signal)
        if answer.http_status != _BAD_REQUEST:
            wrong.append((body, answer))
    if not lab.is_alive():
        yield broken(rule, f"after {_BODIES} random bodies it takes no request", harm="crash")
    elif wrong:
        body, answer = wrong[0]
        harm: Harm | None = "server_error" if (answer.http_status or 0) >= _SERVER_ERROR else None
        seen = f"{len(wrong)} of {_BODIES} random bodies were not answered 400; "
        yield broken(rule, f"{seen}{body[:24].hex()}… was answered {told(answer)}", harm=harm)
    else:
        yield held(rule, f"{_BODIES} random bodies of 1 to {_LONGEST} bytes were answered 400")


def _refused_bodies() -> Iterator[bytes]:
    """Random bytes that a reference decoder refuses, the same in each run."""
    chance = random.Random(_SEED)  # noqa: S311 -- repeatable, not secret
    found = 0
    while found < _BODIES:
        body = chance.randbytes(chance.randint(1, _LONGEST))
        try:
            decode_request("traces", body, protocol="http/protobuf")
        except WireError:
            found += 1
            yield body


CASES: Final = (
    ReceiverCase(
        id="bad_data/random_bytes",
        title="Random bytes as a protobuf body",
        requirements=("OTLP-SRV-002",),
        judge=_judge_random_bytes,
        protocols=("http/protobuf",),
        signals=("traces",),
        expected_s=2.0,
    ),
)
