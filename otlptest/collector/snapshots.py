"""Views of parts of growing lists, without copies."""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, overload

T_co = TypeVar("T_co", covariant=True)


class Snapshot(Sequence[T_co], Generic[T_co]):
    """A part of a growing list, without a copy. Immutable and thread-safe.

    Attributes:
        offset: Token of the list's first item.
        start: Token of its own first item.
        stop: Token after its last item.
    """

    __slots__ = ("_items", "offset", "start", "stop")

    def __init__(self, items: Sequence[T_co], *, offset: int, start: int, stop: int) -> None:
        self._items = items
        self.offset = offset
        self.start = max(start, offset)
        self.stop = max(stop, self.start)

    def whole(self) -> "Snapshot[T_co]":
        """Return the same part, extended to the first item of the list."""
        return Snapshot(self._items, offset=self.offset, start=self.offset, stop=self.stop)

    def between(self, start: int, stop: int) -> "Snapshot[T_co]":
        """Return the items between two tokens, up to its own end."""
        return Snapshot(self._items, offset=self.offset, start=start, stop=min(stop, self.stop))

    def __len__(self) -> int:
        return self.stop - self.start

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        """Return an item, or a copy of several.

        Raises:
            IndexError: The item does not exist.
        """
        first = self.start - self.offset
        if isinstance(index, slice):
            return [self._items[first + each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"no item {index} among {len(self)}")
        return self._items[first + (index if index >= 0 else len(self) + index)]

    def __iter__(self) -> Iterator[T_co]:
        items, offset = self._items, self.offset
        for token in range(self.start, self.stop):
            yield items[token - offset]
