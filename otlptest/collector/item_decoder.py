"""The items in stored requests, decoded when a query asks for them.

A store has one `StoredItemDecoder`, which its views share: what the first query learns (the span
index, resources and scopes) serves them all.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from otlptest.collector.prefilter import prefilter_of
from otlptest.collector.snapshots import Snapshot
from otlptest.collector.span_index import Piece, ResourceTest, SpanIndex, all_pieces
from otlptest.model import Producer, Request, Resource, Signal
from otlptest.queries.criteria.matching import equals
from otlptest.queries.messages.wording import ABSENT
from otlptest.wire.otlp.envelopes import item_count, resources_of
from otlptest.wire.otlp.item_reading import ItemReader

_SPAN_HEADS: Final[tuple[tuple[str, Callable[[Any], object]], ...]] = (
    ("kind", lambda message: message.kind),
    ("status", lambda message: message.status.code),
)


class StoredItemDecoder:
    """Decodes what a store holds. Thread-safe."""

    def __init__(self) -> None:
        self._index = SpanIndex()
        self._reader = ItemReader()
        self._lock = threading.Lock()
        self._outside_parents: frozenset[bytes] = frozenset()

    def add_outside_parent(self, span_id: str) -> None:
        """Note a span id that otlptest invented: the span below it is a root."""
        with self._lock:
            self._outside_parents |= {bytes.fromhex(span_id)}

    def items(
        self, signal: Signal, requests: Snapshot[Request], pushed_down: Mapping[str, object]
    ) -> Iterator[Any]:
        """Yield the items of a signal that may match, oldest arrival first; metrics as data points.

        Decodes as it goes.

        Args:
            signal: Which requests to look into.
            requests: The requests to search: all that the store holds, or the last of them.
            pushed_down: Criteria that may be used to leave out what cannot match.
        """
        if signal == "traces":
            return self._spans(requests, pushed_down)
        accepted = (r for r in requests if r.signal == signal and r.is_accepted)
        if signal == "profiles":
            return (profile for r in accepted for profile in self._reader.profiles(r))
        pieces = all_pieces(accepted, prefilter_of(pushed_down), self._resource_test(pushed_down))
        if signal == "logs":
            return (self._reader.log(p.item, p.envelope, p.request) for p in pieces)
        return (
            point for p in pieces for point in self._reader.points(p.item, p.envelope, p.request)
        )

    def _spans(
        self, requests: Snapshot[Request], pushed_down: Mapping[str, object]
    ) -> Iterator[Any]:
        self._index.grow(requests.whole(), requests.offset)
        names = None
        if "name" in pushed_down:
            wanted = pushed_down["name"]
            names = self._index.names_where(lambda name: equals(wanted, name))
        pieces = self._index.pieces(
            since=requests.start,
            until=requests.stop,
            names=names,
            needles=prefilter_of(pushed_down),
            resource_test=self._resource_test(pushed_down),
        )
        heads = [(read, pushed_down[name]) for name, read in _SPAN_HEADS if name in pushed_down]
        return self._read_spans(pieces, heads)

    def _read_spans(
        self, pieces: Iterator[Piece], heads: Sequence[tuple[Callable[[Any], object], object]]
    ) -> Iterator[Any]:
        reader = self._reader
        for piece in pieces:
            message = reader.span_message(piece.item)
            if all(equals(wanted, read(message)) for read, wanted in heads):
                yield reader.span(message, piece.envelope, piece.request, self._outside_parents)

    def _resource_test(self, pushed_down: Mapping[str, object]) -> ResourceTest | None:
        """Return a test of a resource by the resource criteria; each resource is judged once."""
        service, wanted = pushed_down.get("service"), pushed_down.get("resource")
        if service is None and not isinstance(wanted, Mapping):
            return None
        known: dict[tuple[bytes, str], bool] = {}

        def passes(resource: Resource) -> bool:
            name = ABSENT if resource.service is None else resource.service
            if service is not None and not equals(service, name):
                return False
            return not isinstance(wanted, Mapping) or all(
                equals(value, resource.get(key, ABSENT)) for key, value in wanted.items()
            )

        def test(data: bytes, schema_url: str) -> bool:
            key = (data, schema_url)
            if key not in known:
                known[key] = passes(self._reader.resource(data, schema_url))
            return known[key]

        return test

    def count(self, signal: Signal, request: Request) -> int:
        """Return how many items a request has; data points for metrics."""
        if signal == "metrics":
            return self._reader.point_count(request)
        if signal == "profiles":
            return len(self._reader.profiles(request))
        return item_count(request.body)

    def producers_of(self, request: Request) -> tuple[Producer, ...]:
        """Return the producers in an accepted request, each once; empty for a refused one."""
        if not request.is_accepted or request.signal is None:
            return ()
        if request.signal == "profiles":
            resources = [profile.resource for profile in self._reader.profiles(request)]
        else:
            read = self._reader.resource
            resources = [read(data, url) for data, url in resources_of(request.body)]
        owner = request.connection.owner
        return tuple(dict.fromkeys(Producer(owner=owner, resource=each) for each in resources))
