"""Where planned faults meet requests: decides a reply before the request is stored."""

from typing import Final

from otlptest.collector.server.refusals import Refusal
from otlptest.collector.server.replies import SUCCESS, Reply, refusal_reply
from otlptest.faults.reply_rules import ReplyScript
from otlptest.model import Request

__all__ = ["PlannedReplies"]

_GOOD: Final = "faults.ok()"


class PlannedReplies:
    """Decides the reply to each request: a planned fault, or the specification's answer.

    A request that is refused for what it is stays refused, and uses up no fault.

    Args:
        script: What is planned.
    """

    def __init__(self, script: ReplyScript) -> None:
        self._script = script

    def choose(self, request: Request, refusal: Refusal | None) -> Reply:
        """The reply to a request; notes on it which fault that is."""
        if refusal is not None:
            return refusal_reply(refusal)
        if not self._script.plans:
            return SUCCESS
        fault = self._script.fault_for(request)
        if fault is None:
            return SUCCESS
        request.reply_fault = fault.text
        request.is_discarded = not fault.keeps_telemetry
        return SUCCESS if fault.text == _GOOD else Reply(fault=fault)
