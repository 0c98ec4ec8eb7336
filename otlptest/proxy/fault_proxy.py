"""`OtlpProxy`, the interface of the proxy for tests."""

import os
import threading
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from otlptest.errors import Finding, ReceiverError, UsageError
from otlptest.faults import WireFault
from otlptest.faults.injection.injections import Injection, Injector, WirePlan
from otlptest.net.addresses import GRPC_PORT
from otlptest.net.local_network import Losses, local_network
from otlptest.net.sockets import listening_sockets
from otlptest.processes.otel_environ import Endpoints, environment
from otlptest.proxy.engine import Engine, Listener
from otlptest.proxy.traffic import Ledger, ProxiedConnection, Traffic
from otlptest.proxy.upstreams import EndpointPair, Upstream, upstream_at
from otlptest.requirements import checked_rule
from otlptest.timing import SYSTEM_CLOCK, Clock, Deadline

_STOP_S: Final = 5.0
_APPLY_S: Final = 5.0
_UNSEEN_IN_TLS: Final = frozenset({"before_reply", "after_reply"})


class OtlpProxy:
    """A proxy before an OTLP receiver, for HTTP/1.1 and HTTP/2 (gRPC), with faults for it.

    Passes bytes through unchanged until a fault is injected. Ready when the constructor returns;
    a context manager; thread-safe. TLS passes unchanged too, and is opaque: faults of
    connections and bytes work there, those of requests and frames do not.

    Each connection to the proxy is one to the upstream. If that is unreachable, the client's
    connection is reset, and `connections` and `findings` report it.

    Args:
        upstream: The receiver: `http://HOST:PORT`, `https://HOST:PORT` or `HOST:PORT`. Or a
            `FakeCollector`, a view of one, or any other object with a `grpc_endpoint` and an
            `http_endpoint`: then the proxy has a port before each.
        listen: The address to listen on; anything but loopback is reachable by others. `localhost`
            is 127.0.0.1 and ::1.
        port: 0 takes a free one, and is needed where there are two.
        ca_file: The authority behind the certificate of an `https` upstream, for `environ`.
        clock: Where times come from.

    Attributes:
        port: The port; before a pair, the one for gRPC.

    Raises:
        UsageError: `upstream` has another form, or the arguments do not fit together.
        PortTakenError: The port is in use.
        ReceiverError: The address is not available.

    Example:
        >>> from otlptest import FakeCollector, OtlpProxy, faults
        >>> with FakeCollector() as otlp, OtlpProxy(upstream=otlp.grpc_endpoint) as proxy:
        ...     env = proxy.environ()
        ...     with proxy.injecting(faults.reset(at="before_reply")) as lost_replies:
        ...         lost_replies.fired
        0
    """

    def __init__(
        self,
        upstream: str | EndpointPair,
        *,
        listen: str = "127.0.0.1",
        port: int = 0,
        ca_file: str | os.PathLike[str] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._is_closed = True  # until everything is set up
        self._upstream = upstream
        self._ca_file = None if ca_file is None else str(Path(ca_file))
        self._listen = listen
        self._host = _reachable(listen)
        self._lock = threading.Lock()
        self._allowed: frozenset[str] = frozenset()
        self._ledger = Ledger()
        self._plan = WirePlan(self._plan_changed)
        upstreams = _upstreams(upstream)
        self._upstreams = upstreams
        self._is_tls = upstreams[0].is_tls
        self._where = " and ".join(dict.fromkeys(each.url for each in upstreams))
        self._injector = Injector(self._plan, f"the proxy before {self._where}")
        self._pid = os.getpid()
        listeners = _listening(listen, port, upstreams)
        self._ports = tuple(each.port for each in listeners)
        self.port = self._ports[0]
        losses = Losses(f"the proxy before {self._where}")
        self._engine = Engine(listeners, self._plan, self._ledger, losses, clock)
        self._is_closed = False
        local_network.add_proxy(self, [each.address[1] for each in upstreams], losses)

    # Endpoints.

    @property
    def endpoint(self) -> str:
        """Return the endpoint for clients instead of the upstream's: `http://127.0.0.1:PORT`."""
        return self._endpoint(self._ports[0])

    @property
    def grpc_endpoint(self) -> str:
        """Return the same; before a pair, the endpoint for OTLP/gRPC."""
        return self._endpoint(self._ports[0])

    @property
    def http_endpoint(self) -> str:
        """Return the same; before a pair, the endpoint for OTLP/HTTP: a base URL."""
        return self._endpoint(self._ports[-1])

    def _endpoint(self, port: int) -> str:
        scheme = "https" if self._is_tls else "http"
        return f"{scheme}://{self._host}:{port}"

    def environ(self, protocol: str | None = None, /, *, inherit: bool = True) -> dict[str, str]:
        """Return the environment of a program whose telemetry should go through the proxy.

        See `FakeCollector.environ`; the endpoint is the proxy's.

        Args:
            protocol: `http/protobuf`, `http/json` or `grpc`. If None, `grpc` before the gRPC port
                of a `FakeCollector` of this process and before port 4317, else `http/protobuf`.
            inherit: False gives only what otlptest sets.

        Raises:
            UnknownNameError: `protocol` is not one of the three.
        """
        chosen = self._usual_protocol() if protocol is None else protocol
        certificates: dict[str, str] = {}
        if not isinstance(self._upstream, str):
            told = self._upstream.environ(chosen, inherit=False)
            certificates = {name: told[name] for name in told if "CERTIFICATE" in name}
            certificates |= {name: told[name] for name in told if name.endswith("CLIENT_KEY")}
        endpoints = Endpoints(
            grpc=self.grpc_endpoint, http=self.http_endpoint, ca_file=self._ca_file
        )
        return environment(endpoints, chosen, inherit=inherit) | certificates

    def _usual_protocol(self) -> str:
        if not isinstance(self._upstream, str):
            return "http/protobuf"
        port = urlsplit(self._where).port or 0
        role = local_network.role_of(port)
        is_grpc = role == "grpc" or (role is None and port == GRPC_PORT)
        return "grpc" if is_grpc else "http/protobuf"

    # Faults.

    def inject(self, fault: WireFault, *, times: int | None = None) -> Injection:
        """Put a fault in force, on open connections too.

        It is in force when this returns, and ends after `times` actions or with the proxy.
        One that never fires is a finding (`fault_never_fired`).

        Args:
            fault: Of `otlptest.faults`: `reset`, `refuse`, `blackhole`, `trickle`, `slice`,
                `latency`, `bandwidth`, `truncate`, `corrupt`, `goaway`, `rst_stream`, `window`.
            times: How often it acts; None: without limit.

        Returns:
            A record of when and where it fired.

        Raises:
            UsageError: It is not a wire fault, `times` is below 1, or the upstream speaks TLS and
                the fault needs to see requests or frames.
            ReceiverError: The proxy is closed.
        """
        self._check(fault)
        return self._injector.inject(fault, times)

    def injecting(
        self, fault: WireFault, *, times: int | None = None
    ) -> AbstractContextManager[Injection]:
        """Inject as `inject` does, until the end of a block; then held bytes go on.

        Raises:
            UsageError: As for `inject`.
            ReceiverError: The proxy is closed.
        """
        self._check(fault)
        return self._injector.injecting(fault, times)

    def _check(self, fault: WireFault) -> None:
        """Refuse faults that cannot act.

        Raises:
            UsageError: The upstream speaks TLS, and the fault needs to look into it.
            ReceiverError: The proxy is closed.
        """
        if self._is_closed or self._is_inert():
            raise ReceiverError("the proxy is closed", "inject faults while it runs")
        if not self._is_tls or not isinstance(fault, WireFault):
            return
        if fault.acts_on_frames or (fault.after_bytes is None and fault.at in _UNSEEN_IN_TLS):
            raise UsageError(
                f"{fault!r} needs to see requests, and {self._where} speaks TLS, which passes "
                "through the proxy as it is",
                "inject it on the FakeCollector itself, or give the proxy an http:// upstream",
            )

    def end_faults(self) -> None:
        """Let everything pass again; what fired, and what did not, stays known."""
        self._injector.end()

    @property
    def injections(self) -> tuple[Injection, ...]:
        """Return all faults that were injected so far, ended ones too."""
        return self._injector.injections

    # Traffic.

    @property
    def traffic(self) -> Traffic:
        """Return the totals of the traffic so far."""
        return self._ledger.traffic()

    @property
    def connections(self) -> tuple[ProxiedConnection, ...]:
        """Return the connections, oldest first: the latest 10,000, and all open ones."""
        return self._ledger.connections()

    def allow(self, *rules: str) -> None:
        """Leave expected findings of these rules out of `findings`.

        Raises:
            UnknownNameError: A rule does not exist.
        """
        checked = {checked_rule(rule) for rule in rules}
        with self._lock:
            self._allowed |= checked

    def findings(self) -> tuple[Finding, ...]:
        """Return faults that have not fired, and connections that found no upstream."""
        with self._lock:
            allowed = self._allowed
        found = (*self._injector.findings(), *self._unreachable())
        return tuple(finding for finding in found if finding.rule not in allowed)

    def _unreachable(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                rule="upstream_unreachable",
                where=f"the proxy before {what.split(': ')[0]}",
                expected="an upstream that takes connections",
                received=f"{what.split(': ')[1]}, {count} times; the clients were reset",
                severity="warning",
                hint="start the receiver before the client, or check `upstream`",
            )
            for what, count in self._ledger.unreachable.items()
        )

    # The end.

    def close(self) -> None:
        """Pass bytes on, close every connection and end the thread. Blocks shortly.

        Counts and findings stay available. Closing again does nothing, and neither
        does closing in a forked child.

        Raises:
            ReceiverError: The thread did not end, or had an error that was ours.
        """
        with self._lock:
            if self._is_closed or self._is_inert():
                return
            self._is_closed = True
        local_network.remove_proxy(self)
        if not self._engine.stop(Deadline(_STOP_S)):
            raise ReceiverError(f"the proxy's thread did not end within {_STOP_S:g} s")
        if self._engine.failures:
            first = self._engine.failures[0]
            raise ReceiverError(
                f"the proxy had an error: {type(first).__name__}: {first}",
                "this is a fault in otlptest: please report it",
            ) from first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        """Warn where `close` was forgotten."""
        if not getattr(self, "_is_closed", True) and not self._is_inert():
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=2, source=self)
            self.close()

    def __repr__(self) -> str:
        return f"<OtlpProxy {self.endpoint} before {self._where}>"

    def _is_inert(self) -> bool:
        return os.getpid() != self._pid

    def open_port(self, endpoint: str, grpc_port: int, http_port: int) -> str:
        """Open another endpoint of the proxy that leads to other ports of the same collector.

        `otlp_process` gives each program one, so that its telemetry can be attributed to it.

        Args:
            endpoint: One of the proxy's own.
            grpc_port: The port that it leads to if `endpoint` is for OTLP/gRPC.
            http_port: The port that it leads to if `endpoint` is for OTLP/HTTP.

        Raises:
            ReceiverError: No port can be opened.
        """
        at = 0 if endpoint == self.grpc_endpoint else -1
        beside = self._upstreams[at]
        is_grpc = local_network.role_of(beside.address[1]) == "grpc"
        upstream = beside.at(grpc_port if is_grpc else http_port)
        listener = Listener(listening_sockets(self._listen, 0), upstream)
        self._engine.open(listener, Deadline(_APPLY_S))
        return self._endpoint(listener.port)

    def pass_on(self, deadline: Deadline) -> str:
        """Wait until everything that clients sent before the call is passed on.

        What a fault holds back is not passed on.

        Args:
            deadline: When to give up.

        Returns:
            What is still held back, as a clause; empty if nothing is.
        """
        count = 0 if self._is_closed else self._engine.pass_on(deadline)
        if not count:
            return ""
        return f"the proxy before {self._where} holds back what came over {count} connection(s)"

    def _plan_changed(self) -> None:
        if not self._is_closed and not self._is_inert():
            self._engine.apply_plan(Deadline(_APPLY_S))


def _reachable(listen: str) -> str:
    """Return how this machine itself reaches what listens on an address."""
    if listen == "0.0.0.0" or listen.lower() == "localhost":  # noqa: S104 -- only compared with
        return "127.0.0.1"
    host = "::1" if listen == "::" else listen
    return f"[{host}]" if ":" in host else host


def _upstreams(upstream: str | EndpointPair) -> tuple[Upstream, ...]:
    """Return one upstream, or two: for gRPC and for HTTP.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(upstream, str):
        return (upstream_at(upstream),)
    pair = getattr(upstream, "grpc_endpoint", None), getattr(upstream, "http_endpoint", None)
    grpc, http = pair
    if not isinstance(grpc, str) or not isinstance(http, str):
        raise UsageError(
            f"upstream is {upstream!r}, neither a URL nor a collector",
            "upstream=otlp.grpc_endpoint, upstream=otlp, or upstream='http://127.0.0.1:4317'",
        )
    return upstream_at(grpc), upstream_at(http)


def _listening(host: str, port: int, upstreams: tuple[Upstream, ...]) -> list[Listener]:
    """Return one port before each upstream.

    Raises:
        UsageError: One port was given for two upstreams.
        PortTakenError: It is in use.
        ReceiverError: The address is not available.
    """
    if port and len(upstreams) > 1:
        raise UsageError(
            f"port={port} cannot lead to both endpoints of a collector",
            "leave it out, or make a proxy before each endpoint",
        )
    listeners: list[Listener] = []
    try:
        listeners.extend(Listener(listening_sockets(host, port), each) for each in upstreams)
    except BaseException:
        for each in listeners:
            each.close()
        raise
    return listeners
