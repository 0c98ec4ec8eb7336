"""Conditions for a program under test to be ready, available to tests as `ready`.

    otlp_process(["node", "shop.js"], ready=ready.http("/health"))

Each returns a `Readiness`, which is checked repeatedly until it is met, the program ends, or its
time is over.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Protocol

from otlptest.errors import UsageError
from otlptest.processes.http_client import LOOPBACK_HOSTS, can_connect, exchange
from otlptest.timing import Deadline, checked_timeout

__all__ = ["Readiness", "Starting", "http", "line", "port"]

_ONE_LOOK_S = 5.0
_SUCCESS = range(200, 300)
_ANSWER = "the answer was "
_WHY = {
    3: "redirects are not followed, so is it the path that it redirects to?",
    5: "its output may say why it is not ready",
    401: "it asks for a login: is there a path that does not?",
    403: "it is forbidden: is there a path that is not?",
}


class Starting(Protocol):
    """A program that is starting, as a readiness sees it."""

    @property
    def port(self) -> int:
        """Return the port that it was given in `PORT`."""
        ...

    def listens_on(self, host: str) -> None:
        """Remember the loopback host that accepts its connections."""
        ...

    def adopt_port(self, port: int) -> None:
        """Remember the port that it chose itself."""
        ...

    def matched_line(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return the first match of the pattern in its output, None if it has not come yet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """A condition to wait for in a starting program.

    Attributes:
        description: The condition in messages: `2xx answer to GET /health`.
        timeout_s: Seconds that the program has to get there.
        look: Looks once; returns what it saw instead, or None if the condition is met. Called
            repeatedly, from the thread that starts the program.
        pattern: A pattern to find in its output from the first byte on, if any.
        hint: Advice for an unmet condition, or a function that makes it from the last observation;
            empty where the port may be wrong.
    """

    description: str
    timeout_s: float
    look: Callable[[Starting], str | None]
    pattern: re.Pattern[str] | None = None
    hint: str | Callable[[str], str] = ""

    def advice(self, seen: str) -> str:
        """Return advice after `seen` was seen last."""
        return self.hint if isinstance(self.hint, str) else self.hint(seen)


def http(path: str, *, status: int | None = None, timeout_s: float = 30.0) -> Readiness:
    """Wait until `GET path` on the program's port is answered with success.

    The request carries no `traceparent`. Before the program listens, nothing is sent.

    Args:
        path: A request target, e.g. `/health`.
        status: The only status that counts; any 2xx if None.
        timeout_s: Seconds that the program has.

    Raises:
        UsageError: `path` does not begin with `/`, or `timeout_s` is not a usable number.
    """
    if not path.startswith("/"):
        raise UsageError(f"a path begins with '/', and this one is {path!r}")
    wanted = _SUCCESS if status is None else (status,)

    def answers(program: Starting) -> str | None:
        seen = "nobody listened on its port"
        for host in LOOPBACK_HOSTS:
            try:
                answer = exchange(host, program.port, "GET", path, deadline=Deadline(_ONE_LOOK_S))
            except ConnectionRefusedError:
                continue
            except (OSError, HTTPException) as error:
                seen = f"there was no HTTP answer ({type(error).__name__})"
                continue
            program.listens_on(host)
            return None if answer.status in wanted else f"{_ANSWER}{answer.status}"
        return seen

    def advice(seen: str) -> str:
        if not seen.startswith(_ANSWER):
            return ""
        answered = int(seen.removeprefix(_ANSWER))
        said = f"{path} answers {answered}"
        if status is not None and answered in _SUCCESS:
            return f"{said}, and status={status} was asked for"
        return f"{said}: {_WHY.get(answered, _WHY.get(answered // 100, 'is the path right?'))}"

    expected = "2xx" if status is None else str(status)
    return Readiness(
        description=f"{expected} answer to GET {path}",
        timeout_s=checked_timeout(timeout_s),
        look=answers,
        hint=advice,
    )


def port(*, timeout_s: float = 30.0) -> Readiness:
    """Wait until the program accepts connections on its port.

    Args:
        timeout_s: Seconds that the program has.

    Raises:
        UsageError: `timeout_s` is not a usable number.
    """

    def listens(program: Starting) -> str | None:
        host = can_connect(program.port)
        if host is None:
            return "nobody listened"
        program.listens_on(host)
        return None

    return Readiness(
        description="connection to its port",
        timeout_s=checked_timeout(timeout_s),
        look=listens,
    )


def line(regex: str, /, *, timeout_s: float = 30.0) -> Readiness:
    r"""Ready once the program has printed a whole line in which `regex` is found.

    A group named `port` contains the port of a program that chooses its own:
    `ready.line(r"listening on (?P<port>\d+)")`.

    Args:
        regex: A regular expression, searched for in each line of standard output and error.
        timeout_s: Seconds that the program has.

    Raises:
        UsageError: `regex` is not a regular expression, or `timeout_s` is not a usable number.
    """
    try:
        pattern = re.compile(regex)
    except re.error as error:
        raise UsageError(f"{regex!r} is not a regular expression: {error}") from error

    def printed(program: Starting) -> str | None:
        match = program.matched_line(pattern)
        if match is None:
            return "no line matched"
        if "port" in pattern.groupindex:
            program.adopt_port(_port_in(match))
        return None

    return Readiness(
        description=f"line that matches {regex!r}",
        timeout_s=checked_timeout(timeout_s),
        look=printed,
        pattern=pattern,
        hint="many programs hold their output back unless they print to a terminal",
    )


def _port_in(match: re.Match[str]) -> int:
    told = str(match["port"])
    if not told.isdecimal():
        raise UsageError(
            f"the group 'port' of {match.re.pattern!r} gave {told!r}, which is not a port",
            r"let it match digits only: (?P<port>\d+)",
        )
    return int(told)
