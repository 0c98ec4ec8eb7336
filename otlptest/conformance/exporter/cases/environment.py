"""Effects of the standard variables on the command: endpoints, headers, resource."""

from collections.abc import Iterator
from typing import Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCase, ExporterCases
from otlptest.conformance.exporter.lab import Changes, ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import (
    format_env,
    output_tail,
    resources_of,
    start_until_stable,
)
from otlptest.conformance.exporter.shared_runs import HEADERS
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.wire.otlp.signals import SIGNAL_NAMES

CASES: Final = ExporterCases()


_BASE_PATH: Final = "/otlptest/base"

# The entries of one variable, the plain one first: rule, entry, value on the wire.
_ENTRIES: Final = (
    ("OTLP-CFG-026", "x-otlptest-a=plain", "plain"),
    ("OTLP-CFG-027", "x-otlptest-b=x%20y%2Cz", "x y,z"),
    ("OTLP-CFG-028", "x-otlptest-c=dXNlcg==", "dXNlcg=="),
    ("OTLP-CFG-031", "x-otlptest-d=007", "007"),
)
_NAMES: Final = tuple(entry.partition("=")[0] for _, entry, _ in _ENTRIES)

_SERVICE: Final = "otlptest-by-service-name"
_OTHER_SERVICE: Final = "otlptest-by-resource-attributes"


def _at_path(path: str) -> Changes:
    def changes(fake: FakeCollector) -> dict[str, str | None]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{fake.http_endpoint}{path}"}

    return changes


@CASES.add(
    "environment/base_url",
    "A base URL with a path and with a slash at its end",
    ("OTLP-CFG-003", "OTLP-CFG-004", "OTLP-CFG-005"),
    protocols=HTTP_PROTOCOLS,
    runs=3,
)
def _judge_base_url(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that a base URL keeps its path, and a slash at its end is not doubled."""
    plain = start_until_stable(lab, _at_path(_BASE_PATH), is_wanted=_sends)
    slashed = start_until_stable(lab, _at_path(f"{_BASE_PATH}/"), is_wanted=_sends)
    bare = start_until_stable(lab, _at_path("/"), is_wanted=_sends)
    yield _paths("OTLP-CFG-003", lab, lab.baseline, "")
    yield _paths("OTLP-CFG-004", lab, bare(), "")
    for run in (plain, slashed):
        yield _paths("OTLP-CFG-005", lab, run(), _BASE_PATH)


def _sends(seen: Observation) -> bool:
    return bool(seen.requests)


def _paths(rule: str, lab: ExporterLab, seen: Observation, prefix: str) -> CheckResult:
    expected = {prefix + SIGNAL_NAMES[signal].http_path for signal in lab.signals}
    known = {prefix + names.http_path for names in SIGNAL_NAMES.values()}
    sent = {each.path for each in seen.requests}
    endpoint = seen.environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    told = f"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}\n{seen.describe()}"
    if sent - known:
        return failed(rule, f"expected {', '.join(sorted(expected))}", exchanges=told)
    if not sent >= expected:
        return failed(rule, f"nothing came to {', '.join(sorted(expected - sent))}", exchanges=told)
    return passed(rule, told)


def _judge_headers(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge all headers in one run; if none comes, each in its own run, the plain one first."""
    seen = _with_headers(lab, ",".join(entry for _, entry, _ in _ENTRIES))
    spoils = not any(name in each.headers for each in seen.requests for name in _NAMES)
    plain: CheckResult | None = None
    for rule, entry, value in _ENTRIES:
        if spoils and (plain is None or plain.outcome == "passed"):
            found = _judged_header(rule, entry, value, _with_headers(lab, entry))
        elif spoils:
            reason = "a plain header does not come either, which OTLP-CFG-026 judges"
            found = inconclusive(rule, f"{reason}. {format_env(seen, [HEADERS])}")
        else:
            found = _judged_header(rule, entry, value, seen)
        plain = plain or found
        yield found


def _with_headers(lab: ExporterLab, value: str) -> Observation:
    return start_until_stable(lab, {HEADERS: value}, is_wanted=_sends)()


def _judged_header(rule: str, entry: str, value: str, seen: Observation) -> CheckResult:
    what, name = format_env(seen, [HEADERS]), entry.partition("=")[0]
    received = [each.headers.get(name) for each in seen.requests]
    if not received:
        return failed(rule, f"{what}; nothing came any more: {output_tail(seen)}")
    if all(each == value for each in received):
        return passed(rule, f"{what}; each of {len(received)} requests had {name}: {value}")
    wrong = next(each for each in received if each != value)
    had = f"no {name}" if wrong is None else f"{name}: {wrong}"
    return failed(rule, f"{what}; expected {name}: {value}, a request had {had}")


@CASES.add(
    "environment/service_name",
    "OTEL_SERVICE_NAME beats service.name in OTEL_RESOURCE_ATTRIBUTES",
    ("OTLP-CFG-076",),
)
def _judge_service_name(lab: ExporterLab) -> Iterator[CheckResult]:
    seen = lab.run(
        {
            "OTEL_SERVICE_NAME": _SERVICE,
            "OTEL_RESOURCE_ATTRIBUTES": f"service.name={_OTHER_SERVICE}",
        }
    )
    names = sorted({resource.service or "" for resource in resources_of(seen.requests)})
    told = (
        f"OTEL_SERVICE_NAME={_SERVICE}, OTEL_RESOURCE_ATTRIBUTES=service.name={_OTHER_SERVICE}; "
        f"received service.name {', '.join(map(repr, names)) or '(nothing)'}"
    )
    if _OTHER_SERVICE in names:
        yield failed("OTLP-CFG-076", told)
    elif names == [_SERVICE]:
        yield passed("OTLP-CFG-076", told)
    else:
        yield inconclusive("OTLP-CFG-076", "the program names its service itself", exchanges=told)


@CASES.add(
    "environment/resource_attributes",
    "OTEL_RESOURCE_ATTRIBUTES: percent-decoded, values as strings",
    ("OTLP-CFG-077",),
)
def _judge_resource_attributes(lab: ExporterLab) -> Iterator[CheckResult]:
    value = "otlptest.a=b%2Cc%3Dd,otlptest.n=1"
    expected = {"otlptest.a": "b,c=d", "otlptest.n": "1"}
    seen = lab.run({"OTEL_RESOURCE_ATTRIBUTES": value})
    resources = resources_of(seen.requests)
    found = [
        {name: resource.get(name) for name in expected if name in resource}
        for resource in resources
    ]
    told = f"OTEL_RESOURCE_ATTRIBUTES={value}; received {found}"
    if not any(found):
        yield inconclusive(
            "OTLP-CFG-077", "the program builds its resource without it", exchanges=told
        )
    elif all(each == expected and _are_texts(each) for each in found):
        yield passed("OTLP-CFG-077", told)
    else:
        yield failed("OTLP-CFG-077", f"expected {expected}, as strings", exchanges=told)


def _are_texts(attributes: dict[str, object]) -> bool:
    return all(isinstance(value, str) for value in attributes.values())


CASES.append(
    ExporterCase(
        id="environment/headers",
        title="OTEL_EXPORTER_OTLP_HEADERS: sent, decoded, split at the first =",
        requirements=tuple(rule for rule, _, _ in _ENTRIES),
        judge=_judge_headers,
    )
)
