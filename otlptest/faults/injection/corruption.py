"""Changes to bytes on their way."""

import random
from collections.abc import Callable

from otlptest.faults.injection.injections import Injection


class Corruption:
    """The effect of `corrupt` faults on one direction of one connection. Not thread-safe.

    Args:
        take: Fires a fault if it may fire.
        identity: Distinguishes it from other connections: the same seed changes each differently.
    """

    def __init__(self, take: Callable[[Injection], bool], identity: str) -> None:
        self._take = take
        self._identity = identity
        self._begun: dict[Injection, tuple[int, random.Random]] = {}
        self._passed = 0

    @property
    def is_under_way(self) -> bool:
        """Return whether further bytes will be changed."""
        return any(left for left, _ in self._begun.values())

    def skip(self, size: int) -> None:
        """Note that `size` bytes passed unchanged."""
        self._passed += size

    def forget_ended(self) -> None:
        """Forget faults whose scope is over."""
        self._begun = {i: state for i, state in self._begun.items() if not i.is_ended}

    def applied(
        self, injections: list[tuple[Injection, int]], data: bytes | memoryview
    ) -> bytes | memoryview:
        """Return `data` with the changes of the faults.

        Args:
            injections: The faults of this direction, each with the position of its first byte.
            data: The next bytes.
        """
        for injection, position in injections:
            data = self._changed(injection, position, data)
        self._passed += len(data)
        return data

    def _randomness(self, seed: int) -> random.Random:
        return random.Random(f"{seed} {self._identity}")  # noqa: S311 -- must be repeatable

    def _changed(
        self, injection: Injection, position: int, data: bytes | memoryview
    ) -> bytes | memoryview:
        fault = injection.fault
        if injection in self._begun:
            left, randomness = self._begun[injection]
            start = 0
        else:
            start = max(0, position - self._passed)
            if start >= len(data) or not self._take(injection):
                return data
            left, randomness = fault.count, self._randomness(fault.seed)
        end = min(start + left, len(data))
        changed = bytearray(data)
        for at in range(start, end):
            changed[at] ^= randomness.randrange(1, 256)
        self._begun[injection] = left - (end - start), randomness
        return bytes(changed)
