"""The activity of each producer, updated request by request, for evidence and messages."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from otlptest.model import Producer, Request, Signal
from otlptest.queries.sources import ProducerActivity


@dataclass(slots=True)
class _Record:
    """The known facts about one producer so far."""

    signals: dict[Signal, int] = field(default_factory=dict)
    last_tokens: dict[Signal, int] = field(default_factory=dict)
    connections: set[int] = field(default_factory=set)
    user_agents: set[str] = field(default_factory=set)


class ProducerRecords:
    """The producers of a growing list of requests. Thread-safe.

    Args:
        producers_of: Returns the producers of the telemetry in a request.
        next_token: Position of the first request to take in.
    """

    def __init__(
        self, producers_of: Callable[[Request], Iterable[Producer]], next_token: int
    ) -> None:
        self._lock = threading.Lock()
        self._producers_of = producers_of
        self._next_token = next_token
        self._records: dict[Producer, _Record] = {}

    def take(self, requests: Iterable[tuple[int, Request]]) -> None:
        """Take in requests with their tokens; skip the known ones."""
        with self._lock:
            for token, request in requests:
                if token >= self._next_token:
                    self._next_token = token + 1
                    self._add(token, request)

    @property
    def next_token(self) -> int:
        """Return the position of the first request that was not taken in."""
        return self._next_token

    def _add(self, token: int, request: Request) -> None:
        signal = request.signal
        if signal is None or not request.is_accepted:
            return
        for producer in self._producers_of(request):
            record = self._records.setdefault(producer, _Record())
            record.signals[signal] = record.signals.get(signal, 0) + 1
            record.last_tokens[signal] = token
            record.connections.add(request.connection.number)
            record.user_agents.update(
                {request.headers["user-agent"]} if "user-agent" in request.headers else ()
            )

    def activities(self) -> Sequence[ProducerActivity]:
        """Return what each producer has sent so far, in order of its first request."""
        with self._lock:
            return tuple(
                ProducerActivity(
                    producer=producer,
                    signals=dict(record.signals),
                    last_tokens=dict(record.last_tokens),
                    connections=frozenset(record.connections),
                    user_agents=frozenset(record.user_agents),
                )
                for producer, record in self._records.items()
            )
