"""Telemetry that a source missed or set aside, and that may hold a wanted item.

Each piece is a gap of any evidence (see `judging`): a request that was refused, cut or
taken away by a planned fault, telemetry under unknown keys, a program that had no chance
to flush, an item that may belong to this test or an earlier one.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from otlptest.errors import UsageError, WireError
from otlptest.model import Connection, Problem, Producer, Request, Signal
from otlptest.queries.evidence.planned_losses import never_received
from otlptest.queries.messages.nearest_miss import item_name
from otlptest.queries.sources import Arrivals, Kind, ProducerActivity, SettingAside, Source
from otlptest.wire.otlp.mistaken_signals import mistake, mistaken_for
from otlptest.wire.otlp.otlp_protobuf import decode_request
from otlptest.wire.otlp.signals import SIGNAL_NAMES

_SHOWN: Final = 3


class Unseen:
    """Telemetry that a source missed, and that may hold a match of one query.

    Args:
        source: The receiving source.
        kind: The kind of wanted items.
        could_match: Returns whether the criteria allow items of a producer.
    """

    def __init__(self, source: Source, kind: Kind, could_match: Callable[[Producer], bool]) -> None:
        self._arrivals: Arrivals = source.arrivals()
        self._activities: Sequence[ProducerActivity] = source.producers()
        self._kind = kind
        self._could_match = could_match

    def clauses(self, exited_owners: Collection[str]) -> Iterator[str]:
        """Return each missed thing, as a clause.

        Args:
            exited_owners: Programs whose ending the evidence itself has judged.
        """
        requests = self._arrivals.requests
        for request in requests:
            if self._may_hold(request.connection, self._held_signal(request)):
                yield from self._not_read(request)
        for request in never_received(requests):
            if self._may_hold(request.connection, request.signal):
                yield not_received(request)
        known = {id(request.problem) for request in requests}
        for problem in self._arrivals.problems:
            if id(problem) not in known and self._may_hold(problem.connection, None):
                yield lost_problem(problem)
        for lost in self._arrivals.lost:
            yield f"{lost}: what it held is unknown"
        for owner, end in self._arrivals.abrupt_ends.items():
            if owner not in exited_owners and self._may_match(
                [each.producer for each in self._activities if each.producer.owner == owner]
            ):
                yield f"{end}: it may have held telemetry back"

    def _not_read(self, request: Request) -> Iterator[str]:
        problem = request.problem
        if problem is not None and self._kind != "requests" and not request.is_probe:
            yield refused_request(request, problem)
        if request.unread_keys:
            keys = ", ".join(request.unread_keys)
            yield (
                f"request {request.number} has telemetry under keys that OTLP does not have"
                f" ({keys}): it was not read"
            )

    def _held_signal(self, request: Request) -> Signal | None:
        """Return the signal of an unread body: the path's, unless the body is of another."""
        signal, kind, problem = request.signal, self._kind, request.problem
        if signal is None or kind == "requests":
            return signal
        if problem is not None:
            is_asked = problem.message == mistake(signal, kind) or _reads_as(kind, request)
        else:
            is_asked = any(
                key.startswith(SIGNAL_NAMES[kind].json_key) for key in request.unread_keys
            )
        return kind if is_asked else signal

    def _may_hold(self, connection: Connection | None, signal: Signal | None) -> bool:
        """Return whether a connection may hold a match, judged by everything on it."""
        if signal is not None and self._kind not in {"requests", signal}:
            return False
        if connection is None:
            return True
        owner, number = connection.owner, connection.number
        return self._may_match(
            [
                each.producer
                for each in self._activities
                if number in each.connections or (owner and owner == each.producer.owner)
            ]
        )

    def _may_match(self, senders: Collection[Producer]) -> bool:
        """Return whether one of these senders could match; True if none is known."""
        return not senders or any(map(self._could_match, senders))


def set_aside(source: Source, kind: Kind, selects: Callable[[Any], bool]) -> Iterator[str]:
    """Return the matches that were set aside but may be of this test, as clauses."""
    if not isinstance(source, SettingAside):
        return
    found = [each for each in source.set_aside(kind) if selects(each.item)]
    for each in found[:_SHOWN]:
        name = item_name(each.item)
        yield f"{name} matches and was set aside as an earlier test's, but {each.reason}"
    if len(found) > _SHOWN:
        yield f"{len(found) - _SHOWN:,} more that match were set aside like it"


def _reads_as(signal: Signal, request: Request) -> bool:
    """Return whether a refused body, invalid for its path's signal, is valid for another."""
    try:
        message = decode_request(signal, request.body, protocol=request.protocol or "grpc")
    except (UsageError, WireError):
        return False
    return message.ByteSize() > 0 and mistaken_for(signal, message, request.body) is None


def refused_request(request: Request, problem: Problem) -> str:
    """Return a clause about a refused invalid request."""
    return (
        f"request {request.number} was refused ({problem.kind}: {problem.message}):"
        " what it held is unknown"
    )


def lost_problem(problem: Problem) -> str:
    """Return a clause about something that was not even a request."""
    return f"{problem.kind}: {problem.message}: what was lost is unknown"


def not_received(request: Request) -> str:
    """Return a clause about a request that a planned fault refused."""
    return (
        f"request {request.number} was answered by {request.reply_fault} and did not come again:"
        " what it held is not received"
    )
