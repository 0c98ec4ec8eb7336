"""OTLP's JSON, judged on the text as sent: a lenient reader would hide most faults."""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.readings import own_requests
from otlptest.model import Problem, Request
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.wire.otlp.json_rules import TextLook, look_at_text

CASES: Final = ExporterCases()


_KEYS: Final = "OTLP-JSON-012"
_ENUM_NAMES: Final = "OTLP-JSON-009"
_STRICT_JSON: Final = "OTLP-JSON-024"
_UTF8: Final = "OTLP-JSON-035"
_NO_INTEGER: Final = frozenset({"OTLP-JSON-019", "OTLP-JSON-020"})
_INTEGER_32: Final = "OTLP-JSON-021"
_INTEGER_64: Final = "OTLP-JSON-016"
_ZEROS: Final = ("OTLP-JSON-030", "OTLP-JSON-031")
_FIELDS_OF_32_BITS: Final = re.compile(r"(?:dropped\w+Count|flags|scale|offset)$")

# The values that each rule could fail on, as evidence names them.
_LOOKED_AT: Final = {
    "OTLP-JSON-003": "traceId of a span",
    "OTLP-JSON-004": "spanId of a span",
    "OTLP-JSON-005": "parentSpanId, or id of a link, log record or exemplar",
    "OTLP-JSON-008": "enum field",
    _ENUM_NAMES: "enum field",
    _KEYS: "key of several words",
    _INTEGER_64: "64-bit integer that is not a time",
    _INTEGER_32: "32-bit integer",
    "OTLP-JSON-023": "time",
    _STRICT_JSON: "double",
    "OTLP-JSON-026": "bytes that are no id",
    "OTLP-JSON-030": "oneof member at its zero value",
    "OTLP-JSON-031": "sum, min or max of 0",
}

_VALUE_OF_A_POINT: Final = re.compile(rb'"as(Int|Double)"\s*:')
_INDEX: Final = re.compile(r"\[[0-9]+\]")

_Fault: TypeAlias = tuple[str, str, str]  # rule, path, problem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """The findings about the texts of a run.

    Attributes:
        faults: By rule, places and problems.
        seen: By rule, the number of values it could fail on.
        unknown_keys: Paths of keys that may belong to a newer OTLP.
        strange_keys: The same plus misspelt keys: a missing value may be there.
        has_values: Whether any number point has its value.
        count: The number of texts.
    """

    faults: dict[str, list[str]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    unknown_keys: set[str] = field(default_factory=set)
    strange_keys: set[str] = field(default_factory=set)
    has_values: bool = False
    count: int = 0


@CASES.add(
    "json/encoding",
    "JSON bodies: ids in hex, numbers, enums, keys, zeros",
    tuple(_LOOKED_AT),
    protocols=("http/json",),
    expected_s=0.0,
    runs=0,
)
def _judge_texts(lab: ExporterLab) -> Iterator[CheckResult]:
    texts = _texts_of(own_requests(lab, lab.baseline))
    for rule, looked_at in _LOOKED_AT.items():
        if rule == _KEYS and texts.unknown_keys and not texts.faults.get(rule):
            keys = ", ".join(sorted(texts.unknown_keys))
            yield inconclusive(rule, f"keys that this otlptest does not know: {keys}")
        elif rule in _ZEROS:
            yield _judged_zeros(rule, looked_at, texts)
        else:
            yield _judged(rule, looked_at, texts)


def _judged_zeros(rule: str, looked_at: str, texts: _Texts) -> CheckResult:
    """Judge the omission of zeros, unless there is another reason for it."""
    found = _judged(rule, looked_at, texts)
    if found.outcome == "failed" and rule == _ZEROS[0] and not texts.has_values:
        reason = "no point has its value, zero or not, which OTLP-METRIC-013 judges"
        return inconclusive(rule, f"{reason}\n{found.evidence}")
    keys = [each for each in texts.strange_keys if rule == _ZEROS[0] or "istogram." in each]
    if found.outcome == "inconclusive" and keys:
        told = f"{found.evidence}; what is missed may stand under {', '.join(sorted(keys))}"
        return inconclusive(rule, told)
    return found


def _judged(rule: str, looked_at: str, texts: _Texts) -> CheckResult:
    faults = texts.faults.get(rule, [])
    if faults:
        return failed(rule, "\n".join(faults[:3]))
    count = texts.seen[rule]
    told = f"{looked_at}: {count} in {texts.count} JSON texts"
    return passed(rule, told) if count else inconclusive(rule, told)


def _texts_of(requests: Iterable[Request]) -> _Texts:
    faults: dict[str, list[str]] = {}
    seen: Counter[str] = Counter()
    unknown: set[str] = set()
    strange: set[str] = set()
    count, has_values = 0, False
    for request in requests:
        if request.signal is None or request.packed_json is None:
            continue
        count += 1
        text = zlib.decompress(request.packed_json)
        look = look_at_text(request.signal, text)
        has_values |= _VALUE_OF_A_POINT.search(text) is not None
        seen.update(look.seen)
        unknown.update(look.unknown_keys)
        strange.update(_INDEX.sub("[]", path) for rule, path, _ in look.faults if rule == _KEYS)
        found = _faults_of(look) or _fault_of_refused(request.problem)
        for rule, path, problem in found:
            told = f"request {request.number}: {path}: {problem}" if path else problem
            for broken_rule in _rules_of(rule, is_json=look.is_json):
                faults.setdefault(broken_rule, []).append(told)
    return _Texts(
        faults=faults,
        seen=seen,
        unknown_keys=unknown,
        strange_keys=strange,
        has_values=has_values,
        count=count,
    )


def _faults_of(look: TextLook) -> list[_Fault]:
    """Return the faults without keys that may belong to a newer OTLP."""
    return [
        (rule, path, problem)
        for rule, path, problem in look.faults
        if rule != _KEYS or not _is_unknown(path, look.unknown_keys)
    ]


def _fault_of_refused(refused: Problem | None) -> list[_Fault]:
    """Return the fault of a text that no reader takes: a bad integer, or a bad structure.

    A value where the message's mapping has something else counts as one under a wrong key.
    """
    if refused is None or refused.kind != "malformed":
        return []
    rule = _KEYS
    if refused.rule in _NO_INTEGER:
        is_32 = _FIELDS_OF_32_BITS.search(refused.place) is not None
        rule = _INTEGER_32 if is_32 else _INTEGER_64
    return [(rule, refused.place, refused.message)]


def _is_unknown(path: str, unknown: Iterable[str]) -> bool:
    return _INDEX.sub("[]", path) in set(unknown)


def _rules_of(rule: str, *, is_json: bool) -> tuple[str, ...]:
    """Return the rules for senders that a fault breaks.

    A name is not an integer, either. Text that no strict parser takes breaks the rule that demands
    valid JSON, or the one about UTF-8.
    """
    if not is_json:
        return (_UTF8,) if rule == _UTF8 else (_STRICT_JSON,)
    return (rule, "OTLP-JSON-008") if rule == _ENUM_NAMES else (rule,)
