"""Talks to a receiver: the `ReceiverLab` that cases get, and the first look at a receiver."""

import secrets
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from otlptest.conformance.cases import COMMON_SIGNALS, ReceiverCase
from otlptest.conformance.probes import probe_request
from otlptest.conformance.receiver_exchanges import post
from otlptest.conformance.receiver_lab import Endpoint, ReadBack
from otlptest.conformance.receiver_memory import resident_bytes_at
from otlptest.errors import SendError, UsageError, WireError
from otlptest.model import Protocol, Signal
from otlptest.sending import ExportResult, send
from otlptest.timing import Deadline
from otlptest.wire.otlp_json import decode_response, encode_message
from otlptest.wire.otlp_protobuf import decode_message, decode_request
from otlptest.wire.signals import response_class

__all__ = ["ReceiverLook", "TargetLab", "endpoint_of", "look_at_receiver"]

_GRPC_PORT: Final = 4317
_HTTP_PORT: Final = 4318
_LOOK_EVERY_S: Final = 0.1
# Answers that say: whatever listens there, it does not serve OTLP.
_NOT_SERVED_HTTP: Final = frozenset({404, 405, 501})
_WRONG_MEDIA_TYPE: Final = 415
_UNIMPLEMENTED: Final = 12
_BINARY: Final = frozenset({"application/x-protobuf", "application/octet-stream"})


def endpoint_of(text: str, *, is_grpc: bool) -> Endpoint:
    """The endpoint that a URL or `host:port` means.

    Raises:
        UsageError: It is neither.
    """
    wrong = UsageError(f"{text!r} is no http or https URL and no host:port")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise wrong
    if port is None and "://" in text and not is_grpc:
        port = 443 if parts.scheme == "https" else 80
    return Endpoint(
        host=parts.hostname,
        port=port or (_GRPC_PORT if is_grpc else _HTTP_PORT),
        path="" if is_grpc else parts.path.rstrip("/"),
        is_tls=parts.scheme == "https",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverLook:
    """What a first request of each signal showed.

    Attributes:
        signals: What the receiver serves.
        has_taken: Whether it took a request of the first of them.
        problem: Why nothing can be judged; empty if something can.
        is_lacking: It serves OTLP over HTTP, but not in this encoding.
    """

    signals: tuple[Signal, ...] = ()
    has_taken: bool = False
    problem: str = ""
    is_lacking: bool = False


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
        has_taken: Whether it took a plain request at the first look: then it must go on to.
    """

    protocol: Protocol
    signals: tuple[Signal, ...] = COMMON_SIGNALS
    grpc: Endpoint | None = None
    http: Endpoint | None = None
    ca_file: Path | None = None
    read_back: ReadBack | None = None
    timeout_s: float = 10.0
    has_taken: bool = True

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

    def after(self, look: ReceiverLook, wanted: Sequence[Signal]) -> "TargetLab":
        """The lab with what a first look showed.

        Args:
            look: It.
            wanted: Only these signals; all if empty.
        """
        signals = tuple(each for each in look.signals if not wanted or each in wanted)
        return replace(self, signals=signals, has_taken=look.has_taken)

    def narrowed(self, case: ReceiverCase) -> "TargetLab":
        """The lab of one case: with the signals that it sends."""
        return replace(self, signals=tuple(s for s in self.signals if s in case.signals))

    def marker(self) -> str:
        """See `ReceiverLab.marker`."""
        return secrets.token_hex(12)

    def connect(
        self, endpoint: Endpoint | None = None, *, alpn: str = ""
    ) -> "socket.socket | ssl.SSLSocket":
        """See `ReceiverLab.connect`.

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
        """See `ReceiverLab.send`."""
        chosen = protocol or self.protocol
        to = replace(self, protocol=chosen).endpoint
        is_json = chosen == "http/json"
        sent = send(
            decode_request(signal, body, protocol="http/protobuf") if is_json else body,
            to=to.url,
            protocol=chosen,
            signal=None if is_json else signal,
            compression=compression,
            timeout_s=self.timeout_s,
            ca_file=self.ca_file,
        )
        return sent.exports[0]

    def is_alive(self) -> bool:
        """See `ReceiverLab.is_alive`."""
        signal = self.signals[0] if self.signals else "traces"
        try:
            answer = self.send(probe_request(signal, self.marker()), signal=signal)
        except SendError:
            return not self.has_taken and not _unreachable(self, Deadline(0))
        return answer.is_success or not self.has_taken

    def resident_bytes(self) -> int | None:
        """See `ReceiverLab.resident_bytes`."""
        return resident_bytes_at(self.endpoint.host, self.endpoint.port)

    def _secured(self, plain: socket.socket, to: Endpoint, alpn: str) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.ca_file)
        context.set_alpn_protocols([alpn or ("h2" if to == self.grpc else "http/1.1")])
        return context.wrap_socket(plain, server_hostname=to.host)


def look_at_receiver(lab: TargetLab, *, wait_s: float = 0.0) -> ReceiverLook:
    """Find out whether a receiver is there, and which signals it takes.

    Blocks at most `wait_s` plus the time of three requests.

    Args:
        lab: Where it is.
        wait_s: How long to wait for it to come up.
    """
    problem = _unreachable(lab, Deadline(wait_s))
    if problem:
        return ReceiverLook(problem=problem)
    answers: dict[Signal, ExportResult] = {}
    misnamed: set[Signal] = set()
    for signal in COMMON_SIGNALS:
        try:
            answers[signal] = lab.send(probe_request(signal, lab.marker()), signal=signal)
        except SendError as error:
            if not _is_misnamed(lab, signal):
                return ReceiverLook(problem=f"it does not speak {lab.protocol}: {error.problem}")
            misnamed.add(signal)
    served = tuple(
        signal
        for signal in COMMON_SIGNALS
        if signal in misnamed or not _is_not_served(answers[signal])
    )
    statuses = {answer.http_status for answer in answers.values()}
    if statuses == {_WRONG_MEDIA_TYPE} and lab.protocol == "http/json":
        return ReceiverLook(problem="it takes no JSON: HTTP 415", is_lacking=True)
    if not served:
        nothing = f"nothing at {lab.endpoint.url} serves OTLP over {lab.protocol}"
        return ReceiverLook(problem=f"{nothing}: {_told(answers)}")
    # What serves OTLP and refuses valid requests is judged like any other.
    has_taken = served[0] not in misnamed and answers[served[0]].is_success
    return ReceiverLook(signals=served, has_taken=has_taken)


def _is_misnamed(lab: TargetLab, signal: Signal) -> bool:
    """Whether it answers success with OTLP, in another encoding or under another media type."""
    if lab.protocol == "grpc":
        return False
    body = probe_request(signal, lab.marker())
    if lab.protocol == "http/json":
        body = encode_message(decode_request(signal, body, protocol="http/protobuf"))
    try:
        answer = post(lab, body, signal=signal)
    except SendError:
        return False
    if not answer.is_ok:
        return False
    media_type = (answer.field("content-type") or "").partition(";")[0].strip().lower()
    return _says_response(signal, answer.body, may_be_protobuf=media_type in _BINARY)


def _says_response(signal: Signal, body: bytes, *, may_be_protobuf: bool) -> bool:
    try:
        decode_response(signal, body)
    except WireError:
        pass
    else:
        return True
    try:
        decode_message(response_class(signal), body, rule="OTLP-RESP-002")
    except WireError:
        return False
    return may_be_protobuf


def _told(answers: Mapping[Signal, ExportResult]) -> str:
    return ", ".join(
        f"{signal} got "
        + (f"HTTP {each.http_status}" if each.http_status else f"gRPC status {each.grpc_status}")
        for signal, each in answers.items()
    )


def _unreachable(lab: TargetLab, deadline: Deadline) -> str:
    """Why no connection can be made by the deadline; empty if one can."""
    while True:
        try:
            lab.connect().close()
        except SendError as error:
            if not deadline.pause(_LOOK_EVERY_S):
                return f"it cannot be reached at {error.target}: {error.problem}"
        else:
            return ""


def _is_not_served(answer: ExportResult) -> bool:
    return answer.http_status in _NOT_SERVED_HTTP or answer.grpc_status == _UNIMPLEMENTED
