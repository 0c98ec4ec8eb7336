"""Doubts whether a producer's exports arrived in the order in which they were made.

A fence rests on order: one exporter per signal, one export at a time, so that what ended before
the fence item was exported, or dropped, before it (TSDK: `Export` is never called concurrently,
OTLP-CFG-070). Anything that breaks that order, or hides the content of an export, is a doubt.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from otlptest.model import Connection, Problem, Producer, Request, Signal
from otlptest.queries.evidence.planned_losses import never_received
from otlptest.queries.evidence.unseen import lost_problem, not_received, refused_request
from otlptest.queries.sources import ProducerActivity

ProducersOf = Callable[[Request], Collection[Producer]]
"""A function that returns the producers in an accepted request."""

_LONGEST_EXPORT_S: Final = 25.0
# Beyond this an SDK may have given up (the default timeout of a batch processor is 30 s) and
# started the next batch while this one was still on its way.


def export_doubts(
    requests: Sequence[Request], producers_of: ProducersOf, producer: Producer, signal: Signal
) -> Iterator[str]:
    """Return doubts from the timing of one producer's accepted exports of one signal.

    Args:
        requests: All requests of the view, in order of arrival.
        producers_of: Returns the producers in a request.
        producer: The producer of the exports.
        signal: The signal of the exports.
    """
    exports = sorted(
        (
            r
            for r in requests
            if r.signal == signal and r.is_accepted and producer in producers_of(r)
        ),
        key=lambda request: request.started_at,
    )
    for request in exports:
        if request.replied_at is None:
            yield f"request {request.number} ({signal}) of {producer} was never answered"
        elif request.replied_at - request.started_at > _LONGEST_EXPORT_S:
            taken = request.replied_at - request.started_at
            yield f"request {request.number} ({signal}) of {producer} took {taken:.0f} s"
    for earlier, later in pairwise(exports):
        if earlier.replied_at is None or later.started_at < earlier.replied_at:
            yield (
                f"requests {earlier.number} and {later.number} ({signal}) of {producer} overlapped:"
                " its exports have no order"
            )


def rejected_request_gaps(
    requests: Sequence[Request],
    problems: Sequence[Problem],
    producers_of: ProducersOf,
    producer: Producer,
) -> Iterator[str]:
    """Return doubts from failed requests that may have come from the producer.

    A failed request does not name its producer. It counts as the producer's if it came through
    the ports of the producer's process, over a connection that carried the producer's telemetry,
    or, if nothing is known of the connection, from outside any process of the test.
    """
    connections = _connections_of(requests, producers_of, producer)
    others = _connections_of_others(requests, producers_of, producer)

    def is_its_own(connection: Connection | None) -> bool:
        if connection is None:
            return True
        if connection.owner is not None or producer.owner is not None:
            return connection.owner == producer.owner
        return connection.number in connections or connection.number not in others

    for request in requests:
        if request.problem is not None and is_its_own(request.connection):
            yield refused_request(request, request.problem)
    for request in never_received(requests):
        if is_its_own(request.connection):
            yield not_received(request)
    for problem in problems:
        if is_its_own(problem.connection):
            yield lost_problem(problem)


def forwarder_gaps(
    activity: ProducerActivity, requests: Iterable[Request], producers_of: ProducersOf
) -> Iterator[str]:
    """Return doubts because the sender is a forwarder: its queue has many consumers."""
    producer = activity.producer
    agents = [agent for agent in sorted(activity.user_agents) if "collector" in agent.lower()]
    if agents:
        yield f"{producer} was sent by a forwarder ({agents[0]}): its queue keeps no order"
        return
    for request in requests:
        if request.is_accepted:
            carried = producers_of(request)
            if producer in carried and len(carried) > 1:
                yield (
                    f"request {request.number} carries {len(carried)} resources, {producer} among"
                    " them: its sender may be a forwarder, whose queue keeps no order"
                )
                return


def _connections_of(
    requests: Iterable[Request], producers_of: ProducersOf, producer: Producer
) -> set[int]:
    return {r.connection.number for r in requests if r.is_accepted and producer in producers_of(r)}


def _connections_of_others(
    requests: Iterable[Request], producers_of: ProducersOf, producer: Producer
) -> set[int]:
    return {
        r.connection.number
        for r in requests
        if r.is_accepted and any(p != producer for p in producers_of(r))
    }
