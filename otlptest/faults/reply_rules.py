"""The choice of the planned fault for a request: by signal, predicate, order, count and chance.

A *plan* is one call of `reply`: one fault or a sequence of them, and its requests. A *script* is
all plans of one collector. If several plans are for a request, the first of these answers it:
those of a `replying` block, the innermost block first; those with `times`, the oldest first; those
without, the newest first.
"""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from otlptest.errors import Finding, UnknownNameError, UsageError
from otlptest.faults.arguments import checked_count
from otlptest.faults.reply_faults import ReplyFault
from otlptest.faults.wire_faults import WireFault
from otlptest.model import SIGNALS, Request

_ANY: Final = "any"
_PLAN_HINT: Final = 'signal="traces", or signal="any" if you mean it'


class ReplyRule:
    """One call of `reply`: faults, and the requests that they are for.

    Without `times` the last fault answers every further request; with `times` the whole sequence
    is played that often, and then requests are answered as usual.

    Args:
        faults: In the order in which they fire.
        times: How often the sequence is played; None: without end.
        signal: The signal of the requests, or `"any"`.
        where: A predicate of the requests.
        rate: The share of the requests to answer, picked at random.
        seed: The random seed; the same seed picks the same requests, by their order.
        is_scoped: Whether it belongs to a `replying` block.
        belongs: Limits it to requests of the planning test; None: no limit.

    Raises:
        UsageError: The arguments do not fit together.
        UnknownNameError: The signal does not exist.
    """

    def __init__(
        self,
        faults: Sequence[ReplyFault],
        *,
        times: int | None = None,
        signal: str | None = None,
        where: Callable[[Request], object] | None = None,
        rate: float | None = None,
        seed: int = 0,
        is_scoped: bool = False,
        belongs: Callable[[Request], bool] | None = None,
    ) -> None:
        _check(faults, times, signal, where, rate)
        self.faults: tuple[ReplyFault, ...] = tuple(faults)
        self.is_scoped = is_scoped
        self.is_endless = times is None
        self._left = -1 if times is None else checked_count("times", times, least=1) * len(faults)
        self._signal = None if signal == _ANY else signal
        self._where = where
        self._rate = rate
        self._chance = random.Random(checked_count("seed", seed))  # noqa: S311 -- must be repeatable
        self._belongs = belongs
        self._for = _described(signal, where, rate)
        self._place = 0
        self._fired: set[ReplyFault] = set()
        self._matched = 0
        self._error: Exception | None = None

    @property
    def is_over(self) -> bool:
        """Return whether it has fired as often as planned."""
        return self._left == 0

    def take(self, request: Request) -> ReplyFault | None:
        """Return the fault for a request; None if it is for others, or not picked."""
        if self._left == 0 or not self._is_for(request):
            return None
        self._matched += 1
        if self._rate is not None and self._chance.random() >= self._rate:
            return None
        fault = self.faults[self._place]
        if self._left > 0:
            self._left -= 1
            self._place = (self._place + 1) % len(self.faults)
        elif self._place < len(self.faults) - 1:
            self._place += 1
        self._fired.add(fault)
        return fault

    def _is_for(self, request: Request) -> bool:
        if self._signal is not None and request.signal != self._signal:
            return False
        if self._belongs is not None and not self._belongs(request):
            return False
        if self._where is None:
            return True
        try:
            return bool(self._where(request))
        except Exception as error:  # noqa: BLE001 -- the user's own, reported at the end of the test
            self._error = self._error or error
            return False

    def findings(self) -> tuple[Finding, ...]:
        """Return its current findings: faults that never fired, a predicate that raised."""
        missed = [fault for fault in dict.fromkeys(self.faults) if not self._is_settled(fault)]
        found = [_never_fired(fault, self._for, self._so_far()) for fault in missed]
        if self._error is not None:
            found.append(_predicate_failed(self._for, self._error))
        return tuple(found)

    def _is_settled(self, fault: ReplyFault) -> bool:
        """Return whether it has fired, or is the good answer."""
        return fault in self._fired or fault.text == "faults.ok()"

    def _so_far(self) -> str:
        if not self._matched:
            return "no such request while it was planned"
        came = f"{self._matched} such request{'' if self._matched == 1 else 's'}"
        if not self._fired:
            return f"{came}, all spared by chance"
        return f"{came}, answered by what was planned before it"


class ReplyRules:
    """All plans of one collector. Thread-safe.

    Attributes:
        plans: The plans that may still fire, in the order in which they are asked.
    """

    def __init__(self) -> None:
        self.plans: tuple[ReplyRule, ...] = ()
        self._lock = threading.RLock()  # a predicate may plan something

    def add(self, plan: ReplyRule) -> None:
        """Plan it, from the next request on."""
        with self._lock:
            self.plans = _with(self.plans, plan)

    def remove(self, *plans: ReplyRule) -> None:
        """Remove plans; one that is over is already gone."""
        with self._lock:
            self.plans = tuple(each for each in self.plans if each not in plans)

    def fault_for(self, request: Request) -> ReplyFault | None:
        """Return the fault that answers a request, and count it as used; None if there is none."""
        with self._lock:
            for plan in self.plans:
                fault = plan.take(request)
                if fault is not None:
                    if plan.is_over:
                        self.plans = tuple(each for each in self.plans if each is not plan)
                    return fault
        return None


def _never_fired(fault: ReplyFault, wanted: str, received: str) -> Finding:
    return Finding(
        rule="fault_never_fired",
        where=fault.text,
        expected=f"that it acts on requests: {wanted}",
        received=received,
        hint="check signal= and where=, wait for what should be hit, or plan fewer faults",
    )


def _with(plans: tuple[ReplyRule, ...], new: ReplyRule) -> tuple[ReplyRule, ...]:
    """See the module's docstring for the order."""
    blocks = tuple(plan for plan in plans if plan.is_scoped)
    counted = tuple(plan for plan in plans if not plan.is_scoped and not plan.is_endless)
    endless = tuple(plan for plan in plans if not plan.is_scoped and plan.is_endless)
    if new.is_scoped:
        return (new, *blocks, *counted, *endless)
    return (*blocks, *counted, new, *endless)


def _check(
    faults: Sequence[object],
    times: int | None,
    signal: str | None,
    where: object,
    rate: object,
) -> None:
    """Reject contradictory arguments.

    Raises:
        UsageError: The arguments do not fit together.
        UnknownNameError: The signal does not exist.
    """
    _check_faults(faults)
    if signal is not None and signal not in {*SIGNALS, _ANY}:
        raise UnknownNameError("signal", str(signal), (*SIGNALS, _ANY))
    if where is not None and not callable(where):
        raise UsageError(f"where must be a function of a request and is {where!r}")
    if signal is None and where is None:
        if times is not None:
            raise UsageError(f"times={times!r} needs signal= or where=", _PLAN_HINT)
        if len(faults) > 1:
            raise UsageError("a sequence of faults needs signal= or where=", _PLAN_HINT)
    is_share = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate <= 1
    if rate is not None and not is_share:
        raise UsageError(f"rate must be above 0 and at most 1 and is {rate!r}")


def _check_faults(faults: Sequence[object]) -> None:
    """Refuse anything but replies.

    Raises:
        UsageError: There are no faults, or one is not a reply.
    """
    if not faults:
        raise UsageError("no fault was given", "reply(faults.unavailable())")
    for fault in faults:
        if isinstance(fault, ReplyFault):
            continue
        if callable(fault):
            raise UsageError(f"{fault!r} is not a reply", f"call it: faults.{_name_of(fault)}()")
        raise UsageError(f"{fault!r} is not a reply", _reply_hint(fault))


def _reply_hint(fault: object) -> str:
    """Return a hint at the probable meaning of a wrong argument."""
    if isinstance(fault, WireFault):
        return "faults of the wire go to inject(...)"
    if isinstance(fault, list | tuple):
        return "a sequence is given as arguments: reply(faults.unavailable(), faults.ok(), …)"
    return "write a call, e.g. faults.unavailable()"


def _name_of(fault: Any) -> str:  # noqa: ANN401 -- whatever the user gave
    return getattr(fault, "__name__", "ok")


def _described(
    signal: str | None, where: Callable[[Request], object] | None, rate: float | None
) -> str:
    parts = ["any signal" if signal in {None, _ANY} else str(signal)]
    if where is not None:
        parts.append(f"where {getattr(where, '__name__', repr(where))}")
    if rate is not None:
        parts.append(f"at a rate of {rate:g}")
    return ", ".join(parts)


def _predicate_failed(wanted: str, error: Exception) -> Finding:
    return Finding(
        rule="fault_predicate_failed",
        where=f"the faults planned for {wanted}",
        expected="a where= that says yes or no to every request",
        received=f"{type(error).__name__}: {error}".partition("\n")[0],
        hint="a request may have no signal, no such header, or no body",
    )
