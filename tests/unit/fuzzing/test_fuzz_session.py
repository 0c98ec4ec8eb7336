"""The loop of fuzzing, with a receiver that is only told about; no sockets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from otlptest.conformance.receiver.target_lab import TargetLab
from otlptest.fuzzing.client import Answer, AnswerKind
from otlptest.fuzzing.draw import seed_of, share_of, topics_in_order
from otlptest.fuzzing.examine import Examination, Examiner
from otlptest.fuzzing.fuzz_session import FuzzFailed, FuzzProgress, Session
from otlptest.fuzzing.oracle import Fault, fault_of
from otlptest.model import Protocol, Signal
from otlptest.strategies import Payload

pytestmark = pytest.mark.timeout(120)

MIB = 2**20
Answers = Callable[[Payload], AnswerKind]


@dataclass
class Lab:
    """A receiver whose memory is told by a list, the last entry again and again."""

    memory: list[int | None]
    protocol: Protocol = "http/protobuf"
    signals: tuple[Signal, ...] = ("traces",)

    def resident_bytes(self) -> int | None:
        return self.memory.pop(0) if len(self.memory) > 1 else self.memory[0]


@dataclass
class Examining:
    """Answers by a rule instead of by a receiver."""

    answers: Answers
    seen: list[Payload] = field(default_factory=list)

    def examine(self, payload: Payload) -> Examination:
        self.seen.append(payload)
        kind = self.answers(payload)
        status = {"taken": 200, "refused": 400, "failed": 500}.get(kind)
        answer = Answer(kind=kind, told=kind, status=status)
        return Examination(answer=answer, fault=fault_of(payload, answer, takes_plain=True))

    look_again = examine


def right(payload: Payload) -> AnswerKind:
    return "refused" if payload.expected == "must_refuse" else "taken"


def session(
    answers: Answers = right,
    *,
    memory: list[int | None] | None = None,
    **given: Any,  # noqa: ANN401 -- arguments of a session
) -> tuple[Session, Examining, list[object]]:
    examining = Examining(answers)
    told: list[object] = []
    options: dict[str, Any] = {
        "payloads": 60,
        "seed": 1,
        "shrink_s": 60.0,
        "attempts": 100,
        "revive": lambda: True,
        **given,
    }
    made = Session(
        cast("TargetLab", Lab(memory or [None])),
        cast("Examiner", examining),
        on_event=told.append,
        **options,
    )
    return made, examining, told


def test_exactly_so_many_payloads_are_sent() -> None:
    made, examining, told = session()
    made.run()
    assert made.sent == len(examining.seen) == 60
    assert made.failures == []
    assert made.memory is None
    assert {payload.validity for payload in examining.seen} == {"valid", "borderline", "invalid"}
    assert not any(isinstance(each, FuzzFailed) for each in told)
    assert sum(tally.judged for tally in made.tallies.values()) == 60


def test_memory_that_grows_far_beyond_what_was_sent_is_a_failure() -> None:
    made, _, _ = session(memory=[100 * MIB, 2000 * MIB], payloads=30)
    made.run()
    (failure,) = made.failures
    assert (failure.fault.kind, failure.fault.harm) == ("memory", "memory")
    assert failure.fault.rules == ("OTLP-SRV-085",)
    assert failure.fault.told.startswith("it holds 2000 MiB, 100 MiB before 30 payloads")
    assert made.memory == (100 * MIB, 2000 * MIB)


def test_memory_that_grows_as_it_may_is_none() -> None:
    made, _, _ = session(memory=[100 * MIB, 300 * MIB], payloads=30)
    made.run()
    assert made.failures == []


def test_a_failure_is_hunted_once_and_counted_on() -> None:
    def answers(payload: Payload) -> AnswerKind:
        return "failed" if payload.validity == "valid" else right(payload)

    made, _, told = session(answers)
    made.run()
    (failure,) = made.failures
    assert made.sent == 60
    assert failure.times == made.tallies["OTLP-HTTP-002"].faulty > 1
    assert failure.is_shrunk or failure.note.startswith("maybe not the smallest")
    assert len(failure.payload.body) <= len(failure.first.body)
    assert [each.is_shrunk for each in told if isinstance(each, FuzzFailed)] == [False, True]


def test_what_fails_only_once_is_said_to() -> None:
    failed: list[Payload] = []

    def answers(payload: Payload) -> AnswerKind:
        if not failed and payload.validity == "invalid":
            failed.append(payload)
            return "taken"
        return right(payload)

    made, _, _ = session(answers)
    made.run()
    (failure,) = made.failures
    assert failure.note == "it failed, and not when it was sent again"
    assert failure.payload == failed[0]
    assert not failure.is_shrunk


def test_a_hunt_ends_after_so_many_attempts() -> None:
    def answers(payload: Payload) -> AnswerKind:
        is_wrong = payload.validity == "valid" and len(payload.body) > 300
        return "failed" if is_wrong else right(payload)

    made, _, _ = session(answers, attempts=3)
    made.run()
    (failure,) = made.failures
    assert failure.note == "maybe not the smallest: the search ended after 3 attempts"
    assert len(failure.payload.body) > 300


def test_many_kinds_of_failures_are_not_all_hunted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otlptest.fuzzing.fuzz_session._MOST_HUNTS", 2)
    odd: AnswerKind = "failed"
    made, _, _ = session(
        lambda payload: right(payload) if payload.validity == "valid" else odd, attempts=1
    )
    made.run()
    notes = [failure.note for failure in made.failures]
    assert len(notes) > 2
    assert set(notes[2:]) == {"not shrunk: more than 2 kinds of failures"}


def test_progress_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otlptest.fuzzing.fuzz_session._TELL_EVERY_S", 0.0)
    made, _, told = session(payloads=20)
    made.run()
    steps = [each for each in told if isinstance(each, FuzzProgress)]
    assert [each.sent for each in steps] == list(range(1, 21))
    assert {each.payloads for each in steps} == {20}


def test_a_seed_decides_the_order_and_each_portion() -> None:
    def order(seed: int) -> list[tuple[str, str]]:
        topics = topics_in_order("grpc", ("traces", "logs"), seed=seed)
        return [(topic.signal, topic.make.__qualname__) for topic in topics]

    assert order(1) == order(1) != order(2)
    assert seed_of(1, "grpc", 0) == seed_of(1, "grpc", 0)
    assert len({seed_of(1, "grpc", 0), seed_of(1, "grpc", 1), seed_of(2, "grpc", 0)}) == 3


@pytest.mark.parametrize(
    ("left", "topics", "right_share", "other_share"),
    [
        pytest.param(1000, 100, 30, 10, id="many topics"),
        pytest.param(10, 100, 10, 4, id="few payloads"),
        pytest.param(2, 100, 2, 2, id="fewer still"),
        pytest.param(100_000, 10, 500, 500, id="very many"),
    ],
)
def test_each_topic_gets_its_share(
    left: int, topics: int, right_share: int, other_share: int
) -> None:
    first, *_, last = topics_in_order("grpc", ("traces",), seed=1)
    assert (first.validity, last.validity != "valid") == ("valid", True)
    assert share_of(first, left, topics) == right_share
    assert share_of(last, left, topics) == other_share


def test_two_faults_are_the_same_by_what_they_are() -> None:
    one = Fault(kind="crash", rules=("a",), told="x")
    assert one.signature == Fault(kind="crash", rules=("a",), told="y").signature
    assert one.signature != Fault(kind="hang", rules=("a",), told="x").signature


# One root cause, one accusation.


@dataclass
class Failing(Examining):
    """Fails on some payloads with a message."""

    message: str = "bytes"

    def examine(self, payload: Payload) -> Examination:
        self.seen.append(payload)
        kind = self.answers(payload)
        told = f"HTTP 500: {self.message}" if kind == "failed" else kind
        status = {"taken": 200, "refused": 400, "failed": 500}[kind]
        answer = Answer(kind=kind, told=told, status=status)
        return Examination(answer=answer, fault=fault_of(payload, answer, takes_plain=True))

    look_again = examine


@pytest.mark.parametrize("of_valid", [True, False], ids=["a right one fails too", "only odd ones"])
def test_what_fails_as_a_right_request_does_counts_to_that(*, of_valid: bool) -> None:
    def answers(payload: Payload) -> AnswerKind:
        fails = len(payload.body) > 5 and (of_valid or payload.validity != "valid")
        return "failed" if fails else right(payload)

    made, _, _ = session(answers, attempts=5, payloads=200)
    made._examiner = cast("Examiner", Failing(answers))
    made.run()
    rules = {rule for failure in made.failures for rule in failure.fault.rules}
    if of_valid:
        (failure,) = made.failures
        assert rules == {"OTLP-HTTP-002"}
        assert failure.others > 0
        assert failure.fault.reason == "failed 500 bytes"
    else:
        assert len(made.failures) > 1
        assert "OTLP-HTTP-002" not in rules
