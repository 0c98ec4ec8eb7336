"""The check that a time is in the right unit.

Only certain mistakes count: a value that lies before 1973 as nanoseconds, and in this
century as micro-, milli- or whole seconds. Small made-up numbers, old captures and replays are
left alone.
"""

from typing import Final

LATEST_SUSPECT: Final = 100_000_000_000_000_000  # March 1973
_YEAR_2000: Final = 946_684_800
_YEAR_2100: Final = 4_102_444_800
_UNITS: Final = (("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6))


def wrong_unit(unix_nano: int) -> str:
    """Return the unit that the value seems to be in (`milliseconds`); empty for nanoseconds."""
    if unix_nano >= LATEST_SUSPECT:
        return ""
    for unit, scale in _UNITS:
        if _YEAR_2000 * scale <= unix_nano < _YEAR_2100 * scale:
            return unit
    return ""
