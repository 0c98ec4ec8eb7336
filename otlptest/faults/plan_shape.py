"""The shape of a fault plan: faults that answer requests, and faults on the wire.

    version: 1
    description: The first three exports of traces are refused, the next is taken in part.
    replies:
      - reply:
          - unavailable: {retry_after_s: 1}
          - partial_success: {rejected: 5, message: quota}
          - ok
        signal: traces
    wire:
      - inject: {reset: {after_bytes: 1000}}
        times: 1

A fault is a name of `otlptest.faults`, or one such name with its arguments.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from otlptest.documents.shapes import Shape

_Count = Annotated[int, Field(ge=1)]


class WhereShape(Shape):
    """Which requests are meant: all that is said must be true of one."""

    protocol: Literal["grpc", "http/protobuf", "http/json"] | None = None
    encoding: str | None = Field(None, description="e.g. gzip, or identity")
    headers: dict[str, str] = Field({}, description="header fields or metadata with their values")
    least_bytes: Annotated[int, Field(ge=0)] = Field(0, description="of the message, inflated")


class ReplyShape(Shape):
    """What `otlp.reply(...)` takes: one fault or a sequence, and the requests that it is for."""

    reply: Any = Field(description="a fault, or a list of faults: one for each request")
    signal: Literal["traces", "metrics", "logs", "profiles", "any"] | None = None
    times: _Count | None = Field(None, description="play it so often; needs signal or where")
    where: WhereShape | None = None
    rate: Annotated[float, Field(gt=0, le=1)] | None = Field(None, description="of the requests")
    seed: Annotated[int, Field(ge=0)] = 0


class InjectionShape(Shape):
    """What `otlp.inject(...)` takes: one fault of the wire."""

    inject: Any = Field(description="a fault of connections or frames")
    times: _Count | None = None


class FaultPlanShape(Shape):
    """A fault plan."""

    version: Literal[1]
    description: str = ""
    replies: list[ReplyShape] = Field(default=[])
    wire: list[InjectionShape] = Field(default=[])
