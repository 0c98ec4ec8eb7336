"""Attribute limits from the environment: what they cut, count, and leave alone.

Judged by comparing items of one name in two runs, with and without a limit. No
requirement says that the variables must be read: if no span shows that one is, the command does
not fail.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otlptest.conformance.case import COMMON_SIGNALS, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.named_items import NamedItems, named_items
from otlptest.conformance.exporter.shared_runs import slow_run
from otlptest.model import Attributes, LogRecord, Span
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_LENGTH: Final = 4
_LENGTH_LIMIT: Final = {
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": str(_LENGTH),
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": str(_LENGTH),
}
_COUNT_LIMIT: Final = {
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "1",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "1",
}
_OWN: Final = 2
_OWN_LIMIT: Final = {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": str(_OWN)}
_SHOWN: Final = 3
_SURROGATES_FROM: Final = 0x10000  # characters that some languages count as two


# Lengths.


@CASES.add(
    "attribute_limits/lengths",
    "A limit of the length of values: what is cut, and what is not",
    (
        "OTLP-COMMON-027",
        "OTLP-TRACE-041",
        "OTLP-LOG-030",
        "OTLP-LOG-026",
        "OTLP-COMMON-029",
        "OTLP-METRIC-059",
    ),
    signals=COMMON_SIGNALS,
)
def _judge_lengths(lab: ExporterLab) -> Iterator[CheckResult]:
    before, after = named_items(lab, lab.baseline), named_items(lab, lab.run(_LENGTH_LIMIT))
    told = ", ".join(f"{name}={value}" for name, value in _LENGTH_LIMIT.items())
    cut, faults = _compared(before.spans, after.spans)
    for rule in ("OTLP-COMMON-027", "OTLP-TRACE-041"):
        yield _judged(rule, f"{told}; spans", cut, faults)
    record_cut, record_faults = _compared(before.records, after.records)
    yield _judged("OTLP-LOG-030", f"{told}; log records", record_cut, record_faults)
    yield _judged_bodies(told, before, after, is_heeded=bool(record_cut))
    resource = _cut_strings(before.resources, after.resources)
    yield _exempt("OTLP-COMMON-029", f"{told}; resources", resource, is_heeded=bool(cut))
    points = _cut_strings(before.points, after.points)
    yield _exempt("OTLP-METRIC-059", f"{told}; data points", points, is_heeded=bool(cut))


def _compared(
    before: Mapping[str, Span] | Mapping[str, LogRecord],
    after: Mapping[str, Span] | Mapping[str, LogRecord],
) -> tuple[list[str], list[str]]:
    """Return the values that were cut, and those cut wrongly or not cut."""
    cut: list[str] = []
    faults: list[str] = []
    for name, item in after.items():
        first: Any = before.get(name)
        if first is None:
            continue
        # Not of events and links: no source says that the limit applies to them.
        for key in item.attributes.keys() & first.attributes.keys():
            path = f"{name}[{key!r}]"
            was_cut, fault = _of_value(first.attributes[key], item.attributes[key])
            if was_cut:
                cut.append(path)
            if fault:
                faults.append(f"{path}: {fault}")
        if item.dropped_attributes_count > first.dropped_attributes_count:
            faults.append(f"{name}: what was cut is counted as dropped")
    return cut, faults


def _of_value(old: Any, new: Any) -> tuple[bool, str]:  # noqa: ANN401 -- any value of an attribute
    """Return whether a value was cut, and its fault; a different value shows nothing."""
    if isinstance(old, bool | int | float) and isinstance(new, str):
        return False, f"{old!r} has become {new!r}"
    if isinstance(old, str | bytes) and isinstance(new, str | bytes):
        return _of_text(old, new)
    if isinstance(old, Attributes) and isinstance(new, Attributes):
        found = [_of_value(old[key], new[key]) for key in old if key in new]
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        found = [_of_value(one, other) for one, other in zip(old, new, strict=True)]
    else:
        return False, ""
    faults = [fault for _, fault in found if fault]
    return any(was_cut for was_cut, _ in found), faults[0] if faults else ""


def _of_text(old: str | bytes, new: str | bytes) -> tuple[bool, str]:
    if len(old) <= _LENGTH or _is_long_by_halves(old):
        return False, ""
    if new == old[:_LENGTH]:
        return True, ""
    if len(new) > _LENGTH and not _is_long_by_halves(new):
        return False, f"{new!r} is not cut"
    fault = _fault_of_cut(old, new)
    return bool(fault), fault


def _is_long_by_halves(value: str | bytes) -> bool:
    return isinstance(value, str) and any(ord(each) >= _SURROGATES_FROM for each in value)


def _fault_of_cut(old: str | bytes, new: str | bytes) -> str:
    """Return the fault of a cut by bytes: too short, if a character has several of them."""
    if isinstance(old, bytes) or isinstance(new, bytes):
        return ""
    wanted = old[:_LENGTH]
    is_shorter = len(new) < _LENGTH and wanted.startswith(new.rstrip("\ufffd"))
    return "" if wanted.isascii() or not is_shorter else f"{new!r} of {old!r}, not {wanted!r}"


def _judged_bodies(
    told: str, before: NamedItems, after: NamedItems, *, is_heeded: bool
) -> CheckResult:
    rule = "OTLP-LOG-026"
    long = [
        record.body
        for record in before.records.values()
        if isinstance(record.body, str) and len(record.body) > _LENGTH
    ]
    bodies = [record.body for record in after.records.values()]
    kept = [body for body in long if body in bodies]
    cut = [body for body in long if body not in bodies and body[:_LENGTH] in bodies]
    if cut:
        return failed(rule, f"{told}; the body {cut[0]!r} was cut")
    if not (is_heeded and kept):
        return inconclusive(
            rule, f"{told}; no attribute of a log record was cut beside a long body"
        )
    return passed(rule, f"{told}; attributes were cut, and {len(kept)} long bodies were not")


def _cut_strings(
    before: Mapping[str, list[Attributes]], after: Mapping[str, list[Attributes]]
) -> tuple[list[str], list[str]]:
    """Return long texts of exempt attributes that are still long, and those that were cut."""
    old, new = _texts(before), _texts(after)
    kept = [key for key, texts in new.items() for text in texts if len(text) > _LENGTH]
    cut = [
        key
        for key, texts in new.items()
        for text in texts - old.get(key, set())
        if any(text == each[:_LENGTH] for each in old.get(key, ()))
    ]
    return kept, cut


def _texts(named: Mapping[str, list[Attributes]]) -> dict[str, set[str]]:
    """Return the texts under each key, of all items."""
    found: dict[str, set[str]] = {}
    for attributes in (each for several in named.values() for each in several):
        for key, value in attributes.items():
            if isinstance(value, str):
                found.setdefault(key, set()).add(value)
    return found


def _exempt(
    rule: str, told: str, found: tuple[list[str], list[str]], *, is_heeded: bool
) -> CheckResult:
    kept, cut = found
    if cut:
        return failed(rule, f"{told}: {', '.join(sorted(set(cut))[:_SHOWN])} was cut")
    if not (is_heeded and kept):
        return inconclusive(rule, f"{told}: no limit is seen to be heeded, or nothing is long")
    return passed(rule, f"{told}: {len(kept)} longer values are whole, those of spans were cut")


def _judged(rule: str, told: str, cut: list[str], faults: list[str]) -> CheckResult:
    if not cut:
        return inconclusive(rule, f"{told}: no value was cut; the variable need not be read")
    if faults:
        return failed(rule, "\n".join([f"{told}: {len(cut)} values were cut", *faults[:_SHOWN]]))
    return passed(rule, f"{told}: {len(cut)} values were cut, the first is {cut[0]}")


# Counts.


@CASES.add(
    "attribute_limits/counts",
    "A limit of the number of attributes: what is dropped, counted, and exempt",
    (
        "OTLP-COMMON-028",
        "OTLP-TRACE-039",
        "OTLP-LOG-028",
        "OTLP-LOG-029",
        "OTLP-COMMON-029",
        "OTLP-METRIC-059",
        "OTLP-COMMON-030",
    ),
    signals=COMMON_SIGNALS,
    runs=2,
)
def _judge_counts(lab: ExporterLab) -> Iterator[CheckResult]:
    before, again = named_items(lab, lab.baseline), named_items(lab, slow_run(lab))
    after = named_items(lab, lab.run(_COUNT_LIMIT))
    told = ", ".join(f"{name}={value}" for name, value in _COUNT_LIMIT.items())
    counts = _counts(before.spans, again.spans, after.spans)
    yield _judged_number("OTLP-COMMON-028", f"{told}; spans", counts)
    yield _judged_dropped("OTLP-TRACE-039", f"{told}; spans", counts)
    record_counts = _counts(before.records, again.records, after.records)
    yield _judged_number("OTLP-LOG-028", f"{told}; log records", record_counts)
    yield _judged_dropped("OTLP-LOG-029", f"{told}; log records", record_counts)
    is_heeded = any(each.is_limited for each in counts)
    for rule, old, new in (
        ("OTLP-COMMON-029", before.resources, after.resources),
        ("OTLP-METRIC-059", before.points, after.points),
    ):
        yield _exempt_from_count(rule, told, old, new, is_heeded=is_heeded)
    yield _own_limit(lab, before, is_heeded=is_heeded)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """The attribute counts of an item: equal in two runs without a limit, and in one with it."""

    name: str
    full: int
    left: int
    dropped: int

    @property
    def is_limited(self) -> bool:
        """Return whether some are gone."""
        return self.left < self.full

    def __str__(self) -> str:
        """Return the count as evidence."""
        return f"{self.name}: {self.left} of {self.full} attributes, {self.dropped} dropped"


def _counts(
    before: Mapping[str, Any], again: Mapping[str, Any], after: Mapping[str, Any]
) -> list[_Count]:
    """Return counts of items with several attributes, equal in both runs without a limit."""
    return [
        _Count(
            name=name,
            full=len(before[name].attributes),
            left=len(item.attributes),
            dropped=item.dropped_attributes_count,
        )
        for name, item in after.items()
        if name in before
        and name in again
        and len(before[name].attributes) == len(again[name].attributes) > 1
        and not before[name].dropped_attributes_count
    ]


def _judged_number(rule: str, told: str, counts: list[_Count]) -> CheckResult:
    limited = [each for each in counts if each.is_limited]
    wrong = [each for each in counts if each.left != 1]
    if not limited:
        return inconclusive(rule, f"{told}: nothing was dropped; the variable need not be read")
    if wrong:
        return failed(rule, "\n".join([f"{told}: expected 1 attribute", *_lines(wrong)]))
    return passed(rule, "\n".join([told, *_lines(limited)]))


def _judged_dropped(rule: str, told: str, counts: list[_Count]) -> CheckResult:
    """Judge dropped counts, which may exceed the missing: an attribute may be set twice in vain."""
    limited = [each for each in counts if each.is_limited]
    wrong = [each for each in limited if each.left + each.dropped < each.full]
    if not limited:
        return inconclusive(rule, f"{told}: nothing was dropped; the variable need not be read")
    if wrong:
        return failed(rule, "\n".join([f"{told}: too few are counted", *_lines(wrong)]))
    exact = [each for each in limited if each.left + each.dropped == each.full]
    if not exact:
        return inconclusive(rule, "\n".join([told, *_lines(limited)]))
    return passed(rule, "\n".join([told, *_lines(exact)]))


def _lines(counts: list[_Count]) -> list[str]:
    return [str(each) for each in counts[:_SHOWN]]


def _exempt_from_count(
    rule: str,
    told: str,
    before: Mapping[str, list[Attributes]],
    after: Mapping[str, list[Attributes]],
    *,
    is_heeded: bool,
) -> CheckResult:
    """Judge the one with the most attributes, of each metric or of all resources."""
    full = {name: max(map(len, several)) for name, several in before.items() if several}
    left = {name: max(map(len, several)) for name, several in after.items() if several}
    several = [name for name in left if full.get(name, 0) > 1]
    short = [name for name in several if left[name] == 1]
    if short and is_heeded:
        shown = [f"{name or 'resource'}: 1 of {full[name]} attributes" for name in short[:_SHOWN]]
        return failed(rule, "\n".join([told, *shown]))
    if not (several and is_heeded):
        return inconclusive(rule, f"{told}: no limit is seen to be heeded, or there are too few")
    shown = [f"{name or 'resource'}: {left[name]} attributes" for name in several[:_SHOWN]]
    return passed(rule, "\n".join([f"{told}; those of spans were dropped", *shown]))


def _own_limit(lab: ExporterLab, before: NamedItems, *, is_heeded: bool) -> CheckResult:
    """Judge that the limit of spans takes precedence over the general one, if both are read."""
    rule = "OTLP-COMMON-030"
    if not is_heeded:
        return inconclusive(rule, "the general limit is not heeded, and need not be")
    seen = named_items(lab, lab.run({**_COUNT_LIMIT, **_OWN_LIMIT}))
    told = ", ".join(f"{name}={value}" for name, value in {**_COUNT_LIMIT, **_OWN_LIMIT}.items())
    if _most(before, seen) == _OWN:
        return passed(rule, f"{told}; spans have {_most(before, seen)} attributes")
    alone = named_items(lab, lab.run(_OWN_LIMIT))
    if _most(before, seen) == 1 and _most(before, alone) == _OWN:
        return failed(rule, f"{told}; spans have 1 attribute; with the own limit alone they have 2")
    return inconclusive(rule, f"{told}; the own limit is not heeded, and need not be")


def _most(before: NamedItems, seen: NamedItems) -> int:
    """Return the most attributes of a span that has more than the limits without them."""
    return max(
        (
            len(span.attributes)
            for name, span in seen.spans.items()
            if name in before.spans and len(before.spans[name].attributes) > _OWN
        ),
        default=0,
    )
