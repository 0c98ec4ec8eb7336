"""The pass over all requests: every payload by itself, then rules across several.

Decodes each request again from its bytes: duplicate keys, and the member of a oneof that was sent,
are lost in `otlptest.model`.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final, NamedTuple

from otlptest.errors import Finding, UsageError, WireError
from otlptest.model import Request, Signal
from otlptest.validation.attributes import check_resource, check_scope
from otlptest.validation.finding_builder import Context, Message, Notes
from otlptest.validation.json_texts import text_findings
from otlptest.validation.leftovers import ForeignItems, drop_leftovers, nothing_foreign
from otlptest.validation.log_records import check_log_record
from otlptest.validation.metrics import check_metric
from otlptest.validation.profiles import check_profiles_request
from otlptest.validation.series import AllSeries
from otlptest.validation.span_ids import SpanIds
from otlptest.validation.spans import check_span
from otlptest.wire.otlp.otlp_protobuf import decode_request
from otlptest.wire.otlp.signals import SIGNAL_NAMES


class _Pass:
    """One validation of a set of requests."""

    def __init__(self, foreign_items: ForeignItems) -> None:
        self._foreign_items = foreign_items
        self.notes = Notes()
        self.span_ids = SpanIds()
        self.series = AllSeries()

    def message(self, signal: Signal, request: Request) -> Message | None:
        """Return the part of a request that is judged; None if nothing can be.

        Raises:
            WireError: The body is not that message.
        """
        message = decoded_message(signal, request)
        is_foreign = self._foreign_items(request)
        if message is None or is_foreign is None:
            return message
        return message if drop_leftovers(signal, message, is_foreign) else None

    def check(self, signal: Signal, request: Request, message: Message) -> None:
        """Check the message of one request."""
        if signal == "profiles":
            self._check_profiles(request, message)
            return
        walk, names = _WALKS[signal], SIGNAL_NAMES[signal]
        for holder in getattr(message, names.field):
            context = Context(request, holder.resource)
            check_resource(self.notes, context, holder)
            producer = producer_of(context)
            for scope in getattr(holder, names.scope_field):
                check_scope(self.notes, context, scope)
                walk(self, context, producer, scope)

    def spans(self, context: Context, producer: object, scope: Message) -> None:
        """Check the spans of one scope."""
        notes, ids = self.notes, self.span_ids
        number = ids.number_of(producer)
        for span in scope.spans:
            check_span(notes, context, span)
            ids.meet(number, span)

    def metrics(self, context: Context, producer: object, scope: Message) -> None:
        """Check the metrics of one scope."""
        owner = (producer, scope.schema_url, identity_of(scope.scope))
        for metric in scope.metrics:
            check_metric(self.notes, context, metric)
            self.series.add(self.notes, context, owner, metric)

    def log_records(self, context: Context, _producer: object, scope: Message) -> None:
        """Check the log records of one scope."""
        for number, record in enumerate(scope.log_records, start=1):
            check_log_record(self.notes, context, record, number)

    def finish(self, trace_requests: Iterable[Request]) -> None:
        """Check rules across several payloads."""
        self.series.check(self.notes)
        if self.span_ids.has_repeats:
            for request in trace_requests:
                with suppress(WireError):  # reported by the first pass
                    self._check_repeated_spans(request, self.message("traces", request))

    def _check_repeated_spans(self, request: Request, message: Message) -> None:
        for holder in message.resource_spans:
            context = Context(request, holder.resource)
            number = self.span_ids.number_of(producer_of(context))
            for scope in holder.scope_spans:
                for span in scope.spans:
                    self.span_ids.check(self.notes, context, number, span)

    def _check_profiles(self, request: Request, message: Message) -> None:
        strings = tuple(message.dictionary.string_table)
        for holder in message.resource_profiles:
            context = Context(request, holder.resource, strings)
            check_resource(self.notes, context, holder)
            for scope in holder.scope_profiles:
                check_scope(self.notes, context, scope)
        check_profiles_request(self.notes, Context(request, None, strings), message)


_WALKS: Final[Mapping[Signal, Callable[[_Pass, Context, object, Message], None]]] = (
    MappingProxyType({"traces": _Pass.spans, "metrics": _Pass.metrics, "logs": _Pass.log_records})
)


class DataFindings(NamedTuple):
    """The findings of a pass.

    Attributes:
        undecoded: Accepted requests that are not a message of their signal after all.
        lost: Keys of JSON texts that had items under them which no reader gets.
        broken: Every broken data rule, folded, and every other broken rule of a JSON text.
    """

    undecoded: tuple[Finding, ...]
    lost: tuple[Finding, ...]
    broken: tuple[Finding, ...]


def data_findings(
    requests: Iterable[Request], foreign_items: ForeignItems = nothing_foreign
) -> DataFindings:
    """Check all requests; refused ones, and those without a signal, are passed over.

    Of a request with items of an earlier test, only the others are checked, and not its JSON text.
    """
    received = [
        (request.signal, request)
        for request in requests
        if request.signal is not None and request.problem is None
    ]
    walk = _Pass(foreign_items)
    undecoded: list[Finding] = []
    for signal, request in received:
        try:
            message = walk.message(signal, request)
        except WireError as refused:
            undecoded.append(_undecoded(request, refused))
            continue
        if message is not None:
            walk.check(signal, request, message)
    walk.finish(request for signal, request in received if signal == "traces")
    texts = text_findings(each for each in received if foreign_items(each[1]) is None)
    return DataFindings(tuple(undecoded), texts.lost, (*walk.notes.findings(), *texts.broken))


def decoded_message(signal: Signal, request: Request) -> Message | None:
    """Return the message; None if the installed protobuf classes do not have the signal.

    Raises:
        WireError: The body is not that message.
    """
    try:
        return decode_request(signal, request.body, protocol=request.protocol or "http/protobuf")
    except UsageError:
        return None  # a receiver that can read no profiles has said so


def _undecoded(request: Request, refused: WireError) -> Finding:
    where = f"request {request.number}"
    return Finding(
        rule=refused.rule,
        where=f"{where}: {refused.place}" if refused.place else where,
        expected="a well-formed OTLP request",
        received=refused.problem,
    )


def producer_of(context: Context) -> object:
    """Return a key for the producer: a process, and a resource."""
    return (context.request.connection.owner, identity_of(context.resource))


def identity_of(message: Message) -> object:
    """Return a key for a resource or a scope that ignores the order of its attributes."""
    attributes = frozenset(kv.SerializePartialToString() for kv in message.attributes)
    return (attributes, getattr(message, "name", ""), getattr(message, "version", ""))
