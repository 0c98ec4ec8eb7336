"""Shutdown: it flushes what was emitted, and a dead endpoint does not delay it."""

import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from otlptest.conformance.case import COMMON_SIGNALS, ExporterCases
from otlptest.conformance.exporter.command_lab import TIMERS
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import items_of
from otlptest.conformance.exporter.readings import has_connection, output_tail, whole_run
from otlptest.conformance.exporter.shared_runs import MANY_EXPORTS
from otlptest.model import LogRecord, Signal, Span
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


# None of these timers ever fires: only a flush or the shutdown sends anything.
_NO_TIMER: Final = dict.fromkeys(TIMERS, "600000")
_SHOWN: Final = 5
_LONGEST_NAME: Final = 100
_FOR_EVER_S: Final = 100.0  # the catalogue says 60 s; three signals of 30 s are not a fault

_Emitted: TypeAlias = Mapping[str, int]
"""Counts of each kind of item, by name."""


@CASES.add(
    "lifecycle/shutdown_flush",
    "Timers that never fire: the shutdown sends what was emitted",
    ("OTLP-CFG-071",),
    runs=2,
)
def _judge_flush(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that the shutdown sends what arrives in runs whose batches go out at once."""
    rule = "OTLP-CFG-071"
    signals = _signals(lab)
    at_once = lab.start(MANY_EXPORTS, signals=signals)
    seen = lab.run(_NO_TIMER, signals=signals)
    emitted = _more(_emitted(lab, lab.baseline), _emitted(lab, at_once.result()))
    missing = _less(_emitted(lab, seen), emitted)
    if not emitted:
        yield inconclusive(
            rule, "nothing that was emitted could be read", exchanges=seen.describe()
        )
        return
    if not missing:
        total = sum(_emitted(lab, seen).values())
        yield passed(
            rule, f"all timers at 600 s; {total} items came all the same", exchanges=seen.describe()
        )
        return
    # One unlucky run, or a program that emits other items each time, must not fail.
    again = lab.start(MANY_EXPORTS, signals=signals)
    second = lab.run(_NO_TIMER, signals=signals)
    steady = _same(emitted, _emitted(lab, again.result()))
    lost = _less(_more(_emitted(lab, seen), _emitted(lab, second)), steady)
    if lost and not (seen.ended_well and second.ended_well):
        yield inconclusive(rule, f"with all timers at 600 s: {output_tail(second)}")
    elif lost:
        shown = ", ".join(f"{name} ({count})" for name, count in sorted(lost.items())[:_SHOWN])
        told = f"with all timers at 600 s, in two runs, these did not come: {shown}"
        why = "they come when batches are sent at once; a command must shut its SDK down"
        yield failed(rule, f"{told}; {why}\n{whole_run(second)}")
    else:
        yield inconclusive(rule, "the command does not emit the same in each run")


def _signals(lab: ExporterLab) -> tuple[Signal, ...]:
    """Return all common signals, unless some were not asked for: a signal may be lost entirely."""
    came = {each.signal for each in lab.baseline.requests if each.protocol == lab.protocol}
    return lab.signals if came - set(lab.signals) else COMMON_SIGNALS


def _emitted(lab: ExporterLab, seen: Observation) -> _Emitted:
    """Return spans and log records by name and number; of metrics, whether any came.

    A metric by itself may be missing: its callback may be gone before the last collection.
    """
    items: dict[tuple[object, ...], str] = {}
    for request in seen.requests:
        if request.protocol == lab.protocol and request.signal in COMMON_SIGNALS:
            for item in items_of(request) if request.is_accepted else ():
                identity, name = _identity(item)
                items[identity] = name
    return Counter(items.values())


def _identity(item: object) -> tuple[tuple[object, ...], str]:
    """Return what identifies an item, so that a resend counts once, and its name."""
    if isinstance(item, Span):
        return (item.trace_id, item.span_id), f"span {item.name!r}"
    if isinstance(item, LogRecord):
        body = repr(_ordered(item.body))[:_LONGEST_NAME]
        times = (item.time_unix_nano, item.observed_time_unix_nano)
        return (*times, item.span_id, repr(item.attributes), body), f"log record {body}"
    return ("metrics",), "metrics"


def _ordered(value: object) -> object:
    """Return the value with the keys of each map in order."""
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_ordered(each) for each in value]
    return value


def _more(first: _Emitted, second: _Emitted) -> _Emitted:
    return {name: max(first.get(name, 0), second.get(name, 0)) for name in {*first, *second}}


def _less(came: _Emitted, emitted: _Emitted) -> _Emitted:
    """Return the missing items, and how often each is missing."""
    return {
        name: count - came.get(name, 0)
        for name, count in emitted.items()
        if came.get(name, 0) < count
    }


def _same(first: _Emitted, second: _Emitted) -> _Emitted:
    """Return what is emitted in both runs: its count if equal, else 1."""
    return {
        name: count if second[name] == count else 1
        for name, count in first.items()
        if second.get(name, 0)
    }


@CASES.add(
    "lifecycle/dead_endpoint",
    "An endpoint that never answers: the shutdown ends all the same",
    ("OTLP-CFG-074",),
    expected_s=30.0,
)
def _judge_dead_endpoint(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge an endpoint that takes connections and never answers; any end passes."""
    rule = "OTLP-CFG-074"
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        changes = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        # One signal if the command can be limited to it: some shut down one after the other.
        seen = lab.run(changes, signals=lab.signals[:1], timeout_s=_FOR_EVER_S)
        is_tried = has_connection(silent)
    told = f"an endpoint that never answers; {seen.describe_end()}"
    if not is_tried:
        yield inconclusive(rule, f"the command did not connect to it; {seen.describe_end()}")
    elif seen.has_timed_out:
        yield failed(rule, f"{told}\n{output_tail(seen)}")
    else:
        yield passed(rule, told)
