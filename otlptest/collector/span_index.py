"""The index over stored traces requests: finds spans that can match without decoding all.

The first query reads each request's span names once (upb, names only) and keeps one number per
span, the *name id*: 4 bytes for a span of 220. A name criterion is then judged once per distinct
name; of the remaining spans, those without the bytes that a match must have are dropped
(`otlptest.collector.prefilter`); a criterion on the resource is judged once per distinct resource.
Only the rest is parsed. The index grows as requests arrive.
"""

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from otlptest.collector.prefilter import BytePrefilter
from otlptest.model import Request
from otlptest.wire.otlp.envelopes import Envelope, envelopes, span_names

_FEW: Final = 4
ResourceTest = Callable[[bytes, str], bool]
"""A test that returns whether spans of a resource (its bytes and schema URL) can match."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One item that may match, still as bytes.

    Attributes:
        request: The request that brought it.
        envelope: Its resource and scope.
        item: The item's own bytes.
    """

    request: Request
    envelope: Envelope
    item: bytes


class SpanIndex:
    """Knows the name of each span of the accepted traces requests of one store. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_token = 0  # the first request that was not looked at
        self._ids: dict[bytes, int] = {}  # name -> its number
        self._requests: list[Request] = []
        self._tokens = array("Q")  # of each of these requests
        self._ends = array("Q")  # where the spans of each end in _names
        self._names = array("L" if array("L").itemsize == 4 else "I")  # noqa: PLR2004 -- bytes

    def grow(self, requests: Sequence[Request], first_token: int) -> None:
        """Take in new requests.

        Args:
            requests: All that the store holds, in order.
            first_token: Token of the first of them.
        """
        with self._lock:
            if first_token > self._next_token or (self._tokens and self._tokens[0] < first_token):
                self._forget(first_token)
            for place in range(self._next_token - first_token, len(requests)):
                request = requests[place]
                if request.signal == "traces" and request.is_accepted:
                    self._add(request, first_token + place)
                self._next_token = first_token + place + 1

    def _forget(self, first_token: int) -> None:
        """Drop requests that the store no longer holds."""
        self._next_token = first_token
        self._requests, self._tokens, self._ends = [], array("Q"), array("Q")
        self._names = array(self._names.typecode)
        self._ids = {}

    def _add(self, request: Request, token: int) -> None:
        ids = self._ids
        self._names.extend([ids.setdefault(name, len(ids)) for name in span_names(request.body)])
        self._requests.append(request)
        self._tokens.append(token)
        self._ends.append(len(self._names))

    def names_where(self, test: Callable[[str], bool]) -> frozenset[int]:
        """Return the numbers of the names that pass a test; invalid UTF-8 always does."""
        with self._lock:
            names = list(self._ids.items())
        return frozenset(number for name, number in names if _passes(name, test))

    def pieces(
        self,
        *,
        since: int,
        until: int,
        names: frozenset[int] | None,
        needles: BytePrefilter,
        resource_test: ResourceTest | None,
    ) -> Iterator[Piece]:
        """Yield spans that may match, oldest arrival first; never leave out a match.

        Args:
            since: Token of the first request to look at.
            until: Token after the last one.
            names: Numbers of the names to look at; None for all.
            needles: Bytes that a match must have.
            resource_test: Judges a resource; None lets all pass.
        """
        if names is not None and not names:
            return
        for request, start, end in self._requests_between(since, until):
            if names is None:
                places: Sequence[int] = range(end - start)
            else:
                numbers = self._names[start:end]
                places = [place for place, number in enumerate(numbers) if number in names]
            is_worth_it = len(places) * _FEW >= end - start  # else each span is looked at sooner
            if places and (not is_worth_it or needles.can_contain(request.body)):
                yield from _pieces_at(request, places, needles, resource_test)

    def _requests_between(self, since: int, until: int) -> Iterator[tuple[Request, int, int]]:
        with self._lock:
            requests, tokens, ends = self._requests, self._tokens, self._ends
            count = len(requests)
        for place in range(_first_at(tokens, since), count):
            if tokens[place] >= until:
                return
            yield requests[place], ends[place - 1] if place else 0, ends[place]


def _first_at(tokens: "array[int]", since: int) -> int:
    low, high = 0, len(tokens)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if tokens[middle] < since else (low, middle)
    return low


def _passes(name: bytes, test: Callable[[str], bool]) -> bool:
    try:
        return test(name.decode())
    except UnicodeDecodeError:
        return True


def _pieces_at(
    request: Request,
    places: Sequence[int],
    needles: BytePrefilter,
    resource_test: ResourceTest | None,
) -> Iterator[Piece]:
    """Yield the pieces at these places of a request, counted through all its scopes."""
    begin = 0
    left = iter(places)
    place = next(left, None)
    for envelope in envelopes(request.body):
        items = envelope.items
        end = begin + len(items)
        wanted = []
        while place is not None and place < end:
            wanted.append(place - begin)
            place = next(left, None)
        begin = end
        if not wanted:
            continue
        if resource_test is not None and not resource_test(
            envelope.resource, envelope.resource_schema_url
        ):
            continue
        for each in wanted:
            item = items[each]
            if needles.may_match(item):
                yield Piece(request, envelope, item)
        if place is None:
            return


def all_pieces(
    requests: Iterable[Request],
    needles: BytePrefilter,
    resource_test: ResourceTest | None,
) -> Iterator[Piece]:
    """Yield items of any requests (metrics, log records) that may match, without an index."""
    for request in requests:
        if not needles.can_contain(request.body):
            continue
        for envelope in envelopes(request.body):
            if resource_test is None or resource_test(
                envelope.resource, envelope.resource_schema_url
            ):
                for item in envelope.items:
                    if needles.may_match(item):
                        yield Piece(request, envelope, item)
