"""The health of a receiver: its answer to a plain valid request right now.

A busy receiver says so, one that works on something answers late, and only one that refuses
connections is gone. These are different faults, and *busy* is not a fault.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from otlptest.errors import SendError
from otlptest.results import Harm
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import Http1Answer
from otlptest.wire.transport.statuses import GrpcCode

Health: TypeAlias = Literal["well", "busy", "refusing", "late", "cut", "down"]
"""The health of a receiver.

*Busy* is a 429, 503, RESOURCE_EXHAUSTED or UNAVAILABLE, *refusing* any other error, *late* no
answer in time, *cut* a connection that is closed without an answer, *down* a refused connection.
"""

_OVERLOADED_HTTP: Final = frozenset({429, 503})
_OVERLOADED_GRPC: Final = frozenset({GrpcCode.RESOURCE_EXHAUSTED, GrpcCode.UNAVAILABLE})
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The outcome of a plain valid request.

    Attributes:
        health: The classification of the answer.
        told: The answer in words; empty without an answer.
        harm: The harm done by a case that left the receiver in this state.
    """

    health: Health
    told: str = ""
    harm: Harm | None = None

    @property
    def is_well(self) -> bool:
        """Return whether the request was taken."""
        return self.health == "well"

    def __str__(self) -> str:
        """Return a clause about the receiver."""
        words: dict[Health, str] = {
            "well": "it takes plain valid requests",
            "busy": f"it says that it is overloaded: {self.told}",
            "refusing": f"it refuses plain valid requests: {self.told}",
            "late": "it answers no plain valid request in time",
            "cut": "it closes the connection of each plain valid request without an answer",
            "down": "nothing listens there any more",
        }
        return words[self.health]


def condition_of_answer(answer: Http1Answer | GrpcAnswer) -> Condition:
    """Return the condition that the answer to a plain valid request shows."""
    if answer.is_ok:
        return Condition(health="well")
    if is_overload(answer):
        return Condition(health="busy", told=answer.told())
    if answer.is_hang:
        return Condition(health="late", harm="hang")
    harm: Harm | None = "server_error"
    if isinstance(answer, GrpcAnswer):
        status = answer.grpc_status or answer.http_status
    else:
        status = answer.status
        harm = None if status is None or status < _SERVER_ERROR else harm
    if status is None:
        return Condition(health="cut", harm="hang")
    return Condition(health="refusing", told=answer.told(), harm=harm)


def condition_of_failure(problem: SendError) -> Condition:
    """Return the condition that a failed connection shows."""
    if isinstance(problem.__cause__, ConnectionRefusedError):
        return Condition(health="down", harm="crash")
    if isinstance(problem.__cause__, TimeoutError):
        return Condition(health="late", harm="hang")
    return Condition(health="cut", harm="hang")


def is_overload(answer: Http1Answer | GrpcAnswer) -> bool:
    """Return whether an answer says overload: later the same request may be taken."""
    if isinstance(answer, GrpcAnswer):
        return is_overload_status(answer.http_status, answer.grpc_status)
    return is_overload_status(answer.status, None)


def is_overload_status(http_status: int | None, grpc_status: int | None) -> bool:
    """Return whether a status says overload.

    Args:
        http_status: The HTTP status; over gRPC it counts only without a gRPC status.
        grpc_status: The gRPC status; None over HTTP.
    """
    if grpc_status is not None:
        return grpc_status in _OVERLOADED_GRPC
    return http_status in _OVERLOADED_HTTP
