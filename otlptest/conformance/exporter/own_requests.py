"""The command's own requests to a port that the whole machine shares.

Other programs may send telemetry to a default port while a case listens there. A header set in the
command's environment distinguishes its requests from all others.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.readings import global_env_var

_HEADER: Final = "x-otlptest-run"


class Mark:
    """A header of one run, to recognize its requests."""

    def __init__(self) -> None:
        self.value = secrets.token_hex(8)

    @property
    def changes(self) -> Mapping[str, str | None]:
        """Return the variables that make the command send it."""
        return {global_env_var("HEADERS"): f"{_HEADER}={self.value}"}

    def own(self, seen: Observation) -> Observation:
        """Return the run without what others sent meanwhile; see `own_of`."""
        return replace(seen, arrived=self.own_of(seen.arrived, seen))

    def own_of(self, arrived: Arrived, run: Observation) -> Arrived:
        """Return what arrived during a run, without the requests of others.

        If nothing in the run has the header, the command does not send it: then only requests
        from before its start are left out.
        """
        if not self._is_in(run.arrived) and not self._is_in(arrived):
            return _since(arrived, run.started_at)
        requests = tuple(each for each in arrived.requests if self._is_on(each.headers))
        numbers = {each.connection.number for each in requests}
        return Arrived(
            requests=requests,
            connections=tuple(each for each in arrived.connections if each.number in numbers),
            problems=tuple(
                each
                for each in arrived.problems
                if each.connection is not None and each.connection.number in numbers
            ),
        )

    def _is_in(self, arrived: Arrived) -> bool:
        return any(self._is_on(each.headers) for each in arrived.requests)

    def _is_on(self, headers: Mapping[str, str]) -> bool:
        return headers.get(_HEADER) == self.value


def _since(arrived: Arrived, at: float) -> Arrived:
    return Arrived(
        requests=tuple(each for each in arrived.requests if each.started_at >= at),
        connections=tuple(each for each in arrived.connections if each.opened_at >= at),
        problems=tuple(each for each in arrived.problems if each.found_at >= at),
    )
