"""Receivers with wrong media types, methods, paths, or browsers' headers."""

from tests.subjects.wrong_receivers.http_front import Change
from tests.subjects.wrong_receivers.planted import (
    JSON,
    When,
    Wrong,
    accepts,
    always,
    having,
    refused,
    turned,
    wrong,
)

_PAGE = "http://localhost:3000"


def _method(name: str) -> Change:
    return accepts(lambda heard, _: heard.method == name)


def _at(path: str) -> When:
    return lambda heard, _: heard.target.endswith(path)


def _preflight(**changes: str) -> Change:
    return turned(lambda heard, _: heard.method == "OPTIONS", **changes)


ROUTES: tuple[Wrong, ...] = (
    wrong("text/plain is taken", "routes/media_types", "SRV-030",
          change=accepts(having("content-type", "text/plain"))),
    wrong("no content type is taken", "routes/media_types", "SRV-031",
          change=accepts(having("content-type", None))),
    wrong("500 for an odd content type", "routes/media_types", "SRV-032",
          change=turned(having("content-type", ";;"), status=500), harm="server_error"),
    wrong("content types are compared as bytes", "routes/media_types", "HTTP-043",
          change=turned(having("content-type", "APPLICATION/X-PROTOBUF"), status=415)),
    wrong("no JSON on the protobuf port", "routes/both_encodings", "HTTP-039",
          change=turned(having("content-type", JSON), status=415)),
    wrong("every path is taken", "routes/paths", "SRV-036", change=accepts(_at("/v2/traces"))),
    wrong("a redirect for a slash", "routes/paths", "SRV-037",
          change=turned(_at("/v1/traces/"), status=301, location="/v1/traces")),
    wrong("a redirect that leads elsewhere", "routes/paths", "SRV-037",
          change=turned(_at("/v1/traces/"), status=307, location="/traces")),
    wrong("a clean path that leads elsewhere", "routes/paths", "SRV-038",
          change=turned(_at("//v1/traces"), status=308, location="/traces")),
    wrong("a redirect to itself", "routes/paths", "SRV-038",
          change=turned(_at("//v1/traces"), status=301, location="//v1/traces")),
    wrong("404 for a query", "routes/paths", "SRV-039", change=turned(_at("?x=1"), status=404)),
    wrong("GET is taken", "routes/methods", "SRV-040",
          change=lambda heard, said: said if heard.header("x-http-method-override")
          else _method("GET")(heard, said)),
    wrong("405 without Allow", "routes/methods", "SRV-040", change=turned(refused, allow="")),
    wrong("FOO is taken", "routes/methods", "SRV-041", change=_method("FOO")),
    wrong("TRACE is honoured", "routes/methods", "SRV-041", change=_method("TRACE")),
    wrong("CONNECT is honoured", "routes/methods", "SRV-041", change=_method("CONNECT")),
    wrong("the method is overridden", "routes/methods", "SRV-042",
          change=accepts(having("x-http-method-override", "POST"))),
    wrong("CORS headers though it is off", "routes/cors", "SRV-076",
          change=turned(always, Access_Control_Allow_Methods="POST")),
    wrong("403 for a preflight", "routes/cors", "SRV-068",
          change=_preflight(Access_Control_Allow_Methods="GET"), origins=(_PAGE,)),
    wrong("no headers are allowed", "routes/cors", "SRV-069",
          change=_preflight(Access_Control_Allow_Headers=""), origins=(_PAGE,)),
    wrong("errors are hidden from pages", "routes/cors", "SRV-070",
          change=turned(refused, Access_Control_Allow_Origin=""), origins=(_PAGE,)),
    wrong("answers do not vary by origin", "routes/cors", "SRV-072",
          change=turned(always, Vary=""), origins=(_PAGE,)),
    wrong("preflights do not vary by origin", "routes/cors", "SRV-072",
          change=_preflight(Vary=""), origins=(_PAGE,)),
    wrong("Retry-After is not exposed", "routes/cors", "SRV-074",
          change=turned(always, Access_Control_Expose_Headers=""), origins=(_PAGE,)),
)  # fmt: skip
