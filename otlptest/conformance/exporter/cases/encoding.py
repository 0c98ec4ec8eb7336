"""The match of body and headers: gzip if they say so, and plain if they do not.

OTLP-CFG-035 checks whether the command compresses if the environment says so.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import global_env_var, own_requests
from otlptest.model import Request
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_COMPRESSION: Final = global_env_var("COMPRESSION")
_GZIP_MAGIC: Final = b"\x1f\x8b"
_FLAG_WITHOUT_ENCODING: Final = "OTLP-GRPC-013"


@CASES.add(
    "encoding/grpc_gzip",
    "Compressed calls: grpc-encoding, flag and a whole gzip stream",
    ("OTLP-GRPC-011",),
    protocols=("grpc",),
)
@CASES.add(
    "encoding/http_gzip",
    "Compressed requests: Content-Encoding and a whole gzip stream",
    ("OTLP-HTTP-012",),
    protocols=HTTP_PROTOCOLS,
)
def _judge_gzip(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge both runs: a command may compress by default, or only if configured."""
    rule = "OTLP-GRPC-011" if lab.protocol == "grpc" else "OTLP-HTTP-012"
    told = lab.run({_COMPRESSION: "gzip"})
    for seen in (told, lab.baseline):
        for request in own_requests(lab, seen):
            fault = _fault_of_gzip(request)
            if fault:
                yield failed(
                    rule, f"{_variable(seen)}; {fault}", exchanges=seen.describe([request])
                )
                return
    compressed = [each for each in own_requests(lab, told) if _is_gzip(each)]
    if compressed:
        what = f"{len(compressed)} requests say gzip, are gzip and hold their message"
        yield passed(rule, f"{_variable(told)}; {what}", exchanges=told.describe(compressed))
    else:
        reason = f"{_variable(told)}; no request was compressed\n{told.describe()}"
        yield inconclusive(rule, reason)


@CASES.add(
    "encoding/http_identity",
    "Uncompressed requests: no Content-Encoding",
    ("OTLP-HTTP-013",),
    protocols=HTTP_PROTOCOLS,
)
def _judge_none(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-HTTP-013"
    told = lab.run({_COMPRESSION: "none"})
    for seen in (told, lab.baseline):
        for request in own_requests(lab, seen):
            fault = _fault_of_plain(request)
            if fault:
                yield failed(
                    rule, f"{_variable(seen)}; {fault}", exchanges=seen.describe([request])
                )
                return
    plain = [each for each in own_requests(lab, told) if each.is_accepted and not _coding(each)]
    if plain:
        what = f"{len(plain)} requests as they are, without Content-Encoding"
        yield passed(rule, f"{_variable(told)}; {what}", exchanges=told.describe(plain))
    else:
        reason = f"{_variable(told)}; nothing came uncompressed\n{told.describe()}"
        yield inconclusive(rule, reason)


def _variable(seen: Observation) -> str:
    value = seen.environment.get(_COMPRESSION)
    return f"{_COMPRESSION} unset" if value is None else f"{_COMPRESSION}={value}"


def _coding(request: Request) -> str:
    """Return what the header says; empty for nothing, or for identity.

    Of a `grpc-encoding` that is there twice the last one: OTLP-GRPC-006 judges the other.
    """
    return "" if request.encoding == "identity" else request.encoding


def _is_gzip(request: Request) -> bool:
    """Return whether a body is whole gzip; a gRPC message may stay plain in a gzip call."""
    is_changed = request.protocol != "grpc" or request.wire_size != request.size
    return request.is_accepted and request.encoding == "gzip" and is_changed


def _fault_of_gzip(request: Request) -> str:
    """Return how header and body contradict each other; empty if they do not."""
    coding, problem = _coding(request), request.problem
    if "," in coding and request.protocol == "grpc":
        return f"the header says {coding!r}, which is a list: gRPC has one encoding"
    if problem is not None and problem.kind == "bad_compression" and coding:
        return f"the header says {coding}, and {problem.message}"
    if problem is not None and problem.rule == _FLAG_WITHOUT_ENCODING:
        return problem.message
    if coding and problem is not None and problem.kind != "malformed":
        return ""  # refused before it was inflated
    return _fault_of_streams(request, coding)


def _fault_of_streams(request: Request, coding: str) -> str:
    """Return how the compression of a body differs from its header."""
    if _raw(request).startswith(_GZIP_MAGIC):
        header = f"the header says {coding}" if coding else "no header says so"
        return f"the body is a gzip stream, and {header}"
    if "," in coding:
        return f"the header says {coding}, which is more than one stream"
    return ""


def _fault_of_plain(request: Request) -> str:
    """Return a coding that the header names and the body does not have."""
    coding, problem = _coding(request), request.problem
    if coding and problem is not None and problem.kind in {"bad_compression", "unknown_encoding"}:
        return f"the header says Content-Encoding: {coding}, and {problem.message}"
    return ""


def _raw(request: Request) -> bytes:
    """Return the body of a request that was not inflated, as far as it was kept."""
    packed = request.packed_json
    return request.body if packed is None else zlib.decompress(packed)
