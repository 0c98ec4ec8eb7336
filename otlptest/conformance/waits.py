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
    if waits and all(max(each, default=0.0) < NO_WAIT_S for each in waits):
        return broken(rule, f"no waits at all: {told}")
    if most < _FEWEST_WAITS or len(grown) < _FEWEST:
        return not_observed(rule, f"too few runs with two waits and more. {told}")
    mean = math.exp(statistics.fmean(math.log(max(each, 1e-6)) for each in grown))
    told = f"the last of {most} waits was {mean:.2f} times the first (geometric mean). {told}"
    if mean > _GROWING:
        return held(rule, told)
    if mean <= _NOT_GROWING and max(grown) < _MOST_BY_CHANCE.get(most, 2.0):
        return broken(rule, f"the waits do not grow: {told}")
    return not_observed(rule, f"the waits differ too much to tell whether they grow: {told}")


def judged_jitter(rule: str, waits: Waits) -> Judged:
    """Whether the first waits of all runs differ by more than the machine makes them differ.

    Args:
        rule: The requirement.
        waits: Of each run, in order.
    """
    firsts = sorted(each[0] for each in waits if each)
    told = _told(waits)
    if len(firsts) < _FEWEST:
        return not_observed(rule, f"too few runs with a wait. {told}")
    if firsts[-1] < NO_WAIT_S:
        return broken(rule, f"no waits at all: {told}")
    usual = firsts[:-_OUTLIERS]
    spread = (usual[-1] - usual[0]) / max(statistics.median(firsts), 1e-6)
    told = f"the first waits of {len(firsts)} runs differ by {spread:.0%}. {told}"
    if spread <= _SPREAD:
        return broken(rule, f"no jitter: {told}")
    return held(rule, told)


def _told(waits: Waits) -> str:
    lines = [" ".join(f"{wait:.3f}" for wait in each) for each in waits]
    return f"seconds waited, run by run: {'; '.join(lines) or 'none'}"
