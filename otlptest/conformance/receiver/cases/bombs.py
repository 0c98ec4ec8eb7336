"""Decompression bombs, and the longest answer that can be provoked."""

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.cases.success import decoded_response
from otlptest.conformance.receiver.decompression_bombs import MIB, gzip_bomb
from otlptest.conformance.receiver.exchange import (
    FLOOD_PATIENCE_S,
    PROTOBUF,
    Answer,
    call,
    crash_result,
    harm_of,
    post,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import sample_request, wrapped
from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.timing import Deadline
from otlptest.wire.otlp.protobuf_writing import chunk
from otlptest.wire.otlp.signals import SIGNAL_NAMES

CASES: Final = ReceiverCases()


_LIMIT: Final = 64 * MIB
_ONE_BOMB: Final = 4 * _LIMIT
_PARALLEL: Final = 10
_TEN_BOMBS: Final = _PARALLEL * _ONE_BOMB
_LOOK_EVERY_S: Final = 0.1
_REST: Final = 5.0
_PATIENCE: Final = 6
_BAD_ITEMS: Final = 100_000
_LARGEST_ANSWER: Final = 4 * MIB
_SHORT: Final = 10_000


class _Watch:
    """The receiver's memory while something happens; a context manager."""

    def __init__(self, lab: ReceiverLab) -> None:
        self._lab = lab
        self._stop = threading.Event()
        self._before = lab.resident_bytes()
        self._peak = self._before or 0
        self._thread = threading.Thread(target=self._look, name="otlptest-memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def growth(self) -> int | None:
        """The largest growth in bytes; None if it cannot be seen."""
        return None if self._before is None else self._peak - self._before

    def _look(self) -> None:
        cost_s = 0.0
        # Each look walks over all processes: it must not slow the receiver down.
        while not self._stop.wait(max(_LOOK_EVERY_S, _REST * cost_s)):
            took = Deadline(0)
            self._peak = max(self._peak, self._lab.resident_bytes() or 0)
            cost_s = took.elapsed_s()


@CASES.add(
    "bombs/gzip",
    "Decompression bombs: one, ten at once, one within another",
    ("OTLP-SRV-027",),
    protocols=("grpc", "http/protobuf"),
    flood=1,
    expected_s=3.0,
    exclusive=("receiver",),
)
def _judge_bombs(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-SRV-027"
    bomb = gzip_bomb(lab.signals[0], 1024)
    kinds = {"a gzip body that inflates to 1 GiB": (bomb, "gzip", 1)}
    kinds[f"{_PARALLEL} of them at once"] = (bomb, "gzip", _PARALLEL)
    if lab.protocol != "grpc":
        kinds["a bomb in a bomb"] = (gzip.compress(bomb, mtime=0), "gzip, gzip", 1)
    seen: list[str] = []
    for what, (data, coding, count) in kinds.items():
        with _Watch(lab) as watch, ThreadPoolExecutor(count) as pool:
            answers = list(pool.map(lambda _: _thrown(lab, data, coding), range(count)))  # noqa: B023 -- done within the loop
        slowest = max(answers, key=lambda each: each.elapsed_s)
        grown = "unknown" if watch.growth is None else f"{watch.growth // MIB} MiB"
        told = f"{what}: {slowest.told()} in {slowest.elapsed_s:.1f} s, memory grew by {grown}"
        seen.append(told)
        harm = harm_of(slowest) or next(filter(None, map(harm_of, answers)), None)
        fall = crash_result(lab, rule, told, patience_s=FLOOD_PATIENCE_S)
        if fall is not None:
            yield fall
            return
        if (watch.growth or 0) > (_ONE_BOMB if count == 1 else _TEN_BOMBS):
            yield failed(rule, told, expected="memory within bounds", harm="memory")
            return
        if harm is not None:
            yield failed(rule, told, harm=harm)
            return
        if watch.growth is None:
            yield inconclusive(rule, f"{told}: the memory of its process cannot be seen from here")
            return
    yield passed(rule, "\n".join(seen))


def _thrown(lab: ReceiverLab, data: bytes, coding: str) -> Answer:
    # Inflating up to a limit is work: a busy machine may be slow, and only a hang is a fault.
    timeout_s = _PATIENCE * lab.timeout_s
    if lab.protocol == "grpc":
        fields = [("grpc-encoding", coding)]
        return call(lab, data, is_compressed=True, fields=fields, timeout_s=timeout_s)
    return post(lab, data, fields=[("Content-Encoding", coding)], timeout_s=timeout_s)


# The longest answer.


def _bad_items(signal: Signal, marker: str) -> bytes:
    """Return a request with many distinct items, each refused by a strict receiver."""
    return wrapped(*(_bad_item(signal, number) for number in range(_BAD_ITEMS))) + sample_request(
        signal, marker
    )


def _bad_item(signal: Signal, number: int) -> bytes:
    name = f"bad-{number:06}".encode()
    if signal == "traces":
        return chunk(1, b"bad") + chunk(2, b"bad") + chunk(5, name)  # ids of three bytes
    if signal == "logs":
        return chunk(9, b"bad") + chunk(3, name)
    return chunk(3, name)  # a metric without a name and without data


@CASES.add(
    "bombs/longest_answer",
    "The answer to 100,000 bad items",
    ("OTLP-HTTP-032",),
    protocols=("http/protobuf",),
    flood=2,
    expected_s=1.0,
    exclusive=("receiver",),
)
@CASES.add(
    "bombs/longest_answer_grpc",
    "The answer to 100,000 bad items over gRPC",
    ("OTLP-GRPC-026", "OTLP-GRPC-027"),
    protocols=("grpc",),
    flood=2,
    expected_s=1.0,
    exclusive=("receiver",),
)
def _judge_longest(lab: ReceiverLab) -> Iterator[CheckResult]:
    signal = lab.signals[0]
    rule = "OTLP-GRPC-026" if lab.protocol == "grpc" else "OTLP-HTTP-032"
    answer = _sent(lab, signal, _bad_items(signal, lab.marker()))
    if not answer.is_ok and not answer.is_refused:
        seen = f"{_BAD_ITEMS:,} bad items got no answer that can be measured: {answer.told()}"
        for each in ("OTLP-GRPC-026", "OTLP-GRPC-027") if lab.protocol == "grpc" else (rule,):
            yield inconclusive(each, seen)
        return
    size = _size(answer)
    seen = f"{_BAD_ITEMS:,} bad items were answered {answer.told()}, {size:,} bytes"
    rejected, message = _partial(signal, answer)
    if size > _LARGEST_ANSWER:
        yield failed(rule, seen, expected=f"at most {_LARGEST_ANSWER} bytes")
    elif answer.is_refused or rejected:
        yield passed(rule, seen)
    else:
        yield inconclusive(rule, f"{seen}: it reported nothing bad in them")
    if lab.protocol != "grpc":
        return
    if not rejected:
        yield inconclusive("OTLP-GRPC-027", f"{seen}: no partial success")
    elif rejected in {_BAD_ITEMS, _BAD_ITEMS + 1} and len(message) <= _SHORT:
        yield passed("OTLP-GRPC-027", f"{seen}: {rejected} rejected, {message[:80]!r}")
    else:
        said = f"{rejected} rejected, a message of {len(message)} characters"
        yield failed(
            "OTLP-GRPC-027", f"{seen}: {said}", expected=f"{_BAD_ITEMS} and a short message"
        )


def _sent(lab: ReceiverLab, signal: Signal, message: bytes) -> Answer:
    """Return the answer to a large message, which may take its time."""
    timeout_s = max(lab.timeout_s, FLOOD_PATIENCE_S)
    if lab.protocol == "grpc":
        return call(lab, message, signal=signal, timeout_s=timeout_s)
    return post(lab, message, signal=signal, media_type=PROTOBUF, timeout_s=timeout_s)


def _size(answer: Answer) -> int:
    if not isinstance(answer, GrpcAnswer):
        return len(answer.body)
    fields = sum(len(name) + len(value) for block in answer.blocks for name, value in block)
    return len(answer.body) + fields


def _partial(signal: Signal, answer: Answer) -> tuple[int, str]:
    """Return how many items a success says that it rejected, and why."""
    if not answer.is_ok:
        return 0, ""
    body = answer.body
    if isinstance(answer, GrpcAnswer):
        body = answer.messages[0][1] if answer.messages else b""
    try:
        response = decoded_response(signal, body, is_json=False)
    except WireError:
        return 0, ""
    partial = response.partial_success
    return getattr(partial, SIGNAL_NAMES[signal].rejected_field), partial.error_message
