"""Receivers that are wrong over gRPC."""

import threading
from collections.abc import Callable
from typing import Any

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from tests.subjects.wrong_receivers.grpc_front import (
    OK_HEAD,
    Answered,
    Call,
    Change2,
    failure,
    success,
)
from tests.subjects.wrong_receivers.planted import (
    Wrong,
    answers,
    called,
    ever,
    fails,
    losing_first,
    partial,
    without,
    wrong,
)

_RETRY = "CAgSBHdhaXQaKgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbw"


def _grpc(name: str, case: str, *rules: str, **more: Any) -> Wrong:  # noqa: ANN401 -- fields
    return wrong(name, case, *rules, protocol="grpc", **more)


When2 = Callable[[Call, Answered], bool]


def _with(part: bytes) -> When2:
    return lambda call, _: part in call.body


def _field(name: str, value: str | None = None) -> When2:
    return lambda call, _: name in call.fields and (value is None or call.fields[name] == value)


def _body(part: bytes) -> Change2:
    """Successes carry something else."""
    return lambda _, answer: (
        Answered(headers=answer.headers, body=part, trailers=answer.trailers)
        if answer.status == 0
        else answer
    )


def _silent(_: Call, answer: Answered) -> Answered:
    return Answered(is_silent=True)


def _large(_: Call, answer: Answered) -> Answered:
    return failure(13, "x" * 60_000, **{f"x_{number}": "y" * 60_000 for number in range(80)})


def after(count: int, then: Answered, which: When2 = ever, *, times: int = 10**9) -> Change2:
    """Right for some calls, then wrong for some."""
    seen: list[int] = []
    lock = threading.Lock()

    def change(call: Call, answer: Answered) -> Answered:
        with lock:
            seen.append(1)
            is_turn = count < len(seen) <= count + times
            return then if is_turn and which(call, answer) else answer

    return change


_COMPRESSED = b"\x01"

CALLS = (
    _grpc("traces fail", "exports/served_grpc", "GRPC-001",
          call=answers(called("TraceService"), failure(13))),
    _grpc("metrics fail", "exports/served_grpc", "GRPC-002",
          call=answers(called("MetricsService"), failure(13))),
    _grpc("logs fail", "exports/served_grpc", "GRPC-003",
          call=answers(called("LogsService"), failure(13))),
    _grpc("a success that is not a message", "success/answer_grpc", "RESP-001",
          call=_body(encode_grpc_frame(b"\xff\xff"))),
    _grpc("a success without a message", "success/answer_grpc", "GRPC-048", call=_body(b"")),
    _grpc("a success with two messages", "success/answer_grpc", "GRPC-048",
          call=_body(encode_grpc_frame(b"") * 2)),
    _grpc("no trailers", "success/answer_grpc", "RESP-001",
          call=answers(ever, Answered(headers=OK_HEAD, body=encode_grpc_frame(b"")))),
    _grpc("an empty partial success", "success/answer_grpc", "RESP-003",
          call=_body(encode_grpc_frame(b"\x0a\x00"))),
    _grpc("an empty message is refused", "success/empty_grpc", "RESP-005",
          call=answers(lambda call, _: len(call.body) == 5, failure(3))),
    _grpc("hollow envelopes are refused", "success/hollow", "RESP-007",
          call=answers(lambda call, _: 5 < len(call.body) < 17, failure(3))),
    _grpc("identity is refused", "success/plain_grpc", "GRPC-008",
          call=answers(_field("grpc-encoding", "identity"), failure(12))),
    _grpc("gzip is refused", "exports/gzip_grpc", "GRPC-009",
          call=answers(_field("grpc-encoding", "gzip"), failure(12))),
    _grpc("the second of two equal calls fails", "success/duplicates", "RESP-084",
          call=after(1, failure(6))),
    _grpc("data lost after its answer", "success/kept", "RESP-010", stored=losing_first()),
    _grpc("metrics counted, not points", "partial/mixed", "RESP-012", signals=("metrics",),
          call=answers(_with(b"untimed"), success(partial("metrics", 1, "no time")))),
    _grpc("plain calls under gzip fail", "grpc/encodings", "GRPC-010",
          call=answers(lambda call, _: call.fields.get("grpc-encoding") == "gzip"
                       and call.body[:1] != _COMPRESSED, failure(13))),
    _grpc("INTERNAL for an unknown encoding", "grpc/unknown_encoding", "GRPC-012",
          call=answers(fails, failure(13))),
    _grpc("what is flagged is taken for plain", "grpc/flag_alone", "GRPC-013",
          call=answers(ever, success())),
)  # fmt: skip

BAD_CALLS = (
    _grpc("random bytes are taken", "bad_data/random_bytes_grpc", "SRV-010",
          call=answers(fails, success())),
    _grpc("UNAVAILABLE for random bytes", "bad_data/random_bytes_grpc", "SRV-010",
          call=answers(fails, failure(14))),
    _grpc("UNAVAILABLE for what cannot be decoded", "bad_data/undecodable_call", "RESP-047",
          call=answers(fails, failure(14))),
    _grpc("trailing bytes are taken", "bad_data/protobuf", "SRV-009",
          call=answers(lambda call, _: len(call.body) > 99 and call.body[-3:] == b"\xff" * 3,
                       success())),
    _grpc("no answer for deep nesting", "bad_data/deep", "SRV-013",
          call=lambda call, answer: _silent(call, answer) if len(call.body) > 20_000 else answer,
          harm="hang"),
    _grpc("credentials in an error", "errors/echo", "SRV-083",
          call=lambda call, answer: (
              failure(3, call.fields.get("authorization", "no")) if answer.status else answer)),
    _grpc("unknown fields are refused", "interoperability/unknown_fields_grpc", "GRPC-043",
          call=answers(_with(b"\xf8\x7c"), failure(3))),
    _grpc("what has unknown fields is lost", "interoperability/unknown_fields_grpc", "GRPC-043",
          stored=without("kept")),
    _grpc("small frames are lost", "grpc/small_frames", "GRPC-042",
          call=answers(lambda call, _: len(call.body) > 900_000, failure(13))),
    _grpc("text is cut", "grpc/small_frames", "GRPC-042", stored=without("pad")),
    _grpc("cut messages are taken", "grpc/bad_frames", "GRPC-049",
          call=answers(lambda call, _: len(call.body) == 3, success())),
    _grpc("two messages are taken", "grpc/bad_frames", "SRV-065",
          call=answers(lambda call, _: len(call.body) > 300, success())),
    _grpc("unknown methods hang", "grpc/unknown_methods", "GRPC-045",
          call=lambda call, answer: _silent(call, answer) if "Nope" in call.path else answer,
          harm="hang"),
    _grpc("every content type is taken", "grpc/content_type", "GRPC-046",
          call=answers(_field("content-type", "text/plain"), success())),
    _grpc("binary metadata is refused", "grpc/metadata", "SRV-066",
          call=answers(_field("x-trace-bin"), failure(3))),
    _grpc("time that is up is not told", "grpc/timeout", "GRPC-050",
          call=lambda call, answer: _silent(call, answer) if answer.status == 4 else answer,
          timeout_s=2.0),
    _grpc("calls fail when there are many", "grpc/many", "GRPC-041",
          call=after(100, failure(13))),
    _grpc("logs beside traces fail", "grpc/signals", "SRV-060",
          call=after(5, failure(13), called("LogsService"))),
)  # fmt: skip

LIMITS = (
    _grpc("INVALID_ARGUMENT for too large", "sizes/grpc", "GRPC-016",
          call=answers(lambda _, answer: answer.status == 8, failure(3))),
    _grpc("too large may be sent again", "sizes/grpc", "GRPC-016",
          call=answers(lambda _, answer: answer.status == 8,
                       failure(8, grpc_status_details_bin=_RETRY))),
    _grpc("no limit for plain messages", "sizes/grpc", "GRPC-014",
          call=answers(lambda call, answer: answer.status == 8
                       and "grpc-encoding" not in call.fields, success())),
    _grpc("a bomb is taken", "sizes/grpc", "GRPC-015",
          call=answers(_field("grpc-encoding", "gzip"), success())),
    _grpc("everything is refused as too large", "sizes/grpc", "GRPC-017",
          call=lambda call, answer: failure(8) if len(call.body) > 900_000 else answer),
    _grpc("no answer for a bomb", "bombs/gzip", "SRV-027",
          call=lambda call, answer: _silent(call, answer) if answer.status == 8 else answer,
          harm="hang"),
    _grpc("an answer of 5 MB", "bombs/longest_answer_grpc", "GRPC-026",
          call=lambda call, answer: _large(call, answer) if len(call.body) > 900_000 else answer),
    _grpc("every bad item is named", "bombs/longest_answer_grpc", "GRPC-027", signals=("traces",),
          call=lambda call, answer: success(partial("traces", 100_000, "bad " * 9000))
          if len(call.body) > 900_000 else answer),
    _grpc("the count is cut", "bombs/longest_answer_grpc", "GRPC-027", signals=("traces",),
          call=lambda call, answer: success(partial("traces", 10, "bad"))
          if len(call.body) > 900_000 else answer),
)  # fmt: skip


def _is_pong(kind: int, flags: int) -> bool:
    return kind == frames.PING and bool(flags & frames.ACK)


CONNECTIONS = (
    _grpc("what is not HTTP/2 is kept", "grpc_connections/other_protocols", "SRV-063",
          keeps_open=True, timeout_s=0.5),
    _grpc("forbidden frames are ignored", "grpc_connections/wrong_frames", "SRV-064",
          drops=lambda kind, _: kind == frames.GOAWAY, keeps_open=True, timeout_s=0.5),
    _grpc("PINGs are not answered", "grpc_connections/pings", "SRV-061", drops=_is_pong,
          timeout_s=2.0),
    _grpc("no calls after many were cancelled", "grpc_connections/resets", "SRV-062",
          call=after(4, Answered(is_silent=True)), harm="hang"),
    _grpc("a cancelled call takes the next along", "grpc_connections/resets", "SRV-062",
          call=after(3, failure(1), times=1)),
)  # fmt: skip

GRPC_FAULTS: tuple[Wrong, ...] = (*CALLS, *BAD_CALLS, *LIMITS, *CONNECTIONS)
