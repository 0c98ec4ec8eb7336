"""What several runs tell of the waits between attempts: whether they grow, and are left to chance.

Each run gives a row of waits, in seconds. A machine that is busy makes a wait seem longer, never
shorter; so the longest ones prove nothing, and waits of a few milliseconds are none.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Final

from otlptest.conformance.verdicts import Judged, broken, held, not_observed

__all__ = ["NO_WAIT_S", "judged_growth", "judged_jitter"]

NO_WAIT_S: Final = 0.05
"""What a request takes on a busy machine: a shorter wait is none."""

_FEWEST: Final = 8  # samples that a statement about chance needs
_FEWEST_WAITS: Final = 2  # that can grow
_GROWING: Final = 1.2
_NOT_GROWING: Final = 1.1
_MOST_BY_CHANCE: Final = {2: 1.5, 3: 2.0}  # growth in one run that is no chance, by its waits
_SPREAD: Final = 0.05
_OUTLIERS: Final = 2
_HARDLY_ANY: Final = 0.7

Waits = Sequence[Sequence[float]]


def judged_growth(rule: str, waits: Waits) -> Judged:
    """Whether waits grow exponentially, told from chance by all runs together.

    Args:
        rule: The requirement.
        waits: Of each run, in order.
    """
    most = max((len(each) for each in waits), default=0)
    grown = [each[-1] / max(each[0], 1e-6) for each in waits if len(each) == most]
    told = _told(waits)
    if _are_none([wait for each in waits for wait in each]):
        return broken(rule, f"no waits at all: {told}")
    if most < _FEWEST_WAITS or len(grown) < _FEWEST:
        return not_observed(rule, f"too few runs with two waits and more. {told}")
    ordered = sorted(grown)
    mean = math.exp(statistics.fmean(math.log(max(each, 1e-6)) for each in ordered[1:-1]))
    told = f"the last of {most} waits was {mean:.2f} times the first on average. {told}"
    if mean > _GROWING:
        return held(rule, told)
    is_no_chance = ordered[-2] < _MOST_BY_CHANCE.get(most, 2.0)  # the highest may be stretched
    if mean <= _NOT_GROWING and is_no_chance:
        return broken(rule, f"the waits do not grow: {told}")
    return not_observed(rule, f"the waits differ too much to tell whether they grow: {told}")


def judged_jitter(rule: str, waits: Waits) -> Judged:
    """Whether a wait differs from run to run by more than the machine makes it differ.

    Of the longest waits, the last ones that enough runs have: what a busy machine adds is least
    there.

    Args:
        rule: The requirement.
        waits: Of each run, in order.
    """
    told = _told(waits)
    if _are_none([wait for each in waits for wait in each]):
        return broken(rule, f"no waits at all: {told}")
    most = max((len(each) for each in waits), default=0)
    columns = [[each[place] for each in waits if len(each) > place] for place in range(most)]
    enough = [column for column in columns if len(column) >= _FEWEST]
    if not enough:
        return not_observed(rule, f"too few runs with a wait. {told}")
    samples = sorted(enough[-1])
    usual = samples[:-_OUTLIERS]
    spread = (usual[-1] - usual[0]) / max(statistics.median(samples), 1e-6)
    told = f"wait number {len(enough)} of {len(samples)} runs differs by {spread:.0%}. {told}"
    if spread <= _SPREAD:
        return broken(rule, f"no jitter: {told}")
    return held(rule, told)


def _are_none(waits: Sequence[float]) -> bool:
    """Whether there is hardly a wait that is longer than what a request takes."""
    none = sum(1 for wait in waits if wait < NO_WAIT_S)
    return none >= _HARDLY_ANY * len(waits) and none >= _FEWEST


def _told(waits: Waits) -> str:
    lines = [" ".join(f"{wait:.3f}" for wait in each) for each in waits]
    return f"seconds waited, run by run: {'; '.join(lines) or 'none'}"
