"""How the command introduces itself; judged from the observing run alone."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from otlptest.conformance.cases import ExporterCase
from otlptest.conformance.exporter_cases.readings import resources_of
from otlptest.conformance.exporter_lab import ExporterLab
from otlptest.conformance.verdicts import Judged, broken, held, not_observed

__all__ = ["CASES", "user_agent_fault"]

# As RFC 9110 has it: products, each a name that may have a version, and comments between them.
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PRODUCT: Final = re.compile(rf"({_WORD})(?:/({_WORD}))?")
_COMMENT: Final = re.compile(r"\([^()]*\)")
# What HTTP and gRPC libraries call themselves, where nobody tells them the exporter's name.
_LIBRARY: Final = re.compile(
    r"(grpc|go-http|python-|okhttp|java|apache-httpclient|node|undici|axios|tonic|reqwest"
    r"|hyper|aiohttp|httpx|urllib|curl|libcurl|guzzle|faraday|ruby|mint|finch|hackney|dart)[^ ]*",
    re.IGNORECASE,
)
_LANGUAGES: Final = (
    *("ada", "c#", "c++", "clojure", "cpp", "crystal", "d", "dart", "deno", "dotnet", ".net"),
    *("elixir", "erlang", "go", "golang", "haskell", "java", "javascript", "js", "julia"),
    *("kotlin", "lua", "nim", "node", "nodejs", "ocaml", "perl", "php", "python", "r", "ruby"),
    *("rust", "scala", "swift", "typescript", "webjs", "zig", "collector", "otelcol"),
)
_EXPORTER: Final = re.compile(r"otel|otlp|telemetry|exporter", re.IGNORECASE)
_SHORT: Final = 3  # shorter names of languages are parts of other words
# Names of one language, where `telemetry.sdk.language` may have another than the exporter.
_SAME: Final = (
    {"nodejs", "node", "js", "javascript", "webjs", "typescript"},
    {"cpp", "c++"},
    {"dotnet", ".net", "c#", "csharp"},
    {"go", "golang"},
    {"erlang", "elixir"},
)


def _judge(lab: ExporterLab) -> Iterator[Judged]:
    rule = "OTLP-CFG-057"
    requests = [each for each in lab.baseline.requests if each.signal in lab.signals]
    languages = {
        str(resource["telemetry.sdk.language"])
        for resource in resources_of(requests)
        if "telemetry.sdk.language" in resource
    }
    agents = sorted({each.headers.get("user-agent", "") for each in requests})
    for agent in agents:
        fault = user_agent_fault(agent, languages)
        told = f"User-Agent: {agent or '(none)'}"
        yield broken(rule, f"{told}; {fault}") if fault else held(rule, told)
    if not agents:
        yield not_observed(rule, "no request came")


def user_agent_fault(agent: str, languages: set[str]) -> str:
    """What a user agent lacks of `OTel-OTLP-Exporter-Python/1.2.3`; empty if nothing.

    The grammar of RFC 9110 lets the name take several products, the last one with the version, and
    lets others stand before and after: a distribution's, the library's that sends.

    Args:
        agent: The header.
        languages: What the SDK says that it is written in; empty if it says nothing.
    """
    if not agent:
        return "none is sent"
    products = _COMMENT.sub(" ", agent).split()
    if not products or not all(map(_PRODUCT.fullmatch, products)):
        return "it is no list of products, as NAME/1.2.3"
    found = [_name_fault(name, languages) for name in _versioned_names(products)]
    if not found:
        return "it tells no version, as NAME/1.2.3"
    return "" if "" in found else found[0]


def _versioned_names(products: Iterable[str]) -> Iterator[str]:
    """Each name that a version ends, with the names before it that have none."""
    words: list[str] = []
    for product in products:
        name, _, version = product.partition("/")
        is_versioned = any(each.isdigit() for each in version)
        words.append(name if is_versioned else product)
        if is_versioned:
            yield " ".join(words)
            words = []


def _name_fault(name: str, languages: set[str]) -> str:
    if _LIBRARY.match(name) and not _EXPORTER.search(name):
        return "it names the library that sends, not the exporter"
    return _language_fault(name.lower(), languages)


def _language_fault(name: str, languages: set[str]) -> str:
    wanted = {each for language in languages for each in _names_of(language.lower())}
    if wanted:
        is_named = any(each in name for each in wanted)
        return "" if is_named else f"it does not name the language, {', '.join(sorted(languages))}"
    words = set(re.findall(r"[a-z+#.]+", name))
    is_named = any(each in words or (len(each) > _SHORT and each in name) for each in _LANGUAGES)
    return "" if is_named else "it names no language"


def _names_of(language: str) -> set[str]:
    return next((names for names in _SAME if language in names), {language})


CASES: Final = (
    ExporterCase(
        id="user_agent/product",
        title="The User-Agent names the exporter, its language and version",
        requirements=("OTLP-CFG-057",),
        judge=_judge,
        expected_s=0.0,
        runs=0,
    ),
)
