"""One export over HTTP/1.1: the attempts, and what each answer means.

Connections are kept for the next export. An answer is read up to 4 MiB, inflated or not; what is
longer is an error that is not sent again. Redirects are not followed: a failure that is told.
"""

import gzip
import http.client
import os
import ssl
import threading
import time
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from tests.subjects.exporters.answers import partial_success
from tests.subjects.exporters.planted import WRONG
from tests.subjects.exporters.raw_calls import OVER_HTTP2, post_over_http2
from tests.subjects.exporters.request_faults import planted_request
from tests.subjects.exporters.retrying import Answer, deliver, planted_verdict
from tests.subjects.exporters.settings import Settings
from tests.subjects.exporters.telemetry import anew, json_text, shortened

__all__ = ["export"]

_RETRYABLE: Final = frozenset({429, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TO_GET: Final = frozenset({301, 302, 303})
_SLOW_HANDSHAKE_S: Final = 0.2
_MISDIRECTED: Final = 421
_MOST_BYTES: Final = 4 * 1024 * 1024
_PIECE: Final = 65536
_KIB: Final = 1024

_kept: dict[tuple[object, ...], http.client.HTTPConnection] = {}


class TooLargeError(Exception):
    """An answer is longer than this client takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def export(settings: Settings, kind: str, body: bytes) -> bool:
    """Send one message in protobuf, as JSON if the settings say so; whether it was taken."""
    content, headers = _content(settings, kind, body)
    if WRONG in OVER_HTTP2 and settings.is_tls:
        is_sent = post_over_http2(settings, content, headers)
        if is_sent is not None or WRONG == "HTTP/2 or nothing":
            return bool(is_sent)
    attempts = 0
    if WRONG == "sends empty requests":
        _answer(settings, _content(settings, kind, b"")[0], headers, settings.timeout_s)

    def send(timeout_s: float | None) -> Answer:
        nonlocal content, headers, attempts
        attempts += 1
        if attempts > 1 and WRONG == "changes what it sends again":
            content = _content(settings, kind, body + body)[0]
        if attempts > 1 and WRONG == "more in the next attempt":
            content = _content(settings, kind, body + anew(kind))[0]
        if attempts > 1 and WRONG == "less in the next attempt":
            content = _content(settings, kind, shortened(kind, body))[0]
        if attempts > 1 and WRONG == "other ids in each attempt":
            content = _content(settings, kind, anew(kind))[0]
        if attempts > 1 and WRONG == "headers go once":
            headers = {"Content-Type": headers["Content-Type"]}
        return _answer(settings, content, headers, timeout_s)

    return deliver(kind, settings.timeout_s, send)


def _answer(
    settings: Settings, content: bytes, headers: Mapping[str, str], timeout_s: float | None
) -> Answer:
    """One attempt, whatever becomes of it."""
    try:
        reply = _exchange(settings, content, headers, timeout_s)
        if reply.status == _MISDIRECTED and WRONG.startswith("tries what was misdirected"):
            _forget(settings)
            if WRONG.endswith("nothing else"):
                threading.Event().wait(_SLOW_HANDSHAKE_S)
            reply = _exchange(settings, content, headers, timeout_s)
    except TooLargeError as problem:
        if WRONG == "dies of too long an answer":
            os.abort()
        told = "" if WRONG == "silent about too long an answer" else str(problem)
        return Answer(told=told, is_retryable=WRONG == "sends again after too long an answer")
    except ssl.SSLError as problem:
        _forget(settings)
        return Answer(told=f"no TLS: {problem}")
    except (OSError, http.client.HTTPException) as problem:
        _forget(settings)
        if isinstance(problem, ConnectionRefusedError) and WRONG == "gives up where nobody listens":
            return Answer(told="nobody listens")
        if WRONG == "one more at once":
            return _once_more(settings, content, headers, timeout_s)
        return _lost(problem)
    return _meaning(settings, reply)


def _once_more(
    settings: Settings, content: bytes, headers: Mapping[str, str], timeout_s: float | None
) -> Answer:
    """As some HTTP libraries do by themselves; what is lost then is lost."""
    try:
        return _meaning(settings, _exchange(settings, content, headers, timeout_s))
    except (OSError, http.client.HTTPException) as problem:
        _forget(settings)
        return Answer(told=f"no answer, twice: {problem}")


def _lost(problem: Exception) -> Answer:
    if WRONG == "dies of a lost connection":
        os.abort()
    told = f"no answer: {type(problem).__name__} {problem}"
    return Answer(told=told, is_retryable=planted_verdict("lost", is_retryable=True))


def _meaning(settings: Settings, reply: Reply) -> Answer:
    if WRONG == "follows redirects" and reply.status in _REDIRECTS:
        return _followed(settings, reply)
    if WRONG == "follows redirects by GET" and reply.headers.get("location", "").startswith("http"):
        return _got(settings, reply)
    if reply.status // 100 == 2 or (WRONG == "redirects are success" and reply.status // 100 == 3):
        return _success(settings, reply)
    is_retryable = planted_verdict(str(reply.status), is_retryable=reply.status in _RETRYABLE)
    if WRONG == "retries what the body says" and b"\x0e" in reply.content[:4]:
        is_retryable = True
    if WRONG == "drops what has an odd Retry-After" and reply.headers.get("retry-after") == "abc":
        is_retryable = False
    if WRONG == "retries what has Retry-After" and "retry-after" in reply.headers:
        is_retryable = True
    return Answer(
        told=f"HTTP {reply.status}",
        is_retryable=is_retryable,
        retry_after_s=_retry_after_s(reply),
    )


def _got(settings: Settings, reply: Reply) -> Answer:
    """What a library makes of 301, 302 and 303: GET, without the body."""
    if reply.status not in _TO_GET:
        return Answer(told=f"HTTP {reply.status}")
    with urllib.request.urlopen(reply.headers["location"], timeout=settings.timeout_s) as page:  # noqa: S310 -- of the suite
        return Answer(is_success=page.status == http.client.OK)


def _success(settings: Settings, reply: Reply) -> Answer:
    if reply.status != http.client.OK and WRONG == "only 200 is success":
        return Answer(told=f"HTTP {reply.status}", is_retryable=True)
    if reply.status != http.client.OK and WRONG == "only 200 is not a loss":
        return Answer(told=f"HTTP {reply.status}")
    if WRONG == "wants a content type" and "content-type" not in reply.headers:
        return Answer(told="unable to send spans: the server is out of specification")
    try:
        is_json = settings.protocol == "http/json"
        told = partial_success(reply.content, is_json=is_json)
    except ValueError as problem:
        again = WRONG in {"sends again what was answered badly", "counts as text only"}
        return Answer(
            told=f"taken, with an answer that cannot be read: {problem}",
            is_success=not again,
            is_retryable=again,
        )
    again = WRONG == "sends again after partial success" and "rejected" in told
    return Answer(told=told, is_success=not again, is_retryable=again)


def _retry_after_s(reply: Reply) -> float | None:
    """Seconds that the receiver asks to wait; what cannot be read asks nothing."""
    value = reply.headers.get("retry-after", "")
    if not value or f"ignores Retry-After:{reply.status}" == WRONG:
        return None
    if value.isascii() and value.isdigit():
        return None if WRONG == "ignores Retry-After:seconds" else float(value)
    if WRONG == "dies of an odd Retry-After":
        os.abort()
    if WRONG == "hammers after a delay of zero":
        return 0.0
    try:
        at = parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    return None if WRONG == "ignores Retry-After:date" else max(0.0, at - time.time())  # noqa: TID251 -- a date is of the wall clock


def _followed(settings: Settings, reply: Reply) -> Answer:
    url = urlsplit(reply.headers.get("location", ""))
    moved = replace(settings, host=url.hostname or "", port=url.port, path=url.path or "/")
    return _answer(moved, b"moved", settings.headers, settings.timeout_s)


def _exchange(
    settings: Settings, content: bytes, headers: Mapping[str, str], timeout_s: float | None
) -> Reply:
    """One request and its reply.

    Raises:
        TooLargeError: The reply is too long.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    connection = _connection(settings, timeout_s)
    method = "PUT" if WRONG == "transport/http_requests" else "POST"
    connection.request(method, settings.path, body=content, headers=dict(headers))
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    try:
        raw = _read(response, deadline)
        response.close()  # of no body `read1` does not see the end
        is_packed = found.get("content-encoding") == "gzip" and WRONG != "reads no gzip"
        inflated = _inflated(raw) if is_packed else raw
    except TooLargeError:
        _forget(settings)
        raise
    if found.get("connection", "").lower() == "close":
        _forget(settings)
    return Reply(status=response.status, headers=found, content=inflated)


def _read(response: http.client.HTTPResponse, deadline: float | None) -> bytes:
    """The body.

    Raises:
        TooLargeError: It is too long.
        TimeoutError: It takes too long.
    """
    pieces, size = [], 0
    while piece := response.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_BYTES and WRONG != "takes answers of any size":
            raise TooLargeError(f"HTTP {response.status}, the answer is over {_MOST_BYTES} bytes")
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError("the answer does not end")
    return b"".join(pieces)


def _inflated(raw: bytes) -> bytes:
    """A gzip body, inflated.

    Raises:
        TooLargeError: It is too long.
        HTTPException: It is none.
    """
    if WRONG == "takes answers of any size":
        return gzip.decompress(raw)
    inflater = zlib.decompressobj(31)
    try:
        found = inflater.decompress(raw, _MOST_BYTES)
    except zlib.error as problem:
        raise http.client.HTTPException(f"no gzip: {problem}") from problem
    if inflater.unconsumed_tail:
        raise TooLargeError(f"the answer inflates to over {_MOST_BYTES} bytes")
    return found


def _connection(settings: Settings, timeout_s: float | None) -> http.client.HTTPConnection:
    key = _key(settings)
    if WRONG == "a connection for each request":
        _forget(settings)
    if key not in _kept:
        _kept[key] = _opened(settings)
    connection = _kept[key]
    connection.timeout = timeout_s
    if connection.sock is not None:
        connection.sock.settimeout(timeout_s)
    return connection


def _opened(settings: Settings) -> http.client.HTTPConnection:
    if not settings.is_tls:
        return http.client.HTTPConnection(settings.host, settings.port)
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    is_told = bool(settings.ca_file)
    if WRONG == "trusts anybody" or (WRONG == "trusts anybody when not told" and not is_told):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if WRONG == "any host will do":
        context.check_hostname = False
    if settings.client_certificate_file:
        context.load_cert_chain(settings.client_certificate_file, settings.client_key_file)
    return http.client.HTTPSConnection(settings.host, settings.port, context=context)


def _key(settings: Settings) -> tuple[object, ...]:
    return (
        settings.is_tls,
        settings.host,
        settings.port,
        settings.ca_file,
        settings.client_certificate_file,
    )


def _forget(settings: Settings) -> None:
    connection = _kept.pop(_key(settings), None)
    if connection is not None:
        connection.close()


def _content(settings: Settings, kind: str, body: bytes) -> tuple[bytes, dict[str, str]]:
    """The body as it goes out, and all headers."""
    without_json = os.environ.get("WITHOUT_JSON", "").split(",")
    is_json = settings.protocol == "http/json" and kind not in without_json
    media_type = "application/json" if is_json else "application/x-protobuf"
    if WRONG == "transport/json_requests":
        media_type = "text/plain"
    headers = {**settings.headers, "Content-Type": media_type, "Accept-Encoding": "gzip"}
    content = json_text(kind, body) if is_json else body
    is_long = len(content) >= _KIB or WRONG != "gzip from 1 KiB on"
    if settings.compression == "gzip" and is_long:
        headers["Content-Encoding"] = "gzip"
        content = gzip.compress(content)
    return planted_request(content, headers)
