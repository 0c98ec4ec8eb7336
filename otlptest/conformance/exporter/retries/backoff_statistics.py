"""Statistics of the waits between attempts in several runs: their growth and their jitter.

Each run gives a row of waits, in seconds; waits of the same number make a column. A machine that is
busy makes a wait seem longer, never shorter: so the quicker half of a column is nearest to what the
client waits. What the machine adds is measured meanwhile (`measured_noise`), by waits without any
jitter. Waits of a few milliseconds look like none, and their growth like noise; so the shorter the
first wait is, the more failures in a row a client gets (`failures_in_a_row`).
"""

import math
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.timing import SYSTEM_CLOCK, Deadline

NO_WAIT_S: Final = 0.05
"""The time of a request on a busy machine, in seconds: a shorter wait cannot be measured."""

_FEWEST: Final = 8  # samples that a statement about chance needs
_FEWEST_WAITS: Final = 2  # that can grow
_GROWING: Final = 1.2
_NOT_GROWING: Final = 1.1
_MOST_BY_CHANCE: Final = {2: 1.5, 3: 2.0}  # growth in one run that is not chance, by its waits
_SPREAD: Final = 0.05
_NO_SPREAD: Final = 0.01
_OUTLIERS: Final = 2
_NOISE_S: Final = 0.005  # of an idle machine, with a margin
_NOISY: Final = 3.0  # times the spread of our own waits
_WAITED_S: Final = 0.05
_LONGEST_S: Final = 8.0  # of all waits of a run, if each is twice the one before
_MOST_FAILURES: Final = 10
_USUAL_FAILURES: Final = 3
_ENOUGH_TO_GROW: Final = 8  # waits: the growth of any back-off would show by then
_FEWEST_STEPS: Final = 6
_ALIKE: Final = 1.5
_CLEARLY: Final = 2.0

Waits = Sequence[Sequence[float]]


def failures_in_a_row(first_s: float | None) -> int:
    """Return how many failures show the growth of waits, in a few seconds.

    Args:
        first_s: The first wait, in seconds; None if unknown.
    """
    if first_s is None:
        return _USUAL_FAILURES
    number = math.floor(math.log2(_LONGEST_S / max(first_s, 1e-6) + 1))
    return min(_MOST_FAILURES, max(_FEWEST_WAITS, number))


@contextmanager
def measured_noise() -> Iterator[Callable[[], float]]:
    """Measure in the background how much waits of a fixed length differ on this machine.

    Returns a function that returns it, in seconds: the control without jitter. Does not block.
    """
    taken: list[float] = []
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            began = SYSTEM_CLOCK.monotonic()
            Deadline(_WAITED_S).pause(_WAITED_S)
            taken.append(SYSTEM_CLOCK.monotonic() - began)

    thread = threading.Thread(target=work, name="otlptest-noise", daemon=True)
    thread.start()
    try:
        yield lambda: _noise_s(list(taken))
    finally:
        is_over.set()
        thread.join()


def _noise_s(taken: Sequence[float]) -> float:
    if len(taken) < _FEWEST:
        return 0.0
    return statistics.quantiles(taken, n=4)[2] - min(taken)


def judged_growth(rule: str, waits: Waits) -> CheckResult:
    """Judge whether waits grow exponentially, and not by chance, by all runs together.

    Args:
        rule: The requirement.
        waits: Of each run, in order.
    """
    told = _told(waits)
    short = _judged_short(rule, waits, told)
    if short is not None:
        return short
    skipped = _too_short(waits)
    most = len(_columns(waits))
    if most - skipped < _FEWEST_WAITS:
        return inconclusive(rule, "too few runs with two waits and more", exchanges=told)
    grown = [each[most - 1] / max(each[skipped], 1e-6) for each in waits if len(each) >= most]
    ordered = sorted(grown)
    mean = math.exp(statistics.fmean(math.log(max(each, 1e-6)) for each in ordered[1:-1]))
    first = f"wait number {skipped + 1}" if skipped else "the first"
    told = f"wait number {most} was {mean:.2f} times {first} on average. {told}"
    if mean > _GROWING:
        medians = [statistics.median(column) for column in _columns(waits)[skipped:]]
        return _judged_steps(rule, medians, told)
    is_no_chance = ordered[-2] < _MOST_BY_CHANCE.get(most - skipped, 2.0)  # the highest may be
    if mean <= _NOT_GROWING and is_no_chance:  # stretched
        return failed(rule, f"the waits do not grow: {told}")
    return inconclusive(rule, f"the waits differ too much to tell whether they grow: {told}")


def _judged_steps(rule: str, medians: Sequence[float], told: str) -> CheckResult:
    """Judge of growing waits whether each step is longer than the one before, if it shows.

    Growth is linear only if all steps are alike: those of a back-off that has reached its longest
    wait are not.
    """
    steps = len(medians) - 1
    if steps < _FEWEST_STEPS:
        return passed(rule, told)
    third = steps // 3
    first, middle, last = (
        (medians[end] - medians[start]) / (end - start)
        for start, end in pairwise((0, third, steps - third, steps))
    )
    expected = (medians[-1] / medians[0]) ** ((steps - third) / steps)
    told = (
        f"from wait to wait it grows by {first:.3f} s at first, {middle:.3f} s then and {last:.3f}"
        f" s at the end; in exponential back-off {expected:.2f} times as much as at first. {told}"
    )
    if expected < _CLEARLY:
        return passed(rule, told)
    if max(first, middle, last) <= _ALIKE * min(first, middle, last):
        return failed(rule, f"the waits grow by the same time each time, not exponentially: {told}")
    if first <= _ALIKE * last <= _ALIKE**2 * first:
        return inconclusive(rule, f"the waits grow, and it is not clear how: {told}")
    return passed(rule, told)


def judged_jitter(rule: str, waits: Waits, noise_s: float = 0.0) -> CheckResult:
    """Judge whether a wait differs from run to run by more than the noise of the machine.

    The longest waits, the last ones that enough runs have, show it best; but a client may add a
    time that does not grow with them: each column shows that.

    Args:
        rule: The requirement.
        waits: Of each run, in order.
        noise_s: The result of `measured_noise` for the time of these runs.
    """
    told = _told(waits)
    short = _judged_short(rule, waits, told)
    if short is not None:
        return short
    enough = _columns(waits)
    if not enough:
        return inconclusive(rule, "too few runs with a wait", exchanges=told)
    samples = sorted(enough[-1])
    usual_s = max(statistics.median(samples), 1e-6)
    quick_s = _quick_spread_s(samples)
    spread_s = samples[-1 - _OUTLIERS] - samples[0]
    least_s = min(map(_quick_spread_s, enough[_too_short(waits) :]))
    machine_s = max(_NOISE_S, _NOISY * noise_s)
    told = (
        f"wait number {len(enough)} of {len(samples)} runs: the quicker half lies within"
        f" {quick_s:.3f} s ({quick_s / usual_s:.1%}), all but the {_OUTLIERS} longest within"
        f" {spread_s:.3f} s ({spread_s / usual_s:.1%}; a busy machine makes some longer); without"
        f" jitter they may differ by {machine_s:.3f} s on this machine. {told}"
    )
    if quick_s <= _NO_SPREAD * usual_s and least_s <= machine_s:
        return failed(rule, f"no jitter: {told}")
    if quick_s > _NO_SPREAD * usual_s and spread_s > max(_SPREAD * usual_s, machine_s):
        return passed(rule, told)
    return inconclusive(rule, f"they differ too little to tell jitter from chance: {told}")


def agreed(first: CheckResult, second: CheckResult) -> CheckResult:
    """Return the result of two looks: failed only if both failed, else inconclusive."""
    if first.outcome != "failed":
        return first
    if second.outcome == "failed":
        return failed(first.rule, f"{first.evidence}\nthe same once more: {second.evidence}")
    return inconclusive(first.rule, f"not the same twice: {first.evidence}\n{second.evidence}")


def _quick_spread_s(column: Sequence[float]) -> float:
    ordered = sorted(column)
    return ordered[len(ordered) // 2] - ordered[0]


def _columns(waits: Waits) -> list[list[float]]:
    """Return the waits of each number that enough runs have."""
    most = max((len(each) for each in waits), default=0)
    columns = [[each[place] for each in waits if len(each) > place] for place in range(most)]
    return [column for column in columns if len(column) >= _FEWEST]


def _too_short(waits: Waits) -> int:
    """Return how many of the first waits are too short to measure."""
    medians = [statistics.median(column) for column in _columns(waits)]
    return next((place for place, each in enumerate(medians) if each >= NO_WAIT_S), len(medians))


def _judged_short(rule: str, waits: Waits, told: str) -> CheckResult | None:
    """Judge waits that are all too short to measure; None if some are longer.

    Fail if they have not grown after as many as any back-off needs to grow.
    """
    columns = _columns(waits)
    if not columns or _too_short(waits) < len(columns):
        return None
    if len(columns) >= _ENOUGH_TO_GROW and min(columns[-1]) - min(columns[0]) < _NOISE_S:
        return failed(rule, f"no waits at all: {told}")
    return inconclusive(rule, "its waits are too short to measure", exchanges=told)


def _told(waits: Waits) -> str:
    lines = [" ".join(f"{wait:.3f}" for wait in each) for each in waits]
    return f"seconds waited, run by run: {'; '.join(lines) or 'none'}"
