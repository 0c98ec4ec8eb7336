"""The observation of one run of a command: its requests and its process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from otlptest.conformance.exporter.payloads import Payload, payloads_of
from otlptest.model import Connection, Problem, Protocol, Request, Signal

_MOST_LINES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """The traffic that one fake collector received.

    Times `…_at` are seconds on one monotonic clock, the same for all of a lab.

    Attributes:
        requests: All, refused and faulted ones too, in the order of arrival.
        connections: Open and closed ones, oldest first; those that brought nothing too.
        problems: Traffic that was not a whole request, oldest first.
    """

    requests: tuple[Request, ...] = ()
    connections: tuple[Connection, ...] = ()
    problems: tuple[Problem, ...] = ()

    def of(self, signal: Signal) -> tuple[Request, ...]:
        """Return the requests of one signal."""
        return tuple(each for each in self.requests if each.signal == signal)

    def payloads(self, signal: Signal | None = None) -> tuple[Payload, ...]:
        """Return the payloads with their attempts, in the order of first attempts.

        Args:
            signal: Only those of this one; of all if None.
        """
        return payloads_of(
            each for each in self.requests if signal is None or each.signal == signal
        )

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals of which a request came, each once, in the order of arrival."""
        return tuple(dict.fromkeys(each.signal for each in self.requests if each.signal))


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One run of the command, from its start until all its processes have ended.

    Attributes:
        arrived: The traffic that its collector received.
        environment: The `OTEL_*` variables that it got.
        protocol: The protocol set in its environment.
        started_at: When it was started, on the collector's clock.
        ended_at: When it had exited, or was ended.
        exit_code: Its exit status, or minus the number of the signal that ended it by itself; None
            if it had to be ended.
        has_timed_out: It still ran at the deadline and was ended, with all that it had started.
        output: Standard output and error, the newest 1 MiB.
        left_behind: Processes that it had started and that lived on when it had exited; ended now.
    """

    arrived: Arrived
    environment: Mapping[str, str] = field(default_factory=dict)
    protocol: Protocol
    started_at: float = 0.0
    ended_at: float = 0.0
    exit_code: int | None = None
    has_timed_out: bool = False
    output: str = field(default="", repr=False)
    left_behind: tuple[str, ...] = ()

    @property
    def requests(self) -> tuple[Request, ...]:
        """`arrived.requests`."""
        return self.arrived.requests

    @property
    def connections(self) -> tuple[Connection, ...]:
        """`arrived.connections`."""
        return self.arrived.connections

    @property
    def problems(self) -> tuple[Problem, ...]:
        """`arrived.problems`."""
        return self.arrived.problems

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """The faults of requests, then traffic that was not a whole request."""
        refused = (each.problem for each in self.requests)
        return (*(each for each in refused if each is not None), *self.problems)

    @property
    def duration_s(self) -> float:
        """The length of the run, in seconds."""
        return self.ended_at - self.started_at

    @property
    def has_hung(self) -> bool:
        """Return whether it had to be ended, and had been connected for most of its time.

        A command that a busy machine started late has not hung.
        """
        began = [each.opened_at for each in self.connections]
        began += [each.started_at for each in self.requests]
        is_old = bool(began) and self.ended_at - min(began) > self.duration_s / 2
        return self.has_timed_out and is_old

    @property
    def has_crashed(self) -> bool:
        """Return whether it died of a signal that otlptest did not send."""
        return self.exit_code is not None and self.exit_code < 0

    @property
    def ended_well(self) -> bool:
        """Return whether it exited by itself with code 0."""
        return self.exit_code == 0

    def of(self, signal: Signal) -> tuple[Request, ...]:
        """Return the requests of one signal."""
        return self.arrived.of(signal)

    def payloads(self, signal: Signal | None = None) -> tuple[Payload, ...]:
        """Return the payloads of a signal; see `Arrived.payloads`."""
        return self.arrived.payloads(signal)

    def after_start_s(self, at: float) -> float:
        """Return a time of the collector's clock as seconds since the command started."""
        return at - self.started_at

    def describe(self, requests: Sequence[Request] | None = None) -> str:
        """Return requests with their replies and times, a line each, as evidence.

        Args:
            requests: The requests; all if None. At most 12 lines.
        """
        shown = self.requests if requests is None else requests
        lines = [self._line(each) for each in shown[:_MOST_LINES]]
        more = [f"… and {len(shown) - _MOST_LINES} more"] if len(shown) > _MOST_LINES else []
        return "\n".join([*lines, *more]) if shown else f"no request; {self.describe_end()}"

    def describe_end(self) -> str:
        """Return how the command ended, as a clause."""
        took = f"after {self.duration_s:.1f} s"
        if self.has_timed_out:
            return f"it still ran {took} and was ended"
        return f"it exited with code {self.exit_code} {took}"

    def _line(self, request: Request) -> str:
        reply = "no reply"
        if request.replied_at is not None:
            at = f"at {self.after_start_s(request.replied_at):.2f} s"
            status = (
                f"gRPC status {request.grpc_status}"
                if request.grpc_status is not None
                else f"HTTP {request.http_status}"
            )
            reply = f"answered {status} {at}"
        planned = f" as planned: {request.reply_fault}" if request.reply_fault else ""
        at = f"{self.after_start_s(request.started_at):.2f} s"
        return f"{at}: {request.method} {request.path}, {request.wire_size} bytes; {reply}{planned}"
