"""The `ReceiverLab` that cases get: access to a receiver."""

import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from otlptest.conformance.case import COMMON_SIGNALS, ReceiverCase
from otlptest.conformance.receiver.exchange import plain_answer
from otlptest.conformance.receiver.health import (
    Condition,
    condition_of_answer,
    condition_of_failure,
)
from otlptest.conformance.receiver.lab import Endpoint, ReadBack
from otlptest.conformance.receiver.memory import resident_bytes_at
from otlptest.errors import SendError, UsageError
from otlptest.model import Protocol, Signal
from otlptest.net.addresses import AddressError, parse_address
from otlptest.sending import ExportResult, send
from otlptest.timing import Deadline
from otlptest.wire.otlp.otlp_protobuf import decode_request

_SHORTEST_S: Final = 0.1  # of the shortest wait, even if no time is left
_LONG_S: Final = 86_400.0


def endpoint_of(text: str, *, is_grpc: bool) -> Endpoint:
    """Return the endpoint of a URL or `host:port`.

    Raises:
        UsageError: It is neither.
    """
    try:
        address = parse_address(text)
    except AddressError as wrong:
        raise UsageError(f"{text!r}: {wrong}") from wrong
    return Endpoint(
        host=address.host,
        port=address.port_for(is_grpc=is_grpc),
        path="" if is_grpc else address.path.rstrip("/"),
        is_tls=address.is_tls,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLab:
    """The lab of one receiver in one protocol; `ReceiverLab` has the documentation.

    Attributes:
        protocol: See `ReceiverLab`.
        signals: See `ReceiverLab`.
        grpc: See `ReceiverLab`.
        http: See `ReceiverLab`.
        ca_file: See `ReceiverLab`.
        read_back: See `ReceiverLab`.
        timeout_s: See `ReceiverLab`.
        headers: See `ReceiverLab`.
        untaken: See `ReceiverLab`.
        until: The end of the whole run; None without a limit.
    """

    protocol: Protocol
    signals: tuple[Signal, ...] = COMMON_SIGNALS
    grpc: Endpoint | None = None
    http: Endpoint | None = None
    ca_file: Path | None = None
    read_back: ReadBack | None = None
    timeout_s: float = 10.0
    headers: tuple[tuple[str, str], ...] = ()
    untaken: Mapping[Signal, Condition] = field(default_factory=dict)
    until: Deadline | None = None

    @property
    def left_s(self) -> float:
        """See `ReceiverLab.left_s`."""
        return _LONG_S if self.until is None else self.until.remaining_s()

    @property
    def endpoint(self) -> Endpoint:
        """See `ReceiverLab.endpoint`.

        Raises:
            UsageError: None was given for the protocol.
        """
        found = self.grpc if self.protocol == "grpc" else self.http
        if found is None:
            option = "--grpc HOST:PORT" if self.protocol == "grpc" else "--http URL"
            raise UsageError(f"no endpoint was given for {self.protocol}", f"add {option}")
        return found

    def narrowed(self, case: ReceiverCase) -> "TargetLab":
        """Return the lab of one case, with the signals that it sends and the time that is left."""
        return replace(
            self,
            signals=tuple(s for s in self.signals if s in case.signals),
            timeout_s=max(_SHORTEST_S, min(self.timeout_s, self.left_s)),
        )

    def marker(self) -> str:
        """Return a unique text; see `ReceiverLab.marker`."""
        return secrets.token_hex(12)

    def connect(
        self, endpoint: Endpoint | None = None, *, alpn: str = ""
    ) -> "socket.socket | ssl.SSLSocket":
        """Connect to the receiver; see `ReceiverLab.connect`.

        Raises:
            SendError: It cannot be reached.
        """
        to = endpoint or self.endpoint
        try:
            plain = socket.create_connection((to.host, to.port), timeout=self.timeout_s)
        except OSError as problem:
            raise SendError(to.url, problem.strerror or str(problem)) from problem
        if not to.is_tls:
            return plain
        try:
            return self._secured(plain, to, alpn)
        except (OSError, ValueError) as problem:
            plain.close()
            raise SendError(to.url, f"no TLS connection: {problem}") from problem

    def send(
        self,
        body: bytes,
        *,
        signal: Signal,
        protocol: Protocol | None = None,
        compression: str | None = None,
    ) -> ExportResult:
        """Send a request; see `ReceiverLab.send`."""
        chosen = protocol or self.protocol
        to = replace(self, protocol=chosen).endpoint
        is_json = chosen == "http/json"
        sent = send(
            decode_request(signal, body, protocol="http/protobuf") if is_json else body,
            to=to.url,
            protocol=chosen,
            signal=None if is_json else signal,
            compression=compression,
            timeout_s=max(_SHORTEST_S, min(self.timeout_s, self.left_s)),
            ca_file=self.ca_file,
            headers=dict(self.headers),
        )
        return sent.exports[0]

    def condition(self) -> Condition:
        """Return the receiver's condition; see `ReceiverLab.condition`."""
        signal = self.signals[0] if self.signals else "traces"
        try:
            return condition_of_answer(plain_answer(self, signal))
        except SendError as problem:
            return condition_of_failure(problem)

    def is_alive(self) -> bool:
        """Return whether the receiver is alive; see `ReceiverLab.is_alive`."""
        return self.condition().is_well

    def resident_bytes(self) -> int | None:
        """Return the receiver's memory; see `ReceiverLab.resident_bytes`."""
        return resident_bytes_at(self.endpoint.host, self.endpoint.port)

    def _secured(self, plain: socket.socket, to: Endpoint, alpn: str) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.ca_file)
        context.set_alpn_protocols([alpn or ("h2" if to == self.grpc else "http/1.1")])
        return context.wrap_socket(plain, server_hostname=to.host)
