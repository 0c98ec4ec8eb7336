"""Data rules that a payload alone cannot show, with reasons: `contracts/data_coverage.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from otlptest import bundled


@cache
def unchecked_reasons() -> Mapping[str, str]:
    """Return requirement ids with the reason why no payload is judged by them.

    Every requirement of sections 6 to 10 that binds the data is here or in `DATA_RULES`.
    """
    table = tomllib.loads(bundled.path("contracts", "data_coverage.toml").read_text("utf-8"))
    return MappingProxyType(
        {rule: group["reason"] for group in table["unchecked"] for rule in group["rules"]}
    )
