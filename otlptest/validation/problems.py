"""Findings about traffic that the receiver could not accept as a valid request."""

from collections.abc import Iterable, Iterator
from typing import Final

from otlptest.errors import Finding
from otlptest.model import Problem, Request

# A client may end a request (a kill, a timeout of its own), and a program that checks if a port is
# open may send a GET: no telemetry is lost with these.
_HARMLESS: Final = frozenset({"cut_request", "too_slow", "wrong_method"})


def findings_of_problems(
    requests: Iterable[Request], problems: Iterable[Problem] = ()
) -> tuple[Finding, ...]:
    """Return a finding for each problem: an error if telemetry was not decoded, else a warning.

    Damage done by an injected fault is left out.

    Args:
        requests: Requests; those without a problem give nothing.
        problems: Traffic that was not a whole request.
    """
    refused = (_of_request(request) for request in requests if request.problem is not None)
    others = (_of_problem(problem) for problem in problems if not problem.planned_by)
    return (*(finding for finding in refused if finding), *others)


def _of_request(request: Request) -> Finding | None:
    problem = request.problem
    if problem is None or problem.planned_by:
        return None
    where = f"request {_request_name(request)}"
    return _finding(problem, where, is_harmless=request.is_probe)


def _of_problem(problem: Problem) -> Finding:
    return _finding(problem, ", ".join(_connection_name(problem)))


def _request_name(request: Request) -> str:
    return f"{request.number} ({request.protocol or request.method} to {request.path or '?'})"


def _connection_name(problem: Problem) -> Iterator[str]:
    connection = problem.connection
    if connection is None:
        yield "a connection"
        return
    yield f"connection {connection.number} to the {connection.endpoint} port"
    if connection.owner:
        yield f"process {connection.owner!r}"


def _finding(problem: Problem, where: str, *, is_harmless: bool = False) -> Finding:
    return Finding(
        rule=problem.rule,
        where=f"{where}: {problem.place}" if problem.place else where,
        expected=problem.expected or "a well-formed OTLP request",
        received=problem.message,
        severity="warning" if is_harmless or problem.kind in _HARMLESS else "error",
    )
