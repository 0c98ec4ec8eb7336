"""Media types, methods and paths, of OTLP and others."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.cases.success import sample_body
from otlptest.conformance.receiver.exchange import (
    JSON,
    PROTOBUF,
    Answer,
    Exchange,
    answered,
    check_responses,
    is_ok,
    is_refused,
    media_type_of,
    post,
    stop_at_timeout,
    target_of,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    json_bytes,
    json_item,
    json_request,
    sample_request,
)
from otlptest.results import CheckResult, failed, not_applicable, passed
from otlptest.sending.raw.http1_client import Http1Answer

CASES: Final = ReceiverCases()


_EXTENSIONS: Final = (
    "application/protobuf",
    "application/vnd.google.protobuf",
    "application/octet-stream",
)
_NO_METHODS: Final = ("GET", "PUT", "PATCH", "DELETE", "HEAD")
_REDIRECTS: Final = range(300, 400)
_SAME_METHOD: Final = frozenset({307, 308})


def _body(lab: ReceiverLab) -> bytes:
    return sample_body(lab, lab.signals[0], lab.marker())


# Media types.


@CASES.add(
    "routes/media_types",
    "Content types that are OTLP's, and others",
    (
        "OTLP-HTTP-043",
        "OTLP-SRV-030",
        "OTLP-SRV-031",
        "OTLP-SRV-032",
        "OTLP-SRV-033",
    ),
    protocols=("http/protobuf",),
)
@CASES.add(
    "routes/media_types_json",
    "Content types of JSON, and others",
    ("OTLP-HTTP-043", "OTLP-SRV-030", "OTLP-SRV-031", "OTLP-SRV-032"),
    protocols=("http/json",),
)
def _judge_media_types(lab: ReceiverLab) -> Iterator[CheckResult]:
    body = _body(lab)
    others = (
        _typed(lab, body, kind)
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded")
    )
    yield check_responses(lab, "OTLP-SRV-030", others, answered(415), "HTTP 415")
    none = [Exchange(what="no Content-Type", answer=post(lab, body, media_type=""))]
    yield check_responses(lab, "OTLP-SRV-031", none, answered(415, 400), "HTTP 415, or 400")
    wanted = media_type_of(lab)
    other = PROTOBUF if wanted == JSON else JSON
    twice = post(lab, body, fields=[("Content-Type", other)])
    odd = [*(_typed(lab, body, kind) for kind in ("application/", ";;"))]
    odd.append(Exchange(what="two Content-Types", answer=twice))
    yield check_responses(lab, "OTLP-SRV-032", odd, is_refused, "a 4xx")
    spelt = (
        _typed(lab, body, kind) for kind in (f"{wanted.title()}; charset=utf-8", wanted.upper())
    )
    yield check_responses(lab, "OTLP-HTTP-043", spelt, is_ok, "HTTP 200")
    if wanted == JSON:
        return
    taken = [kind for kind in _EXTENSIONS if post(lab, body, media_type=kind).is_ok]
    say = passed if taken else not_applicable
    yield say("OTLP-SRV-033", f"it takes {', '.join(taken) or 'application/x-protobuf only'}")


def _typed(lab: ReceiverLab, body: bytes, kind: str) -> Exchange:
    return Exchange(what=f"Content-Type: {kind}", answer=post(lab, body, media_type=kind))


@CASES.add(
    "routes/both_encodings",
    "Protobuf and JSON on one port",
    ("OTLP-HTTP-039",),
    protocols=("http/protobuf",),
)
def _judge_both_encodings(lab: ReceiverLab) -> Iterator[CheckResult]:
    signal = lab.signals[0]
    document = json_bytes(json_request(signal, json_item(signal, lab.marker())))
    bodies = {PROTOBUF: sample_request(signal, lab.marker()), JSON: document}
    tries = [_typed(lab, body, kind) for kind, body in bodies.items()]
    yield check_responses(lab, "OTLP-HTTP-039", tries, is_ok, "HTTP 200 to both")


# Paths.


@CASES.add(
    "routes/paths",
    "Paths that are unknown, unclean, or have a query",
    ("OTLP-SRV-036", "OTLP-SRV-037", "OTLP-SRV-038", "OTLP-SRV-039"),
    protocols=("http/protobuf",),
)
def _judge_paths(lab: ReceiverLab) -> Iterator[CheckResult]:
    prefix = lab.http.path if lab.http is not None else ""
    right = target_of(lab)
    unknown = [f"{prefix}{path}" for path in ("/v1", "/v1/trace", "/v2/traces")]
    if not prefix:
        unknown.insert(0, "/")
    unknown.append(f"{right}/extra")
    sent = stop_at_timeout(_at(lab, path) for path in unknown)
    tries = [each for each in sent if not _is_elsewhere(lab, each)]
    if tries:
        yield check_responses(lab, "OTLP-SRV-036", tries, answered(404), "HTTP 404")
    slash = _at(lab, f"{right}/")
    lost = _lost_in(slash.answer, right)
    if lost:
        yield failed("OTLP-SRV-037", f"{slash.what}: {slash.answer.told()}: {lost}")
    else:
        wanted = "an answer, no redirect that turns POST into GET"
        yield check_responses(lab, "OTLP-SRV-037", [slash], _keeps_post, wanted)
    authority = lab.http.authority if lab.http is not None else "localhost"
    odd = [f"/{right}", f"/v1/..{right}", right.replace("/", "%2F"), f"http://{authority}{right}"]
    unclean = (_at(lab, path) for path in odd)
    wanted = "an answer, and no redirect to itself or away from the endpoint"
    yield check_responses(lab, "OTLP-SRV-038", unclean, _leads_to(right), wanted)
    query = [_at(lab, f"{right}?x=1")]
    yield check_responses(lab, "OTLP-SRV-039", query, answered(200), "HTTP 200")


def _at(lab: ReceiverLab, target: str) -> Exchange:
    return Exchange(what=f"POST {target}", answer=post(lab, _body(lab), target=target))


def _is_elsewhere(lab: ReceiverLab, sent: Exchange) -> bool:
    """Return whether the receiver serves something else at a non-OTLP path: then 405 is valid."""
    if not answered(405)(sent.answer):
        return False
    path = sent.what.partition(" ")[2]
    page = post(lab, b"", method="GET", target=path, media_type="")
    return page.is_whole and page.status not in {404, 405, 410, 501}


def _keeps_post(answer: Answer) -> bool:
    """Return whether no client can read the answer as a request for a GET (RFC 9110, 15.4)."""
    if not isinstance(answer, Http1Answer) or not answer.is_whole:
        return False
    return answer.is_ok or answer.is_client_error or answer.status in _SAME_METHOD


def _lost_in(answer: Answer, right: str) -> str:
    """Return the fault in the target of a redirect that keeps the method; empty if none."""
    if not isinstance(answer, Http1Answer) or answer.status not in _SAME_METHOD:
        return ""
    path = _path_of(answer)
    return "" if path.rstrip("/") == right else f"it leads to {path or 'nowhere'}, not to {right}"


def _path_of(answer: Http1Answer) -> str:
    """Return the path that a redirect leads to."""
    location = answer.field("location") or ""
    if location.startswith("//"):  # a path with an empty segment, not a host
        return location
    try:
        return urlsplit(location).path
    except ValueError:
        return location


def _leads_to(right: str) -> Callable[[Answer], bool]:
    def leads(answer: Answer) -> bool:
        """Allow redirects to a clean path, as Go's mux sends them, but never to itself."""
        if not isinstance(answer, Http1Answer) or not answer.is_whole or answer.status is None:
            return False
        if answer.status in _REDIRECTS:
            return _path_of(answer) == right
        return answer.is_ok or answer.is_client_error

    return leads


# Methods.


@CASES.add(
    "routes/methods",
    "Methods other than POST",
    ("OTLP-SRV-040", "OTLP-SRV-041", "OTLP-SRV-042"),
    protocols=("http/protobuf",),
)
def _judge_methods(lab: ReceiverLab) -> Iterator[CheckResult]:
    body = _body(lab)
    tries = (
        Exchange(what=f"the method {method}", answer=post(lab, body, method=method))
        for method in _NO_METHODS
    )
    yield check_responses(lab, "OTLP-SRV-040", tries, _allows_post, "HTTP 405 with Allow: POST")
    unknown = [Exchange(what="the method FOO", answer=post(lab, body, method="FOO"))]
    other = [
        Exchange(what=f"the method {method}", answer=post(lab, b"", method=method))
        for method in ("TRACE", "CONNECT")
    ]
    yield check_responses(lab, "OTLP-SRV-041", unknown, answered(405, 501), "HTTP 405 or 501")
    yield check_responses(lab, "OTLP-SRV-041", other, _is_not_honoured, "an error, or a close")
    override = [("X-HTTP-Method-Override", "POST")]
    usual = post(lab, body, method="GET")
    got = [
        Exchange(
            what="GET with X-HTTP-Method-Override: POST",
            answer=post(lab, body, method="GET", fields=override),
        )
    ]
    wanted = f"the answer to GET alone, {usual.told()}"
    yield check_responses(lab, "OTLP-SRV-042", got, _is_like(usual), wanted)


def _is_like(usual: Http1Answer) -> Callable[[Answer], bool]:
    """Return a check that an answer has the status and media type of another, or is a 405."""

    def is_like(answer: Answer) -> bool:
        if not isinstance(answer, Http1Answer):
            return False
        same = (answer.status, answer.media_type) == (usual.status, usual.media_type)
        return (answer.is_whole and same) or answered(405)(answer)

    return is_like


def _allows_post(answer: Answer) -> bool:
    if not isinstance(answer, Http1Answer):
        return False
    allowed = {each.strip().upper() for each in (answer.field("allow") or "").split(",")}
    return answered(405)(answer) and "POST" in allowed


def _is_not_honoured(answer: Answer) -> bool:
    if not isinstance(answer, Http1Answer):
        return False
    if answer.status is None:  # closing the connection without an answer does not honour it either
        return answer.end in {"closed", "reset"}
    return answer.status >= 400  # noqa: PLR2004 -- HTTP's number


# Browsers.

_ORIGIN: Final = "http://localhost:3000"
_OFF: Final = answered(405, 404, 403, 400, 200, 204, 501)


def _preflight(lab: ReceiverLab, origin: str, headers: str = "content-type") -> Http1Answer:
    fields = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", headers),
    ]
    return post(lab, b"", method="OPTIONS", media_type="", fields=fields)


_CORS_RULES: Final = (
    "OTLP-SRV-068",
    "OTLP-SRV-069",
    "OTLP-SRV-070",
    "OTLP-SRV-072",
    "OTLP-SRV-074",
    "OTLP-SRV-075",
)


@CASES.add(
    "routes/cors",
    "Requests of web pages",
    ("OTLP-SRV-076", *_CORS_RULES),
    protocols=("http/protobuf",),
)
def _judge_cors(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge whether pages may send, and if those of any origin may, whether browsers can."""
    wanted_headers = "content-type,content-encoding,authorization"
    answer = _preflight(lab, _ORIGIN, wanted_headers)
    allowed = answer.field("access-control-allow-origin")
    seen = f"a preflight from {_ORIGIN} was answered {answer.told()}"
    if allowed is None:
        off = [Exchange(what=f"a preflight from {_ORIGIN}", answer=answer)]
        yield check_responses(lab, "OTLP-SRV-076", off, _is_without_cors, "an answer without CORS")
        yield from (
            not_applicable(rule, f"{seen}: pages of {_ORIGIN} may not send") for rule in _CORS_RULES
        )
        return
    yield not_applicable("OTLP-SRV-076", f"{seen}: CORS is on, and may have been configured so")
    methods = (answer.field("access-control-allow-methods") or "").upper()
    is_right = answer.status in {200, 204} and ("POST" in methods or "*" in methods or not methods)
    yield (passed if is_right else failed)("OTLP-SRV-068", f"{seen}; Allow-Methods: {methods}")
    yield _allowed_headers(answer, wanted_headers)
    yield from _actual_answers(lab, answer)
    age = answer.field("access-control-max-age")
    yield (passed if age else not_applicable)("OTLP-SRV-075", f"Access-Control-Max-Age: {age}")


def _is_without_cors(answer: Answer) -> bool:
    if not isinstance(answer, Http1Answer):
        return False
    has_cors = any(name.lower().startswith("access-control-") for name, _ in answer.fields)
    return _OFF(answer) and not has_cors


def _allowed_headers(answer: Http1Answer, wanted: str) -> CheckResult:
    given = (answer.field("access-control-allow-headers") or "").lower()
    names = {each.strip() for each in given.split(",")}
    missing = [name for name in wanted.split(",") if name not in names and "*" not in names]
    text = f"Access-Control-Allow-Headers: {given or 'missing'}"
    if missing:
        return failed("OTLP-SRV-069", f"{text}; not allowed: {', '.join(missing)}")
    return passed("OTLP-SRV-069", text)


def _judged_origins(answers: Mapping[str, Http1Answer]) -> CheckResult:
    """Judge each answer that names an origin: its `Vary`, and whether it allows credentials."""
    told: list[str] = []
    is_wrong = False
    for what, answer in answers.items():
        allowed = answer.field("access-control-allow-origin")
        if allowed is None:
            told.append(f"{what}: no Allow-Origin")
            continue
        has_credentials = (answer.field("access-control-allow-credentials") or "").lower() == "true"
        varies = "origin" in (answer.field("vary") or "").lower() or answer.field("vary") == "*"
        is_wrong |= has_credentials if allowed == "*" else not varies
        told.append(
            f"{what}: Allow-Origin: {allowed}, credentials: {has_credentials},"
            f" Vary: {answer.field('vary')}"
        )
    return (failed if is_wrong else passed)("OTLP-SRV-072", "; ".join(told))


def _actual_answers(lab: ReceiverLab, preflight: Http1Answer) -> Iterator[CheckResult]:
    origin = [("Origin", _ORIGIN)]
    body = _body(lab)
    sent = {
        "a valid request": post(lab, body, fields=origin),
        "a malformed body": post(lab, b"\xff\xff\xff", fields=origin),
        "the content type text/plain": post(lab, body, media_type="text/plain", fields=origin),
    }
    tries = [Exchange(what=what, answer=answer) for what, answer in sent.items()]
    yield check_responses(lab, "OTLP-SRV-070", tries, _tells_origin, "Access-Control-Allow-Origin")
    answer = sent["a valid request"]
    yield _judged_origins({"a preflight": preflight, "a valid request": answer})
    exposed = (answer.field("access-control-expose-headers") or "").lower()
    say = passed if "retry-after" in exposed or exposed == "*" else failed
    yield say("OTLP-SRV-074", f"Access-Control-Expose-Headers: {exposed or 'missing'}")


def _tells_origin(answer: Answer) -> bool:
    return isinstance(answer, Http1Answer) and answer.field("access-control-allow-origin") in {
        "*",
        _ORIGIN,
    }
