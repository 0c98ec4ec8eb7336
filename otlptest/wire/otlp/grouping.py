"""Model items back into requests: one envelope per resource, one scope entry per scope in it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from otlptest.errors import UsageError
from otlptest.model import Resource, Scope, Signal
from otlptest.wire.otlp.otlp_values import resource_into_message, scope_into_message
from otlptest.wire.otlp.signals import SIGNAL_NAMES


class Belongs(Protocol):
    """An item that has a resource and a scope."""

    @property
    def resource(self) -> Resource:
        """The producer's resource."""
        ...

    @property
    def scope(self) -> Scope:
        """The instrumentation scope of the item."""
        ...


class ScopeEntries:
    """The scope entries of a request that is being built, made when first asked for."""

    def __init__(self, signal: Signal, request: Any) -> None:  # noqa: ANN401 -- any signal's request message
        self._names = SIGNAL_NAMES[signal]
        self._request = request
        self._by_identity: dict[tuple[int, int], Any] = {}
        self._resources: dict[Any, Any] = {}
        self._scopes: dict[Any, Any] = {}
        self._kept: list[object] = []  # an id() is good only while its object lives

    def of(self, resource: Resource, scope: Scope) -> Any:  # noqa: ANN401 -- any signal's scope entry
        """Return the entry for items of `resource` and `scope`.

        Raises:
            UsageError: An attribute of them has no OTLP form.
        """
        identity = (id(resource), id(scope))
        entry = self._by_identity.get(identity)
        if entry is None:
            entry = self._by_identity[identity] = self._entry(resource, scope)
            self._kept += [resource, scope]
        return entry

    def items(self, items: Iterable[Belongs]) -> Iterator[tuple[Any, Any]]:
        """Yield each item with a new message in the entry that it belongs to."""
        for item in items:
            entry = self.of(item.resource, item.scope)
            yield item, getattr(entry, self._names.item_field).add()

    def _entry(self, resource: Resource, scope: Scope) -> Any:  # noqa: ANN401 -- any signal's scope entry
        resource_key = (resource, resource.schema_url, resource.dropped_attributes_count)
        envelope = self._resources.get(resource_key)
        if envelope is None:
            envelope = getattr(self._request, self._names.field).add()
            envelope.schema_url = resource.schema_url
            envelope.resource.SetInParent()
            resource_into_message(resource, envelope.resource)
            self._resources[resource_key] = envelope
        scope_key = (resource_key, scope)
        entry = self._scopes.get(scope_key)
        if entry is None:
            entry = getattr(envelope, self._names.scope_field).add()
            entry.schema_url = scope.schema_url
            entry.scope.SetInParent()
            scope_into_message(scope, entry.scope)
            self._scopes[scope_key] = entry
        return entry


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turn protobuf's refusal of a value into an error of ours.

    Raises:
        UsageError: A field got a value out of its range or of another type.
    """
    try:
        yield
    except (ValueError, TypeError) as refused:
        raise UsageError(f"{what} cannot be written as OTLP: {refused}") from refused


def written_id(text: str | None) -> bytes:
    """Return the bytes of a hex id; empty for None and `""`.

    Raises:
        UsageError: `text` is not hex.
    """
    if not text:
        return b""
    try:
        return bytes.fromhex(text)
    except ValueError as bad:
        raise UsageError(f"{text!r} is not an id", "an id is written in hex digits") from bad
