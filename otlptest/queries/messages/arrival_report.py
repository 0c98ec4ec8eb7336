"""The arrivals, for the message of a query that found nothing.

`nothing_of_kind` serves when not one item of the kind came: it reports, from the connections, the
requests and the problems, how far the telemetry got.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otlptest.model import SIGNALS, Connection, Problem, Request
from otlptest.queries.criteria.criteria import Vocabulary
from otlptest.queries.evidence.circumstances import circumstances
from otlptest.queries.evidence.planned_losses import planned_losses
from otlptest.queries.messages.wording import listed, show
from otlptest.queries.sources import ITEM_NOUNS, Arrivals, Kind, Source

_SHOWN: Final = 5
_HINTS_SHOWN: Final = 3

_HINTS: Final[Mapping[str, str]] = {
    "wrong_path": "OTLP/HTTP has /v1/traces, /v1/metrics, /v1/logs; with"
    " OTEL_EXPORTER_OTLP_ENDPOINT the SDK adds them, with OTEL_EXPORTER_OTLP_TRACES_ENDPOINT not",
    "wrong_content_type": "OTLP/HTTP sends application/x-protobuf or application/json",
    "wrong_method": "OTLP/HTTP sends POST",
    "wrong_port": "protocol and port do not fit: grpc_endpoint takes gRPC, http_endpoint HTTP;"
    " environ(protocol) sets both",
    "tls_mismatch": "one side speaks TLS and the other does not: http:// or https:// in the"
    " endpoint, OTEL_EXPORTER_OTLP_INSECURE, FakeCollector(tls=True)",
    "malformed": "the sender does not write OTLP of this signal; the finding at the end of the"
    " test tells the place",
    "bad_compression": "the body is not what its encoding header says",
    "unknown_encoding": "use gzip, deflate, zstd or no compression",
    "too_large": "send smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)",
    "cut_request": "the sender ended in the middle of a request: shut its SDK down before it exits",
    "too_slow": "the sender stopped in the middle of a request",
    "protocol_error": "what was sent is not HTTP or gRPC: is something between, e.g. a proxy?",
}
_PREFLIGHT: Final = (
    "the page's browser sends nothing until its origin is allowed: FakeCollector(cors_origins=[…]),"
    " otlptest serve --cors-origin ORIGIN"
)
_NO_CONNECTION: Final = (
    "does the program get the endpoint (otlp.environ(), OTEL_EXPORTER_OTLP_ENDPOINT), does it"
    " still run, is its SDK on, and was it flushed (force_flush)?"
)
_NOTED: Final = "what should have come here may have gone where the last lines say"
_NO_REQUEST: Final = (
    "it connected and sent nothing yet: flush the SDK (force_flush), or wait longer than its batch"
    " delay (OTEL_BSP_SCHEDULE_DELAY)"
)
_OTHER_SIGNALS: Final[Mapping[str, str]] = {
    "traces": "is the exporter on (OTEL_TRACES_EXPORTER=otlp), the trace sampled, and were its"
    " spans ended and flushed (force_flush)?",
    "metrics": "is the exporter on (OTEL_METRICS_EXPORTER=otlp), and its interval short enough"
    " (OTEL_METRIC_EXPORT_INTERVAL)?",
    "logs": "is the exporter on (OTEL_LOGS_EXPORTER=otlp), and the log handler installed?",
    "profiles": "does the SDK export profiles? Most do not yet",
}
CLOCK_HINT: Final = (
    "if it is of this test, the clock of its sender is the reason: otlp.new_trace() headers for the"
    " call, or otlp_process for the program, say whose it is, whatever the clock says"
)
_LEFTOVERS: Final = (
    "what arrived belongs to an earlier test, which ended before its telemetry came: end it with"
    " evidence or stop its processes"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The rows of a finding about arrivals."""

    received: str
    closest: str = ""
    hint: str = ""


def counted(count: int, noun: str, nouns: str = "") -> str:
    """Return `1 request`, `1,024 requests`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def shown_requests(kind: Kind, vocabulary: Vocabulary, total: int, source: Source) -> str:
    """Return `14 spans in 2 requests over grpc`."""
    if kind == "requests":
        return vocabulary.counted(total)
    noun = "data point" if kind == "metrics" else "span" if kind == "traces" else vocabulary.noun
    requests = [r for r in source.arrivals().requests if r.signal == kind and r.is_accepted]
    text = counted(total, noun)
    if not requests:
        return text
    protocols = sorted({request.protocol or "an unknown protocol" for request in requests})
    return f"{text} in {counted(len(requests), 'request')} over {listed(protocols)}"


def what_arrived(items: Iterable[Any], vocabulary: Vocabulary) -> str:
    """Return services and names with counts: nothing was close to the query."""
    by_service: dict[str, Counter[str]] = {}
    for item in items:
        service, name = _service_and_name(item)
        by_service.setdefault(service, Counter())[name] += 1
    lines = [f"nothing close; the {vocabulary.nouns} received:"]
    ordered = sorted(by_service.items(), key=lambda each: -each[1].total())
    for service, names in ordered[:_SHOWN]:
        shown = [f"{name} ({count:,})" for name, count in names.most_common(_SHOWN)]
        rest = len(names) - len(shown)
        more = f" and {counted(rest, 'other name')}" if rest else ""
        lines.append(f"{service}: {', '.join(shown)}{more}")
    if len(ordered) > _SHOWN:
        lines.append(f"and {counted(len(ordered) - _SHOWN, 'other service')}")
    return "\n".join(lines)


def _service_and_name(item: Any) -> tuple[str, str]:  # noqa: ANN401 -- any kind of item
    if isinstance(item, Request):
        return item.protocol or "unknown protocol", f"{item.method} {item.path}"
    metric = getattr(item, "metric", item)
    service = metric.service
    name = getattr(metric, "name", None) or getattr(item, "event_name", None)
    if name is None or name == "":
        name = getattr(item, "body", None) or getattr(item, "profile_id", None) or ""
    return f"service {show(service)}" if service else "no service.name", show(name)


def nothing_of_kind(kind: Kind, vocabulary: Vocabulary, source: Source) -> Report:
    """Return how far the telemetry got, if not one item of the kind arrived."""
    arrivals = source.arrivals()
    facts: list[str] = []
    sure: list[str] = []
    hints: list[str] = []
    _add_refusals(arrivals, facts, sure)
    _add_unread(kind, arrivals, facts, sure)
    _add_accepted(kind, vocabulary, arrivals, facts, hints)
    _add_leftovers(arrivals, facts, hints)
    _add_connections(arrivals, facts, hints)
    if not (facts or arrivals.requests):
        facts.append("no connection was opened")
        hints.append(_NOTED if arrivals.notes else _NO_CONNECTION)
    _add_circumstances(kind, source, arrivals, facts, sure)
    noun = "data points" if kind == "metrics" else "spans" if kind == "traces" else vocabulary.nouns
    received = f"no {noun}"
    lines = [received, *facts, *arrivals.notes]
    return Report(received="\n".join(lines), hint=_joined(sure) or "".join(hints[:1]))


def _joined(hints: Sequence[str]) -> str:
    return "\n".join(list(dict.fromkeys(hints))[:_HINTS_SHOWN])


def losses(kind: Kind, source: Source) -> Report:
    """Return refused and prevented telemetry: the missing items may have been in it."""
    facts: list[str] = []
    hints: list[str] = []
    arrivals = source.arrivals()
    _add_refusals(arrivals, facts, [])
    _add_unread(kind, arrivals, facts, hints)
    _add_circumstances(kind, source, arrivals, facts, hints)
    return Report(received="\n".join([*facts, *arrivals.notes]), hint=_joined(hints))


def _add_refusals(arrivals: Arrivals, facts: list[str], hints: list[str]) -> None:
    refused = [(r.problem, r) for r in arrivals.requests if r.problem is not None]
    found: list[tuple[Problem, Request | None]] = [*refused]
    known = {id(problem) for problem, _ in refused}
    found += [(problem, None) for problem in arrivals.problems if id(problem) not in known]
    texts: Counter[tuple[str, str, str]] = Counter()
    for problem, request in found:
        about = f" ({request.method} {request.path})" if request is not None else ""
        excuse = f"made by {problem.planned_by} of this test" if problem.planned_by else ""
        excuse = "a probe, which holds no telemetry" if request and request.is_probe else excuse
        kind = "preflight" if request and request.is_preflight else problem.kind
        texts[kind, excuse, f"{problem.message}{about}"] += 1
    for (kind, excuse, text), count in texts.most_common(_SHOWN):
        times = f" {count:,} times" if count > 1 else ""
        facts.append(f"refused{times} ({kind}{f', {excuse}' if excuse else ''}): {text}")
        hint = _PREFLIGHT if kind == "preflight" else _HINTS.get(kind)
        hints += [hint] if hint and not excuse else []
    if len(texts) > _SHOWN:
        facts.append(f"and {counted(len(texts) - _SHOWN, 'other problem')}")


def _add_circumstances(
    kind: Kind, source: Source, arrivals: Arrivals, facts: list[str], hints: list[str]
) -> None:
    """Add the actions of the test, and those that took telemetry away."""
    now = source.clock.monotonic()
    for each in (*planned_losses(arrivals.requests, kind, now), *circumstances(source, kind)):
        facts.append(each.fact)
        hints += [each.hint] if each.hint else []


def _add_unread(kind: Kind, arrivals: Arrivals, facts: list[str], hints: list[str]) -> None:
    """Add the unread keys of JSON requests that may hold telemetry."""
    requests = [r for r in arrivals.requests if r.is_accepted and r.unread_keys]
    requests = [r for r in requests if kind in {"requests", r.signal}]
    if not requests:
        return
    keys = list(dict.fromkeys(key for request in requests for key in request.unread_keys))
    shown = listed(keys[:_SHOWN])
    facts.append(f"not read in {counted(len(requests), 'request')}: what stands under {shown}")
    hints.append(f"the JSON has {keys[0]}: a reader of OTLP ignores keys that it does not know")


def _add_accepted(
    kind: Kind, vocabulary: Vocabulary, arrivals: Arrivals, facts: list[str], hints: list[str]
) -> None:
    if kind == "requests":
        return
    counts = Counter(r.signal for r in arrivals.requests if r.is_accepted)
    if counts[kind]:
        facts.append(f"{counted(counts[kind], 'request')} of {kind} without {vocabulary.nouns}")
        hints.append(f"the sender exports, but no {vocabulary.nouns}")
    others = [s for s in SIGNALS if s != kind and counts[s]]
    if others:
        shown = listed([f"{counted(counts[s], 'request')} of {s}" for s in others])
        facts.append(f"only other signals: {shown}")
        hints.append(_OTHER_SIGNALS[kind])


def _add_leftovers(arrivals: Arrivals, facts: list[str], hints: list[str]) -> None:
    late = {kind: count for kind, count in arrivals.leftovers.items() if count}
    if late:
        shown = listed([counted(count, ITEM_NOUNS[kind]) for kind, count in late.items()])
        facts.append(f"left over from an earlier test: {shown}")
        facts += [f"one of them: {doubt}" for doubt in arrivals.doubts]
        hints.append(CLOCK_HINT if arrivals.doubts else _LEFTOVERS)


def _add_connections(arrivals: Arrivals, facts: list[str], hints: list[str]) -> None:
    silent = [c for c in arrivals.connections if not c.requests]
    told = {id(problem.connection) for problem in arrivals.problems}
    silent = [c for c in silent if id(c) not in told]
    if not silent:
        return
    facts.append(f"{counted(len(silent), 'connection')} without a request{_spoken(silent)}")
    faults = sorted({c.wire_fault for c in silent if c.wire_fault})
    hints.append(f"{listed(faults)} of this test acted on it" if faults else _NO_REQUEST)


def _spoken(connections: Sequence[Connection]) -> str:
    shown = sorted({c.protocol or "nothing said" for c in connections})
    return f" ({listed(shown)})"
