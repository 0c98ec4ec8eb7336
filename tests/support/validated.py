"""Messages as requests that a collector would have accepted, and what validation says of them."""

from collections.abc import Sequence
from typing import Any

from otlptest.errors import Finding
from otlptest.model import Connection, Request, Signal
from otlptest.validation import validate_requests


def accepted(
    signal: Signal,
    message: Any,  # noqa: ANN401 -- a generated class
    *,
    number: int = 1,
    owner: str | None = None,
    replied_after_s: float | None = 0.01,
) -> Request:
    """An accepted request that carries `message`; unanswered if `replied_after_s` is None."""
    return Request(
        number=number,
        connection=Connection(number=1, endpoint="http", port=4318, owner=owner),
        signal=signal,
        protocol="http/protobuf",
        path=f"/v1/{signal}",
        body=message.SerializeToString(),
        received_at=100.0,
        replied_at=None if replied_after_s is None else 100.0 + replied_after_s,
        http_status=200 if replied_after_s is not None else 0,
    )


def findings_of(signal: Signal, messages: Sequence[Any]) -> tuple[Finding, ...]:
    """The findings about messages that came in this order, all acknowledged at once."""
    requests = [accepted(signal, message, number=n) for n, message in enumerate(messages, start=1)]
    return validate_requests(requests)


def rules_of(signal: Signal, messages: Sequence[Any]) -> set[str]:
    """The rules that the messages break."""
    return {finding.rule for finding in findings_of(signal, messages)}
