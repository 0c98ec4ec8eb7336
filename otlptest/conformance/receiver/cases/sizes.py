"""Size limits of requests, as sent and inflated, and the answers to larger ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.decompression_bombs import MIB, gzip_bomb, padded, padded_size
from otlptest.conformance.receiver.exchange import (
    FLOOD_PATIENCE_S,
    Answer,
    Exchange,
    call,
    call_fields,
    check_responses,
    crash_result,
    grpc_talk,
    http_fields,
    http_talk,
    is_refused_or_cut,
    post,
    target_of,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.errors import WireError
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import Http1Answer, request_head
from otlptest.wire.transport.statuses import GrpcCode, decode_status_details

CASES: Final = ReceiverCases()


_SMALL: Final = 5
_RECOMMENDED: Final = 60
_OVER: Final = 65
_FAR_OVER: Final = 257
_BOMB: Final = 1024
_LONGEST_S: Final = 60.0
_STEPS: Final = 6
_TOO_LARGE: Final = 413
_GZIP: Final = (("Content-Encoding", "gzip"),)
_GRPC_GZIP: Final = (("grpc-encoding", "gzip"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """The same four demands of both transports."""

    limit: str
    inflated: str
    status: str
    default: str


_HTTP: Final = _Rules(
    limit="OTLP-HTTP-021",
    inflated="OTLP-HTTP-022",
    status="OTLP-HTTP-023",
    default="OTLP-HTTP-024",
)
_GRPC: Final = _Rules(
    limit="OTLP-GRPC-014",
    inflated="OTLP-GRPC-015",
    status="OTLP-GRPC-016",
    default="OTLP-GRPC-017",
)


def _sent(lab: ReceiverLab, mebibytes: int) -> Answer:
    """Return the answer to a valid request with that much padding."""
    signal, marker, size = lab.signals[0], lab.marker(), mebibytes * MIB
    timeout_s = max(lab.timeout_s, _LONGEST_S)
    total = padded_size(signal, marker, size)
    if lab.protocol == "grpc":
        with grpc_talk(lab, timeout_s=timeout_s) as talk:
            stream = talk.open(call_fields(lab, signal))
            prefix = b"\x00" + total.to_bytes(4, "big")
            if talk.body(stream, prefix, ends_stream=False):
                talk.body(stream, padded(signal, marker, size))
            return talk.answer(stream)
    fields = http_fields(lab, fields=[("Content-Length", str(total))])
    with http_talk(lab, timeout_s=timeout_s) as wire:
        wire.say(request_head("POST", target_of(lab, signal), fields))
        wire.say(padded(signal, marker, size), stops_at_answer=True)
        return wire.answer()


def _bomb(lab: ReceiverLab) -> Answer:
    data = gzip_bomb(lab.signals[0], _BOMB)
    if lab.protocol == "grpc":
        return call(lab, data, is_compressed=True, fields=_GRPC_GZIP, timeout_s=_LONGEST_S)
    return post(lab, data, fields=_GZIP, timeout_s=_LONGEST_S)


@CASES.add(
    "sizes/http",
    "Bodies of 5, 60 and 65 MiB, and a gzip body of 1 GiB",
    ("OTLP-HTTP-021", "OTLP-HTTP-022", "OTLP-HTTP-023", "OTLP-HTTP-024"),
    protocols=("http/protobuf",),
    flood=1,
    expected_s=5.0,
    exclusive=("receiver",),
)
@CASES.add(
    "sizes/grpc",
    "Messages of 5, 60 and 65 MiB, and a gzip message of 1 GiB",
    ("OTLP-GRPC-014", "OTLP-GRPC-015", "OTLP-GRPC-016", "OTLP-GRPC-017"),
    protocols=("grpc",),
    flood=1,
    expected_s=5.0,
    exclusive=("receiver",),
)
def _judge_sizes(lab: ReceiverLab) -> Iterator[CheckResult]:
    rules = _GRPC if lab.protocol == "grpc" else _HTTP
    sizes: dict[int, Answer] = {}
    for size in (_SMALL, _RECOMMENDED, _OVER, _FAR_OVER):
        sizes[size] = _sent(lab, size)
        if sizes[size].is_hang:
            yield failed(rules.limit, f"no answer: {_told(sizes)}", harm="hang")
            return
        if size == _OVER and not sizes[size].is_ok:
            break
    bomb = _bomb(lab)
    fall = crash_result(lab, rules.limit, _told(sizes), patience_s=FLOOD_PATIENCE_S)
    if fall is not None:
        yield fall
        return
    yield _limit(rules.limit, sizes)
    yield _default(rules.default, lab, sizes)
    yield _inflated(rules.inflated, bomb)
    refused = [(f"{size} MiB", answer) for size, answer in sizes.items() if not answer.is_ok]
    refused.append((f"a gzip body of {len(gzip_bomb(lab.signals[0], _BOMB))} bytes", bomb))
    yield from _statuses(rules.status, refused)


def _told(sizes: dict[int, Answer]) -> str:
    return "; ".join(f"{size} MiB: {answer.told()}" for size, answer in sizes.items())


def _limit(rule: str, sizes: dict[int, Answer]) -> CheckResult:
    largest = max(sizes)
    answer = sizes[largest]
    if answer.is_ok:
        return failed(rule, f"{_told(sizes)}", expected="a limit")
    return passed(rule, _told(sizes))


def _default(rule: str, lab: ReceiverLab, sizes: dict[int, Answer]) -> CheckResult:
    if sizes[_SMALL].is_ok and sizes[_RECOMMENDED].is_ok:
        return passed(rule, _told(sizes))
    low, high = (_SMALL, _RECOMMENDED) if sizes[_SMALL].is_ok else (0, _SMALL)
    for _ in range(_STEPS):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        if _sent(lab, middle).is_ok:
            low = middle
        else:
            high = middle
    measured = f"it takes {low} MiB and not {high} MiB"
    return failed(
        rule, f"{measured}; {_told(sizes)}", expected="64 MiB unless configured otherwise"
    )


def _inflated(rule: str, bomb: Answer) -> CheckResult:
    seen = f"a gzip body that inflates to {_BOMB} MiB was answered {bomb.told()}"
    seen = f"{seen} in {bomb.elapsed_s:.1f} s"
    if bomb.is_hang:
        return failed(rule, seen, harm="hang")
    return passed(rule, seen) if is_refused_or_cut(bomb) else failed(rule, seen, expected="no")


def _statuses(rule: str, refused: list[tuple[str, Answer]]) -> Iterator[CheckResult]:
    told = [(f"{what}: {answer.told()}", answer) for what, answer in refused]
    spoken = [(text, answer) for text, answer in told if _has_status(answer)]
    wrong = [text for text, answer in spoken if not _says_too_large(answer)]
    if wrong:
        wanted = "RESOURCE_EXHAUSTED without RetryInfo" if "GRPC" in rule else "HTTP 413"
        yield failed(rule, f"{'; '.join(wrong)}", expected=wanted)
    elif spoken:
        yield passed(rule, "; ".join(text for text, _ in spoken))
    else:
        yield inconclusive(rule, f"none came to a status: {'; '.join(text for text, _ in told)}")


def _has_status(answer: Answer) -> bool:
    if isinstance(answer, GrpcAnswer):
        return answer.grpc_status is not None and not answer.is_ok
    return answer.status is not None and not answer.is_ok


def _says_too_large(answer: Answer) -> bool:
    if isinstance(answer, Http1Answer):
        return answer.status == _TOO_LARGE
    if answer.grpc_status != GrpcCode.RESOURCE_EXHAUSTED:
        return False
    details = answer.field("grpc-status-details-bin")
    try:
        return details is None or decode_status_details(details).retry_delay_s is None
    except WireError:
        return False


# Rejected early.


@CASES.add(
    "sizes/early",
    "The answer to an upload that is rejected while it goes",
    ("OTLP-SRV-057",),
    protocols=("http/protobuf",),
    flood=1,
    expected_s=1.0,
    exclusive=("receiver",),
)
def _judge_early(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge a slow large upload: the answer can be read although the body is not."""
    rule = "OTLP-SRV-057"
    signal, marker = lab.signals[0], lab.marker()
    total = padded_size(signal, marker, _OVER * MIB)
    fields = http_fields(lab, fields=[("Content-Length", str(total))])
    with http_talk(lab, timeout_s=max(lab.timeout_s, _LONGEST_S)) as wire:
        wire.say(request_head("POST", target_of(lab, signal), fields))
        went_out = _all_said(wire.say, padded(signal, marker, _OVER * MIB))
        answer = wire.answer()
    when = "all was sent" if went_out else "it was being sent"
    seen = f"an upload of {_OVER} MiB was answered {answer.told()} while {when}"
    if answer.is_ok:
        yield inconclusive(rule, f"{seen}: nothing to reject")
    elif answer.status is not None:
        yield passed(rule, seen)
    elif answer.is_hang:
        yield failed(rule, seen, harm="hang")
    else:
        yield failed(rule, seen, expected="an answer that can be read")


def _all_said(say: Callable[[bytes], bool], pieces: Iterator[bytes]) -> bool:
    return all(say(piece) for piece in pieces)


# Headers.


@CASES.add(
    "sizes/headers",
    "Headers of a megabyte",
    ("OTLP-SRV-052",),
    protocols=("http/protobuf",),
)
def _judge_headers(lab: ReceiverLab) -> Iterator[CheckResult]:
    many = [(f"X-Many-{number}", "v" * 120) for number in range(10_000)]
    sent = {
        "a header of 1.1 MiB": [("X-Large", "v" * 1_150_000)],
        "10,000 headers of 130 bytes": many,
    }
    tries = (
        Exchange(what=what, answer=post(lab, b"", fields=fields)) for what, fields in sent.items()
    )
    yield check_responses(lab, "OTLP-SRV-052", tries, is_refused_or_cut, "431, 400 or a close")
