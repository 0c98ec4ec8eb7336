"""The reply faults that one view has planned: `reply`, `replying`, and their findings."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, TypeAlias, TypedDict, Unpack

from otlptest.errors import Finding
from otlptest.faults import ReplyFault
from otlptest.faults.reply_rules import ReplyRule, ReplyRules
from otlptest.model import Request, Signal

WhichSignal: TypeAlias = Signal | Literal["any"] | None
"""A signal; `"any"` for all, or None, which means the same where nothing is counted."""

Where: TypeAlias = Callable[[Request], object] | None
"""A predicate of the requests to answer; called in the receiver's thread, once for each."""


class ReplyOptions(TypedDict):
    """Options of planned faults; `CollectorView.reply` describes them."""

    times: int | None
    signal: WhichSignal
    where: Where
    rate: float | None
    seed: int


class ViewFaults:
    """The plans of one view. Thread-safe.

    Args:
        script: All plans of the collector.
        belongs: Returns whether a request belongs to the view; None: every one does.
    """

    def __init__(
        self, script: ReplyRules, belongs: Callable[[Request], bool] | None = None
    ) -> None:
        self._script = script
        self._belongs = belongs
        self._lock = threading.Lock()
        self._plans: list[ReplyRule] = []

    def add(self, faults: tuple[ReplyFault, ...], **options: Unpack[ReplyOptions]) -> None:
        """Plan faults from the next request on.

        Raises:
            UsageError: The arguments do not fit together.
            UnknownNameError: The signal does not exist.
        """
        self._begin(ReplyRule(faults, belongs=self._belongs, **options))

    def during(
        self, faults: tuple[ReplyFault, ...], **options: Unpack[ReplyOptions]
    ) -> AbstractContextManager[None]:
        """Plan faults from the beginning of a block to its end, before all others.

        Raises:
            UsageError: The arguments do not fit together.
            UnknownNameError: The signal does not exist.
        """
        return self._block(ReplyRule(faults, belongs=self._belongs, is_scoped=True, **options))

    @contextmanager
    def _block(self, plan: ReplyRule) -> Iterator[None]:
        self._begin(plan)
        try:
            yield
        finally:
            self._script.remove(plan)

    def _begin(self, plan: ReplyRule) -> None:
        with self._lock:
            self._plans.append(plan)
        self._script.add(plan)

    def findings(self) -> tuple[Finding, ...]:
        """Return planned faults that have not fired, and predicates that raised."""
        with self._lock:
            plans = tuple(self._plans)
        return tuple(finding for plan in plans for finding in plan.findings())

    def end(self) -> None:
        """End all plans; what fired, and what did not, stays known."""
        with self._lock:
            plans = tuple(self._plans)
        self._script.remove(*plans)
