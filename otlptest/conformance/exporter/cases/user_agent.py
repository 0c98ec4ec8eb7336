"""The user agent of the command; judged from the observing run alone."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.readings import resources_of
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_RULE: Final = "OTLP-CFG-057"

# As in RFC 9110: products, each a name that may have a version, and comments between them.
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PRODUCT: Final = re.compile(rf"({_WORD})(?:/({_WORD}))?")
_COMMENT: Final = re.compile(r"\([^()]*\)")
# Default user agents of HTTP and gRPC libraries.
_LIBRARY: Final = re.compile(
    r"(grpc|go-http|python-|okhttp|java|apache-httpclient|node|undici|axios|tonic|reqwest"
    r"|hyper|aiohttp|httpx|urllib|curl|libcurl|guzzle|faraday|ruby|mint|finch|hackney|dart)[^ ]*",
    re.IGNORECASE,
)
_LANGUAGES: Final = (
    *("ada", "bash", "c", "c#", "c++", "clojure", "cpp", "crystal", "csharp", "d", "dart", "deno"),
    *("dotnet", ".net", "elixir", "erlang", "f#", "fsharp", "fortran", "gleam", "go", "golang"),
    *("groovy", "haskell", "java", "javascript", "js", "julia", "kotlin", "lua", "nim", "node"),
    *("nodejs", "objc", "ocaml", "perl", "php", "powershell", "python", "r", "ruby", "rust"),
    *("scala", "shell", "swift", "typescript", "webjs", "zig", "collector", "otelcol"),
)
_EXPORTER: Final = re.compile(r"otel|otlp|telemetry|exporter", re.IGNORECASE)
_SHORT: Final = 3  # shorter names of languages are parts of other words
# Parts of exporter names other than the language. The longer ones come first.
_NO_LANGUAGE: Final = re.compile(
    r"opentelemetry|instrumentation|telemetry|exporter|protobuf|metrics?|traces?|signals?|client"
    r"|spans?|https?|agent|proto|otel|otlp|grpc|json|logs?|over|open|sdk|[^a-z#+]",
)


@CASES.add(
    "user_agent/product",
    "The User-Agent names the exporter, its language and version",
    (_RULE,),
    expected_s=0.0,
    runs=0,
)
def _judge(lab: ExporterLab) -> Iterator[CheckResult]:
    requests = [each for each in lab.baseline.requests if each.signal in lab.signals]
    languages = {
        str(resource["telemetry.sdk.language"])
        for resource in resources_of(requests)
        if "telemetry.sdk.language" in resource
    }
    agents = sorted({each.headers.get("user-agent", "") for each in requests})
    for agent in agents:
        yield judged_agent(agent, languages)
    if not agents:
        yield inconclusive(_RULE, "no request came")


def judged_agent(agent: str, languages: Collection[str] = ()) -> CheckResult:
    """Judge whether a user agent is one such as `OTel-OTLP-Exporter-Python/1.2.3`.

    The grammar of RFC 9110 lets the name take several products, the last one with the version, and
    allows others before and after: a distribution's, the sending library's. The language is that of
    the exporter, not of the SDK above it. No list of languages is complete: a name with a remaining
    word that may be one is inconclusive.

    Args:
        agent: The header.
        languages: Languages that SDKs report, in addition to the known ones.
    """
    told = f"User-Agent: {agent or '(none)'}"
    if not agent:
        return failed(_RULE, f"{told}; none is sent")
    products = _COMMENT.sub(" ", agent).split()
    if not products or not all(map(_PRODUCT.fullmatch, products)):
        return failed(_RULE, f"{told}; it is not a list of products, as NAME/1.2.3")
    names = list(_versioned_names(products))
    found = [_judged_name(name, told, languages) for name in names]
    if not found:
        return failed(_RULE, f"{told}; it tells no version, as NAME/1.2.3")
    order = ("passed", "inconclusive", "failed")
    return min(found, key=lambda each: order.index(each.outcome))


def _versioned_names(products: Iterable[str]) -> Iterator[str]:
    """Yield each name with a version, and the names before it that have none."""
    words: list[str] = []
    for product in products:
        name, _, version = product.partition("/")
        is_versioned = any(each.isdigit() for each in version)
        words.append(name if is_versioned else product)
        if is_versioned:
            yield " ".join(words)
            words = []


def _judged_name(name: str, told: str, languages: Collection[str]) -> CheckResult:
    if _LIBRARY.match(name) and not _EXPORTER.search(name):
        return failed(_RULE, f"{told}; it names the library that sends, not the exporter")
    small = name.lower()
    words = re.findall(r"[a-z+#.]+", small)
    known = {*_LANGUAGES, *(each.lower() for each in languages)}
    if any(each in words or (len(each) > _SHORT and each in small) for each in known):
        return passed(_RULE, told)
    others = [left for word in words if (left := _NO_LANGUAGE.sub("", word))]
    if others and (len(words) > 1 or others != words):
        may_be = " or ".join(repr(each) for each in others)
        return inconclusive(_RULE, f"{told}; {may_be} may be a language that is not known here")
    return failed(_RULE, f"{told}; it names no language")
