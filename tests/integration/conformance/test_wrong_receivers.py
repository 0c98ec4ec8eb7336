"""Each receiver case finds nothing in a right receiver, and its fault in a wrong one."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from otlptest import FakeCollector
from otlptest.conformance.case import ReceiverCase
from otlptest.conformance.receiver.cases import CASES
from otlptest.conformance.receiver.read_back import ForwardReadBack
from otlptest.conformance.receiver.suite import judged_receiver_case
from otlptest.conformance.receiver.target_lab import TargetLab, endpoint_of
from otlptest.conformance.runner import judgements
from otlptest.model import Signal
from otlptest.results import CheckResult
from tests.subjects.wrong_receivers.grpc_front import grpc_front
from tests.subjects.wrong_receivers.http_front import http_front
from tests.subjects.wrong_receivers.planted import Stored, Wrong
from tests.subjects.wrong_receivers.tables import WRONG

NAMES = [f"{each.protocol} {each.case}: {each.name}" for each in WRONG]
BY_ID = {case.id: case for case in CASES}


class AlteredReadBack:
    """What a wrong receiver has stored."""

    def __init__(self, right: ForwardReadBack, stored: Stored) -> None:
        self._right, self._stored = right, stored
        self.name = "what it stored"

    def items(
        self, signal: Signal, marker: str, *, count: int = 1, timeout_s: float = 5.0
    ) -> tuple[Any, ...]:
        """See `ReadBack.items`."""
        return self._stored(
            self._right.items(signal, marker, count=count, timeout_s=min(timeout_s, 0.3))
        )


def lab_of(collector: FakeCollector, fault: Wrong, stack: ExitStack) -> TargetLab:
    """The lab of a wrong receiver."""
    http, grpc = collector.http_endpoint, collector.grpc_endpoint
    if fault.change is not None or fault.talk is not None or fault.at_once < 1000:
        change = fault.change or (lambda _, said: said)
        front = http_front(collector.http_port, change, fault.talk, at_once=fault.at_once)
        http = stack.enter_context(front).url
    if fault.call is not None or fault.drops is not None or fault.keeps_open:
        relay = grpc_front(
            collector.grpc_port,
            fault.call or (lambda _, answer: answer),
            drops=fault.drops or (lambda *_: False),
            keeps_open=fault.keeps_open,
        )
        grpc = stack.enter_context(relay)
    right = ForwardReadBack(collector)
    lab = TargetLab(
        protocol=fault.protocol,
        signals=fault.signals,
        grpc=endpoint_of(grpc, is_grpc=True),
        http=endpoint_of(http, is_grpc=False),
        read_back=right,
        timeout_s=fault.timeout_s,
    )
    return replace(lab, read_back=AlteredReadBack(right, fault.stored)) if fault.stored else lab


def found(case: ReceiverCase, lab: TargetLab) -> tuple[CheckResult, ...]:
    return judgements(case, judged_receiver_case(case, lab))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", WRONG, ids=NAMES)
def test_a_wrong_receiver_is_caught(fault: Wrong) -> None:
    with ExitStack() as stack:
        collector = stack.enter_context(FakeCollector(cors_origins=fault.origins))
        judged = found(BY_ID[fault.case], lab_of(collector, fault, stack))
    broken = [each for each in judged if each.outcome == "failed"]
    assert {each.rule for each in broken} == fault.rules, judged
    if fault.harm is not None:
        assert fault.harm in {each.harm for each in broken}
