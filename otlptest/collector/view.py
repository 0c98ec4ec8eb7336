"""The view that one test has of a collector, with its queries.

`FakeCollector` is a view of everything that it received; the fixture `otlp` is a view with an
*epoch*: it begins with the test, and leftovers of an earlier test are reported, never counted.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from otlptest.collector.container_ports import ContainerPorts
from otlptest.collector.injected_losses import injected_losses
from otlptest.collector.judgement import Judge
from otlptest.collector.server.server import Receiver
from otlptest.collector.store_source import Explanation, StoreSource
from otlptest.collector.view_faults import ViewFaults, Where, WhichSignal
from otlptest.errors import Finding
from otlptest.faults import ReplyFault, WireFault
from otlptest.faults.injection.injections import Injection, Injector
from otlptest.model import SIGNALS, Connection, Producer, Request, Signal
from otlptest.processes.otel_environ import Endpoints, environment
from otlptest.queries.asynchronous import AsyncQueries
from otlptest.queries.evidence import fence as fences, gathering
from otlptest.queries.evidence.circumstances import Circumstance
from otlptest.queries.evidence.judging import Evidence
from otlptest.queries.evidence.trace_context import TraceContext, invent
from otlptest.queries.log_query import LogQuery
from otlptest.queries.metrics.metric_query import MetricQuery
from otlptest.queries.profile_query import ProfileQuery
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.sources import Arrivals, Kind
from otlptest.queries.span_query import SpanQuery
from otlptest.queries.traces.trace_query import TraceQuery
from otlptest.timing import Deadline

_EVIDENCE_TIMEOUT_S = 10.0


class Call:
    """One call of the test, and the telemetry that it causes.

    Attributes:
        trace_id: 32 hex digits; everything the call causes should carry it.
        headers: The headers to send: `traceparent`.
    """

    def __init__(self, view: "CollectorView", context: TraceContext) -> None:
        self._view = view
        self.trace_id: str = context.trace_id
        self.headers: Mapping[str, str] = context.headers

    @property
    def spans(self) -> SpanQuery:
        """Return the spans of this call."""
        return self._view.spans.where(trace_id=self.trace_id)

    @property
    def logs(self) -> LogQuery:
        """Return the log records of this call."""
        return self._view.logs.where(trace_id=self.trace_id)

    @property
    def traces(self) -> TraceQuery:
        """Return the trace of this call."""
        return self._view.traces.where(trace_id=self.trace_id)

    def __repr__(self) -> str:
        return f"<call {self.trace_id}>"


class CollectorView:
    """A view of a collector's store: queries, evidence, judgement. Thread-safe.

    Created by `FakeCollector` and by the fixture `otlp`, never directly.
    """

    def __init__(
        self,
        receiver: Receiver,
        source: StoreSource,
        endpoints: Endpoints,
        container_ports: ContainerPorts,
    ) -> None:
        self._receiver = receiver
        self._source = source
        self._endpoints = endpoints
        self._container_ports = container_ports
        self._planned = ViewFaults(receiver.script, source.has_arriving)
        self._injector = Injector(receiver.wire_plan, "the fake collector's connections")
        self._also_found: list[Callable[[], Sequence[Finding]]] = [
            self._planned.findings,
            self._injector.findings,
        ]
        self._judge = Judge(source, self._more_findings)
        source.explain_with(self._injected_losses)

    # Endpoints.

    @property
    def grpc_endpoint(self) -> str:
        """Return the endpoint for OTLP/gRPC: `http://127.0.0.1:PORT`."""
        return self._endpoints.grpc

    @property
    def http_endpoint(self) -> str:
        """Return the endpoint for OTLP/HTTP, a base URL: `http://127.0.0.1:PORT`."""
        return self._endpoints.http

    def environ(
        self,
        protocol: str = "http/protobuf",
        /,
        *,
        inherit: bool = True,
        from_container: bool = False,
    ) -> dict[str, str]:
        """Return the environment of a program whose telemetry should come here.

        The process environment without any `OTEL_*` variable, plus: the endpoint, `otlp` as the
        exporter of all three signals, short batch and metric intervals, and `NO_PROXY`.

        Args:
            protocol: `http/protobuf`, `http/json` or `grpc`.
            inherit: False gives only what otlptest sets.
            from_container: The program runs in a container: names this machine as containers know
                it, and a port pair that listens on all addresses from the first such call on.

        Raises:
            UnknownNameError: `protocol` is not one of the three.
            ReceiverError: The ports for containers could not be opened.
        """
        __tracebackhide__ = True
        endpoints = self._container_ports.endpoints() if from_container else self._endpoints
        return environment(endpoints, protocol, inherit=inherit)

    # Received telemetry.

    @property
    def spans(self) -> SpanQuery:
        """Return a query of the received spans."""
        return SpanQuery(self._source)

    @property
    def metrics(self) -> MetricQuery:
        """Return a query of metrics: one for each resource, scope, name, unit and type."""
        return MetricQuery(self._source)

    @property
    def logs(self) -> LogQuery:
        """Return a query of the received log records and events."""
        return LogQuery(self._source)

    @property
    def profiles(self) -> ProfileQuery:
        """Return a query of the received profiles."""
        return ProfileQuery(self._source)

    @property
    def traces(self) -> TraceQuery:
        """Return a query of the received spans, by trace."""
        return TraceQuery(self._source)

    @property
    def requests(self) -> RequestQuery:
        """Return a query of the received requests, refused ones too."""
        return RequestQuery(self._source)

    @property
    def aio(self) -> AsyncQueries:
        """Return the same queries with endings to `await`."""
        return AsyncQueries(self._source)

    def new_trace(self) -> Call:
        """Return a new trace for the test: send its `headers`, and find what they caused.

        Its parent span is invented and nobody exports it: the span below it counts as a root.
        """
        context = invent()
        self._source.add_context(context)
        return Call(self, context)

    # Faults.

    def reply(
        self,
        *faults: ReplyFault,
        times: int | None = None,
        signal: WhichSignal = None,
        where: Where = None,
        rate: float | None = None,
        seed: int = 0,
    ) -> None:
        """Answer requests from here on with planned faults instead of success.

        Invalid requests, and leftovers of an earlier test, use up no faults.
        A fault that never fires is a finding (`fault_never_fired`). Thread-safe.

        Args:
            faults: Of `otlptest.faults`; several are a sequence, one for each request.
            times: Play them this many times, then answer as usual; None: the last one stays.
                Needs `signal` or `where`, and so does a sequence.
            signal: The signal of the requests to answer; `"any"` for all.
            where: A predicate of the requests to answer; called in the receiver's thread.
            rate: The share of them to answer, above 0 and at most 1, picked at random.
            seed: The random seed: the same one picks the same requests, by their order.

        Raises:
            UsageError: The arguments do not fit together.

        Example:
            >>> from otlptest import FakeCollector, faults
            >>> with FakeCollector() as otlp:
            ...     otlp.reply(faults.unavailable(retry_after_s=0.2), times=2, signal="traces")
            ...     [finding.rule for finding in otlp.findings()]
            ['fault_never_fired']
        """
        self._planned.add(faults, times=times, signal=signal, where=where, rate=rate, seed=seed)

    def replying(
        self,
        *faults: ReplyFault,
        times: int | None = None,
        signal: WhichSignal = None,
        where: Where = None,
        rate: float | None = None,
        seed: int = 0,
    ) -> AbstractContextManager[None]:
        """Answer as `reply` does, until the end of a block; before all other faults.

        Raises:
            UsageError: The arguments do not fit together.
        """
        return self._planned.during(
            faults, times=times, signal=signal, where=where, rate=rate, seed=seed
        )

    def inject(self, fault: WireFault, *, times: int | None = None) -> Injection:
        """Put a fault of the wire in force on every connection of the collector.

        It is in force when this returns, on open connections too; a connection in the middle
        of an HTTP/1.1 request gets it after the reply. It ends once it has fired `times`
        times, or with the view. One that never fires is a finding (`fault_never_fired`).
        Thread-safe.

        Args:
            fault: Of `otlptest.faults`: `reset`, `refuse`, `blackhole`, `trickle`, `slice`,
                `latency`, `bandwidth`, `truncate`, `corrupt`, `goaway`, `rst_stream`, `window`.
            times: How often it acts; None: as often as it can.

        Returns:
            A record of when and where it fired.

        Raises:
            UsageError: It is not a wire fault, or `times` is below 1.
            ReceiverError: The collector is closed.

        Example:
            >>> from otlptest import FakeCollector, faults
            >>> with FakeCollector() as otlp:
            ...     otlp.inject(faults.reset(at="before_reply"), times=1).fired
            0
        """
        return self._injector.inject(fault, times)

    def injecting(
        self, fault: WireFault, *, times: int | None = None
    ) -> AbstractContextManager[Injection]:
        """Inject as `inject` does, until the end of a block; then held bytes go on.

        Raises:
            UsageError: It is not a wire fault, or `times` is below 1.
            ReceiverError: The collector is closed.
        """
        return self._injector.injecting(fault, times)

    def end_faults(self) -> None:
        """End every fault that this view has planned or injected."""
        self._planned.end()
        self._injector.end()

    # Evidence for absence.

    def exited(
        self,
        *processes: gathering.Process,
        flushed: bool = False,
        timeout_s: float = _EVIDENCE_TIMEOUT_S,
    ) -> Evidence:
        """Return evidence that nothing more can come from ended programs.

        Blocks, at most `timeout_s` seconds, until all their connections are read to the end.

        What they sent has arrived then. A program counts as having held nothing back if it
        ended by itself or by its own handler, with exit code 0, and had sent something to this
        collector in this test. Anything else is a gap, which makes a verdict *not proven*: a
        program that died by a signal, was killed, did not stop in time, exited with another
        code, or sent nothing here.

        Args:
            processes: Programs that have ended.
            flushed: You vouch that they held nothing back, however they ended. The evidence says
                so when it is printed.
            timeout_s: How long to wait for their connections.

        Raises:
            UsageError: No process was given, or one still runs.
        """
        __tracebackhide__ = True
        return gathering.exited(self, processes, is_vouched=flushed, timeout_s=timeout_s)

    def fence(
        self,
        send: fences.Send,
        *,
        producers: int = 1,
        signals: Iterable[Signal] = ("traces",),
        timeout_s: float = _EVIDENCE_TIMEOUT_S,
    ) -> Evidence:
        """Return evidence that what producers ended before this call has arrived, or was dropped.

        Blocks, at most `timeout_s` seconds plus one call of `send`.

        Args:
            send: Called with headers that carry a fresh trace context; makes the service do
                something that it traces. Called again if nothing comes back.
            producers: How many producers must answer; a producer is a process, else a resource.
            signals: What to prove. Logs need a record within the traced call, metrics a reader
                with a short interval.
            timeout_s: How long to wait for the telemetry.

        Raises:
            UsageError: `producers` is below 1, or a signal cannot be proven.
            ExpectationError: Rule `not_proven`: the telemetry of the call did not come.
        """
        __tracebackhide__ = True
        return fences.fence(
            self,
            send,
            on_context=self._source.add_context,
            producers=producers,
            signals=signals,
            timeout_s=timeout_s,
        )

    def quiet(self, seconds: float, *, timeout_s: float = 30.0) -> Evidence:
        """Return weak evidence that nothing arrived for `seconds`: a guess, as every message says.

        Blocks at least `seconds`, at most `timeout_s`.

        Raises:
            UsageError: `seconds` is not above 0, or beyond the timeout.
            ExpectationError: Rule `never_quiet`: something kept arriving.
        """
        __tracebackhide__ = True
        return gathering.quiet(self, seconds, timeout_s=timeout_s)

    def flushed(
        self,
        flush: Callable[[], Iterable[str]],
        *,
        owner: str,
        signals: Iterable[Signal] = SIGNALS,
        timeout_s: float = _EVIDENCE_TIMEOUT_S,
    ) -> Evidence:
        """Return evidence that an SDK in this process has sent everything that had ended.

        `otlp_sdk.flushed()` uses this. Blocks as long as `flush` does.

        Args:
            flush: Flushes; returns the reasons for a failure, empty after success.
            owner: The name that the SDK's ports were opened under.
            signals: What was flushed.
            timeout_s: How long to wait for what was sent to be handled.
        """
        return gathering.flushed(self, flush, owner=owner, signals=signals, timeout_s=timeout_s)

    # Judgement.

    def allow(self, *rules: str) -> None:
        """Leave expected findings of these rules out of every judgement.

        Raises:
            UnknownNameError: A rule does not exist.
        """
        self._judge.allow(*rules)

    def add_program(self, program: gathering.Process) -> None:
        """Let evidence use the ending of a program; `otlp_process` does it for its own."""
        self._source.add_program(program)

    def note(self, text: str) -> None:
        """Add a note to each message of this view about something that was not received.

        Args:
            text: One sentence: what may have gone elsewhere, and what to do.
        """
        self._source.note(text)

    def judge_also(self, findings: Callable[[], Sequence[Finding]]) -> None:
        """Include further findings of the test in the judgement, e.g. a proxy's.

        Args:
            findings: Called at each judgement; errors fail the test, warnings are reported.
        """
        self._also_found.append(findings)

    def explain_also(self, explain: Explanation) -> None:
        """Let failures name further possible reasons for something missing.

        Args:
            explain: Called for each failure, in its thread, with the kind of what is missing and
                all that arrived.
        """
        self._source.explain_with(explain)

    def _injected_losses(self, kind: Kind, arrivals: Arrivals) -> Iterator[Circumstance]:
        before = [("the proxy", each) for each in self._receiver.injections_before()]
        here = [(self._source.name, each) for each in self._injector.injections]
        return injected_losses(
            (*here, *before),
            arrivals.requests,
            kind,
            begin=self._source.begin,
            now=self._source.clock.monotonic(),
        )

    def _more_findings(self) -> tuple[Finding, ...]:
        return tuple(finding for also in self._also_found for finding in also())

    def findings(self) -> tuple[Finding, ...]:
        """Return all current findings about the received telemetry; a bare collector never raises.

        Blocks while the stored requests are decoded and checked.
        """
        return self._judge.findings()

    def failing_findings(self) -> tuple[Finding, ...]:
        """Return the findings that fail even a test that is not strict."""
        return self.judged()[0]

    def judged(self) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """Return the findings in two parts: those of `failing_findings`, and all others.

        Blocks while the stored requests are decoded and checked, once.
        """
        return self._judge.judged()

    def describe(self) -> str:
        """Return a description of the received telemetry, for the report of a failure."""
        return self._judge.describe()

    # The interface of `gathering.EvidenceContext`.

    @property
    def source(self) -> StoreSource:
        """Return the source of the queries."""
        return self._source

    def producers_of(self, request: Request) -> Collection[Producer]:
        """Return the producers in an accepted request."""
        return self._source.producers_of(request)

    def token(self) -> int:
        """Return the current position."""
        return self._source.token()

    def settle(self, deadline: Deadline) -> None:
        """Block until everything sent to any port before the call has been handled."""
        self._receiver.settle(deadline)

    def held_back(self, deadline: Deadline) -> Sequence[str]:
        """Let proxies of this process pass on their bytes; return what they still hold back."""
        return self._receiver.held_back(deadline)

    def drain(self, owner: str, deadline: Deadline) -> Sequence[Connection]:
        """Read all connections of an ended process to their end; return those still open."""
        return self._receiver.drain(owner, deadline)
