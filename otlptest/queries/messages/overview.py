"""Everything that a view received, in a few lines: the report section of a failed test."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from otlptest.model import SIGNALS, Signal
from otlptest.queries.messages.arrival_report import counted
from otlptest.queries.messages.wording import show
from otlptest.queries.sources import ITEM_NOUNS, Arrivals, Recalling, Source
from otlptest.timing import Deadline

_NEWEST: Final = 10_000
_SHOWN_NAMES: Final = 12
_SHOWN_PROBLEMS: Final = 8


def overview(source: Source) -> str:
    """Return what `source` holds: requests, then each signal by service and name, then problems."""
    arrivals = source.arrivals()
    accepted = sum(1 for request in arrivals.requests if request.is_accepted)
    refused = len(arrivals.requests) - accepted
    head = f"{counted(len(arrivals.requests), 'request')}"
    head += f" ({refused:,} refused)" if refused else ""
    lines = [f"{head} over {counted(len(arrivals.connections), 'connection')}"]
    for signal in SIGNALS:
        lines += _of_signal(source, signal)
    lines += _planned(arrivals)
    lines += _problems(arrivals)
    left_over = leftovers_in_words(arrivals)
    if left_over:
        lines.append(f"left over from an earlier test, not counted: {left_over}")
    return "\n".join(lines)


def leftovers_in_words(arrivals: Arrivals) -> str:
    """Return `2 spans, 1 log record`: the leftovers of an earlier test; empty without any."""
    counts = ((signal, arrivals.leftovers.get(signal, 0)) for signal in SIGNALS)
    return ", ".join(counted(count, ITEM_NOUNS[signal]) for signal, count in counts if count)


def _of_signal(source: Source, signal: Signal) -> Iterator[str]:
    items, total = _newest(source, signal)
    if not total:
        return
    limited = f", the newest {len(items):,} are" if len(items) < total else ""
    yield f"{counted(total, ITEM_NOUNS[signal])}{limited}:"
    by_service: dict[str, Counter[str]] = {}
    for item in items:
        service, name = _service(item), _name(item)
        by_service.setdefault(service, Counter())[name] += 1
    for service, names in by_service.items():
        yield f"  {service}:"
        for name, count in names.most_common(_SHOWN_NAMES):
            yield f"    {count:>6,}  {name}"
        if len(names) > _SHOWN_NAMES:
            yield f"            and {counted(len(names) - _SHOWN_NAMES, 'other name')}"


def _newest(source: Source, signal: Signal) -> tuple[Sequence[Any], int]:
    if isinstance(source, Recalling):
        newest = source.newest(signal, _NEWEST)
        return newest.items, newest.total
    batch = source.fetch(signal, pushed_down={}, since=None, deadline=Deadline(5.0))
    items = list(batch.items)
    return items[-_NEWEST:], len(items)


def _service(item: Any) -> str:  # noqa: ANN401 -- span, point, record or profile
    service = getattr(item, "metric", item).service
    return service or "(no service.name)"


def _name(item: Any) -> str:  # noqa: ANN401 -- span, point, record or profile
    holder = getattr(item, "metric", item)
    for field in ("name", "event_name", "body"):
        value = getattr(holder, field, None)
        if value:
            return show(value)
    return "(no name)"


def _planned(arrivals: Arrivals) -> Iterator[str]:
    faults = Counter(r.reply_fault for r in arrivals.requests if r.reply_fault)
    if faults:
        yield "answered by planned faults:"
    for fault, count in faults.most_common(_SHOWN_PROBLEMS):
        yield f"  {count:>6,}  {fault}"
    if len(faults) > _SHOWN_PROBLEMS:
        yield f"          and {counted(len(faults) - _SHOWN_PROBLEMS, 'other fault')}"


def _problems(arrivals: Arrivals) -> Iterator[str]:
    problems = [r.problem for r in arrivals.requests if r.problem is not None]
    problems += [p for p in arrivals.problems if p not in problems]
    texts = Counter(f"{problem.kind}: {problem.message}" for problem in problems)
    if texts:
        yield f"{counted(texts.total(), 'problem')}:"
    for text, count in texts.most_common(_SHOWN_PROBLEMS):
        yield f"  {count:>6,}  {text}"
    if len(texts) > _SHOWN_PROBLEMS:
        yield f"          and {counted(len(texts) - _SHOWN_PROBLEMS, 'other problem')}"
