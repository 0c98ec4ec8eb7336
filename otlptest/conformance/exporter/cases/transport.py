"""Methods, paths, headers, framing and bodies of what the command sends by default.

Judged from the observing run alone: nothing is started.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.errors import UsageError, WireError
from otlptest.model import Request
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.wire.otlp.otlp_protobuf import decode_request
from otlptest.wire.otlp.signals import SIGNAL_NAMES
from otlptest.wire.otlp.strange_fields import strange_fields
from otlptest.wire.transport.grpc_framing import is_grpc_content_type

CASES: Final = ExporterCases()


_MEDIA_TYPES: Final = {
    "http/protobuf": ("OTLP-HTTP-007", "application/x-protobuf"),
    "http/json": ("OTLP-JSON-001", "application/json"),
}
_SHOWN_FAULTS: Final = 3
_FRAMING_RULES: Final = frozenset({"OTLP-GRPC-005", "OTLP-GRPC-049"})
# Headers that a call has exactly once (gRPC over HTTP/2, "Requests").
_ONCE: Final = ("te", "content-type", "grpc-encoding", "grpc-timeout", "grpc-message-type")
_TWICE: Final = 2
_SHOWN: Final = ("content-type", "content-encoding", "grpc-encoding", "te", "host")


@CASES.add(
    "transport/grpc_calls",
    "Export calls over gRPC: method, headers, message, one for each stream",
    ("OTLP-GRPC-004", "OTLP-GRPC-005", "OTLP-GRPC-006", "OTLP-GRPC-007"),
    protocols=("grpc",),
    expected_s=0.0,
    runs=0,
)
def _judge_grpc(lab: ExporterLab) -> Iterator[CheckResult]:
    seen, requests = lab.baseline, _requests(lab)
    paths = {SIGNAL_NAMES[signal].grpc_path for signal in SIGNAL_NAMES}
    yield _of_all("OTLP-GRPC-004", seen, requests, lambda each: each.path in paths)
    yield _calls(seen, requests)
    yield _body("OTLP-GRPC-007", seen, requests)
    yield _unary_calls(lab, requests)


@CASES.add(
    "transport/http_requests",
    "Requests over HTTP: method, path, content type, body",
    ("OTLP-HTTP-001", "OTLP-HTTP-006", "OTLP-HTTP-007", "OTLP-HTTP-008"),
    protocols=("http/protobuf",),
    expected_s=0.0,
    runs=0,
)
@CASES.add(
    "transport/json_requests",
    "Requests over HTTP in JSON: method, path, content type",
    ("OTLP-HTTP-001", "OTLP-HTTP-006", "OTLP-JSON-001"),
    protocols=("http/json",),
    expected_s=0.0,
    runs=0,
)
def _judge_http(lab: ExporterLab) -> Iterator[CheckResult]:
    seen, requests = lab.baseline, _requests(lab)
    paths = {SIGNAL_NAMES[signal].http_path for signal in SIGNAL_NAMES}
    media_rule, media_type = _MEDIA_TYPES[lab.protocol]
    yield _of_all("OTLP-HTTP-001", seen, requests, lambda each: each.method == "POST")
    yield _of_all("OTLP-HTTP-006", seen, requests, lambda each: each.path in paths)
    yield _of_all(media_rule, seen, requests, lambda each: _media_type(each) == media_type)
    if lab.protocol == "http/protobuf":
        yield _body("OTLP-HTTP-008", seen, requests)


@CASES.add(
    "transport/http_framing",
    "Requests over HTTP: version, length or chunks, Host",
    ("OTLP-HTTP-009", "OTLP-HTTP-055"),
    protocols=HTTP_PROTOCOLS,
    expected_s=0.0,
    runs=0,
)
def _judge_http_framing(lab: ExporterLab) -> Iterator[CheckResult]:
    seen, requests = lab.baseline, _requests(lab)
    yield _framing(seen, requests)
    versions = sorted({each.connection.protocol or "?" for each in requests})
    if requests:
        yield passed("OTLP-HTTP-009", f"{len(requests)} requests over {', '.join(versions)}")


def _requests(lab: ExporterLab) -> tuple[Request, ...]:
    """Return the requests of judged signals, and those without one: a wrong path has none."""
    return tuple(
        each for each in lab.baseline.requests if each.signal is None or each.signal in lab.signals
    )


def _of_all(
    rule: str, seen: Observation, requests: tuple[Request, ...], is_right: Callable[[Request], bool]
) -> CheckResult:
    """Pass if each request is valid, fail if one is not."""
    wrong = [each for each in requests if not is_right(each)]
    if wrong:
        return failed(rule, f"{seen.describe(wrong)}\n{_head(wrong[0])}")
    if not requests:
        return inconclusive(rule, "no request came")
    return passed(rule, seen.describe(requests))


def _calls(seen: Observation, requests: tuple[Request, ...]) -> CheckResult:
    """Judge the heads of gRPC calls, with the faults of one."""
    rule = "OTLP-GRPC-006"
    wrong = [(each, faults) for each in requests if (faults := _faults_of_call(each))]
    if wrong:
        first, faults = wrong[0]
        shown = seen.describe([each for each, _ in wrong])
        return failed(rule, f"{'; '.join(faults)}\n{shown}\n{_head(first)}")
    if not requests:
        return inconclusive(rule, "no request came")
    return passed(rule, seen.describe(requests))


def _faults_of_call(request: Request) -> list[str]:
    """Return the faults that keep a request from being a gRPC call, one sentence a header."""
    pairs = [(name.lower(), value) for name, value in request.headers.pairs]
    names = [name for name, _ in pairs]
    faults = [
        f"the header {name} is there {_times(names.count(name))}, and a call has it once"
        for name in _ONCE
        if names.count(name) > 1
    ]
    if request.method != "POST":
        faults.append(f"the method is {request.method}, and must be POST")
    media_types = {value for name, value in pairs if name == "content-type"}
    if not media_types or not all(map(is_grpc_content_type, media_types)):
        told = _values(media_types)
        faults.append(f"the content-type is {told}, and must begin with 'application/grpc'")
    te = {value.lower() for name, value in pairs if name == "te"}
    if te != {"trailers"}:
        faults.append(f"the header te is {_values(te)}, and must be 'trailers'")
    return faults


def _values(values: Iterable[str]) -> str:
    return " and ".join(sorted(map(repr, values))) or "missing"


def _times(count: int) -> str:
    return "twice" if count == _TWICE else f"{count} times"


def _head(request: Request) -> str:
    told = [
        f"{name.lower()}: {value}"
        for name, value in request.headers.pairs
        if name.lower() in _SHOWN
    ]
    problem = [f"refused: {request.problem.message}"] if request.problem else []
    return "; ".join([*told, *problem])


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _body(rule: str, seen: Observation, requests: tuple[Request, ...]) -> CheckResult:
    """Judge that each body is the message of its path; refused heads are left out."""
    faults = [(each, _fault_of_body(each)) for each in requests]
    for request, fault in faults:
        if fault:
            return failed(rule, f"{seen.describe([request])}\n{fault}")
    read = [each for each in requests if each.is_accepted and each.body]
    if not read:
        return inconclusive(rule, "no body could be looked at", exchanges=seen.describe(requests))
    return passed(rule, "each body is the message of its signal", exchanges=seen.describe(read))


def _fault_of_body(request: Request) -> str:
    if request.problem is not None:
        return request.problem.message if request.problem.kind == "malformed" else ""
    if request.signal is None:
        return ""
    try:
        message = decode_request(
            request.signal, request.body, protocol=request.protocol or "http/protobuf"
        )
    except (WireError, UsageError) as refused:  # pragma: no cover -- it was accepted
        return str(refused)
    strange = strange_fields(message)
    return f"it is another message: it has {'; '.join(strange)}" if strange else ""


def _unary_calls(lab: ExporterLab, requests: Iterable[Request]) -> CheckResult:
    """Judge the calls: the fake takes one only if its stream has one message and then ends."""
    rule, seen = "OTLP-GRPC-005", lab.baseline
    taken = [each for each in requests if each.is_accepted and each.protocol == "grpc"]
    problems = [
        problem
        for problem in seen.all_problems
        if problem.rule in _FRAMING_RULES
        and (problem.kind == "protocol_error" or problem.rule == rule)
    ]
    if problems:
        return failed(rule, "\n".join(problem.message for problem in problems[:_SHOWN_FAULTS]))
    if not taken:
        return inconclusive(rule, "no call was taken", exchanges=seen.describe())
    told = f"{len(taken)} calls, each one message and the end of its stream"
    return passed(rule, told, exchanges=seen.describe(taken))


def _framing(seen: Observation, requests: tuple[Request, ...]) -> CheckResult:
    rule = "OTLP-HTTP-055"
    faults = _messages(seen, "protocol_error")
    hosts = [
        f"Host: {each.headers.get('host', '')} on port {each.connection.port}"
        for each in requests
        if each.connection.protocol == "http/1.1" and not _has_port(each)
    ]
    if faults or hosts:
        return failed(rule, "\n".join([*faults, *hosts][:_SHOWN_FAULTS]))
    cut = _messages(seen, "cut_request")
    if cut or not requests:
        # A wrong Content-Length looks like that, and so does a client that gives up.
        return inconclusive(rule, cut[0] if cut else seen.describe())
    return passed(
        rule, f"a strict parser took each of {len(requests)} requests, Host with its port"
    )


def _messages(seen: Observation, kind: str) -> list[str]:
    return [problem.message for problem in seen.all_problems if problem.kind == kind]


def _has_port(request: Request) -> bool:
    return request.headers.get("host", "").endswith(f":{request.connection.port}")
