"""Paths, methods, content types and bodies of what the command sends by default.

Judged from the observing run alone: nothing is started.
"""

from collections.abc import Callable, Iterator
from typing import Final

from otlptest.conformance.cases import ExporterCase
from otlptest.conformance.exporter_lab import ExporterLab
from otlptest.conformance.observations import Observation
from otlptest.conformance.payloads import items_of
from otlptest.conformance.verdicts import Judged, broken, held, not_observed
from otlptest.model import Request
from otlptest.wire.signals import SIGNAL_NAMES

__all__ = ["CASES"]

_MEDIA_TYPES: Final = {
    "http/protobuf": ("OTLP-HTTP-007", "application/x-protobuf"),
    "http/json": ("OTLP-JSON-001", "application/json"),
}


def _judge_grpc(lab: ExporterLab) -> Iterator[Judged]:
    seen, requests = lab.baseline, _requests(lab)
    paths = {SIGNAL_NAMES[signal].grpc_path for signal in SIGNAL_NAMES}
    yield _of_all("OTLP-GRPC-004", seen, requests, lambda each: each.path in paths)
    yield _of_all("OTLP-GRPC-006", seen, requests, _is_grpc_call)
    yield _of_all("OTLP-GRPC-007", seen, requests, _has_items)


def _judge_http(lab: ExporterLab) -> Iterator[Judged]:
    seen, requests = lab.baseline, _requests(lab)
    paths = {SIGNAL_NAMES[signal].http_path for signal in SIGNAL_NAMES}
    media_rule, media_type = _MEDIA_TYPES[lab.protocol]
    yield _of_all("OTLP-HTTP-001", seen, requests, lambda each: each.method == "POST")
    yield _of_all("OTLP-HTTP-006", seen, requests, lambda each: each.path in paths)
    yield _of_all(media_rule, seen, requests, lambda each: _media_type(each) == media_type)
    if lab.protocol == "http/protobuf":
        yield _of_all("OTLP-HTTP-008", seen, requests, _has_items)


def _requests(lab: ExporterLab) -> tuple[Request, ...]:
    """Those of the signals that are judged, and those that are of none: a wrong path tells none."""
    return tuple(
        each for each in lab.baseline.requests if each.signal is None or each.signal in lab.signals
    )


def _of_all(
    rule: str, seen: Observation, requests: tuple[Request, ...], is_right: Callable[[Request], bool]
) -> Judged:
    """Held if each request is right, broken if one is not."""
    wrong = [each for each in requests if not is_right(each)]
    if wrong:
        return broken(rule, f"{seen.describe(wrong)}\n{_head(wrong[0])}")
    if not requests:
        return not_observed(rule, "no request came")
    return held(rule, seen.describe(requests))


def _head(request: Request) -> str:
    told = [f"{name}: {value}" for name, value in request.headers.items() if name in _SHOWN]
    problem = [f"refused: {request.problem.message}"] if request.problem else []
    return "; ".join([*told, *problem])


_SHOWN: Final = ("content-type", "content-encoding", "grpc-encoding", "te")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _is_grpc_call(request: Request) -> bool:
    media_type = _media_type(request)
    is_grpc = media_type == "application/grpc" or media_type.startswith("application/grpc+")
    is_te = request.headers.get("te", "").lower() == "trailers"
    return request.method == "POST" and is_grpc and is_te


def _has_items(request: Request) -> bool:
    return request.is_accepted and bool(items_of(request))


CASES: Final = (
    ExporterCase(
        id="transport/grpc_calls",
        title="Export calls over gRPC: method, headers, message",
        requirements=("OTLP-GRPC-004", "OTLP-GRPC-006", "OTLP-GRPC-007"),
        judge=_judge_grpc,
        protocols=("grpc",),
        expected_s=0.0,
        runs=0,
    ),
    ExporterCase(
        id="transport/http_requests",
        title="Requests over HTTP: method, path, content type, body",
        requirements=("OTLP-HTTP-001", "OTLP-HTTP-006", "OTLP-HTTP-007", "OTLP-HTTP-008"),
        judge=_judge_http,
        protocols=("http/protobuf",),
        expected_s=0.0,
        runs=0,
    ),
    ExporterCase(
        id="transport/json_requests",
        title="Requests over HTTP in JSON: method, path, content type",
        requirements=("OTLP-HTTP-001", "OTLP-HTTP-006", "OTLP-JSON-001"),
        judge=_judge_http,
        protocols=("http/json",),
        expected_s=0.0,
        runs=0,
    ),
)
