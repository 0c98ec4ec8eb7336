"""All other replies: flawed successes, late ones, lost ones, redirects."""

from dataclasses import replace
from typing import Final, cast

from otlptest.errors import UsageError
from otlptest.faults.arguments import (
    checked_body,
    checked_choice,
    checked_count,
    checked_headers,
    checked_seconds,
    checked_text,
    with_known_names,
    written,
)
from otlptest.faults.reply_faults import Ending, ReplyFault
from otlptest.wire.transport.statuses import GrpcCode

__all__ = [
    "ack_lost",
    "compressed",
    "delay",
    "hang",
    "malformed_body",
    "ok",
    "oversize_body",
    "partial_success",
    "redirect",
    "wrong_content_type",
]

_MIB: Final = 1024 * 1024
_ENCODINGS: Final = ("gzip", "deflate", "zstd")
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_USUAL_REDIRECT: Final = 307


@with_known_names
def ok() -> ReplyFault:
    """The good answer, full success: for a place in a sequence.

    Example:
        >>> from otlptest import faults
        >>> faults.ok()
        faults.ok()
    """
    return ReplyFault(text="faults.ok()")


@with_known_names
def partial_success(*, rejected: int = 0, message: str = "") -> ReplyFault:
    """Success, but so many items were rejected; with 0 and a message a warning.

    The items stay received: OTLP does not say which ones were rejected.

    Args:
        rejected: The number of spans, data points, log records or profiles. With 0 and no message
            `partial_success` is set and empty (OTLP-RESP-016).
        message: `error_message`.

    Raises:
        UsageError: `rejected` is below 0.

    Example:
        >>> from otlptest import faults
        >>> faults.partial_success(rejected=3, message="quota")
        faults.partial_success(rejected=3, message='quota')
    """
    return ReplyFault(
        text=written("partial_success", rejected=rejected or None, message=message),
        rejected=checked_count("rejected", rejected),
        message=checked_text("message", message),
    )


@with_known_names
def delay(seconds: float, /, *, reply: ReplyFault | None = None) -> ReplyFault:
    """The reply comes later.

    Over HTTP/1.1 the connection's next requests wait too; over HTTP/2 they do not.

    Args:
        seconds: The time between the whole request and its reply.
        reply: The delayed reply; full success if None.

    Raises:
        UsageError: `seconds` is below 0 or beyond a day.

    Example:
        >>> from otlptest import faults
        >>> faults.delay(0.5, reply=faults.unavailable())
        faults.delay(0.5, reply=faults.unavailable())
    """
    checked = checked_seconds("delay", seconds)
    late = _reply(reply)
    return replace(
        late, text=written("delay", seconds, reply=reply), delay_s=late.delay_s + checked
    )


@with_known_names
def hang() -> ReplyFault:
    """No reply, ever; the connection stays open until the client gives up.

    Its telemetry does not count as received: the client cannot know that it was.
    """
    return ReplyFault(text="faults.hang()", ending="hang", keeps_telemetry=False)


@with_known_names
def ack_lost(*, ending: Ending = "close") -> ReplyFault:
    """The telemetry is received, and the reply never arrives.

    A client that sends it again makes duplicates; one that does not was lucky. Everything else
    in progress on an HTTP/2 connection ends with it.

    Args:
        ending: What happens instead: the connection is closed (`"close"`) or reset (`"reset"`),
            or nothing happens (`"hang"`).

    Raises:
        UnknownNameError: The ending does not exist.
    """
    checked = checked_choice("ending", ending, ("close", "reset", "hang"))
    return ReplyFault(
        text=written("ack_lost", ending=None if ending == "close" else ending),
        ending=cast("Ending", checked),
    )


@with_known_names
def malformed_body(*, body: bytes | None = None) -> ReplyFault:
    """Success by its status, with a body that is not a message in its encoding.

    Args:
        body: The bytes; if None, cut protobuf or cut JSON, as the request's encoding.

    Raises:
        UsageError: `body` is not bytes.
    """
    return ReplyFault(
        text=written("malformed_body", body=body),
        body=checked_body(body),
        is_malformed=True,
    )


@with_known_names
def wrong_content_type(
    content_type: str = "text/html", /, *, body: bytes | None = None
) -> ReplyFault:
    """Success by its status, with a content type that does not belong there.

    Args:
        content_type: The value of the header; empty: no header over HTTP.
        body: The bytes; if None, the correct message despite the header.

    Raises:
        UsageError: An argument cannot be sent.
    """
    checked = dict(checked_headers({"Content-Type": content_type}))
    return ReplyFault(
        text=written("wrong_content_type", content_type, body=body),
        content_type=checked["Content-Type"],
        body=checked_body(body),
    )


@with_known_names
def oversize_body(*, size_bytes: int = 4 * _MIB + 1, encoding: str | None = None) -> ReplyFault:
    """Success whose message is larger than clients must take (4 MiB), yet well-formed.

    It is padded with an unknown field, which a client has to ignore.

    Args:
        size_bytes: Size of the message, inflated; at most 256 MiB.
        encoding: The compression: `gzip`, `deflate` or `zstd`; a bomb if the size is large.

    Raises:
        UsageError: The size is not possible.
        UnknownNameError: The encoding does not exist.
    """
    return ReplyFault(
        text=written("oversize_body", size_bytes=size_bytes, encoding=encoding),
        size_bytes=checked_count("size_bytes", size_bytes, least=64, most=256 * _MIB),
        encoding=None if encoding is None else checked_choice("encoding", encoding, _ENCODINGS),
    )


@with_known_names
def redirect(location: str = "", /, *, http_status: int = _USUAL_REDIRECT) -> ReplyFault:
    """Over HTTP a redirect; over gRPC, which has none, the same bare HTTP status.

    Args:
        location: The target; `/moved` and the request's path if empty.
        http_status: 301, 302, 303, 307 or 308.

    Raises:
        UsageError: The status is not a redirect, or the location cannot be sent.
    """
    if http_status not in _REDIRECTS:
        shown = ", ".join(map(str, _REDIRECTS))
        raise UsageError(f"http_status must be one of {shown} and is {http_status!r}")
    checked_headers({"Location": location})
    return ReplyFault(
        text=written(
            "redirect",
            *([location] if location else []),
            http_status=None if http_status == _USUAL_REDIRECT else http_status,
        ),
        http_status=http_status,
        grpc_code=GrpcCode.UNKNOWN,
        headers=(("Location", location),),
        is_bare=True,
        keeps_telemetry=False,
    )


@with_known_names
def compressed(encoding: str = "gzip", /, *, reply: ReplyFault | None = None) -> ReplyFault:
    """The body of the reply is compressed, whether the client said that it takes that or not.

    Over HTTP with `Content-Encoding`, over gRPC with `grpc-encoding` and the compressed flag.

    Args:
        encoding: `gzip`, `deflate` or `zstd`.
        reply: The reply; full success if None.

    Raises:
        UnknownNameError: The encoding does not exist.

    Example:
        >>> from otlptest import faults
        >>> faults.compressed(reply=faults.partial_success(rejected=1, message="quota"))
        faults.compressed('gzip', reply=faults.partial_success(rejected=1, message='quota'))
    """
    return replace(
        _reply(reply),
        text=written("compressed", encoding, reply=reply),
        encoding=checked_choice("encoding", encoding, _ENCODINGS),
    )


def _reply(reply: ReplyFault | None) -> ReplyFault:
    """Return the reply to delay or compress.

    Raises:
        UsageError: It is not a reply.
    """
    if reply is None:
        return ok()
    if not isinstance(reply, ReplyFault):
        raise UsageError(f"reply must be a fault of replies and is {reply!r}", "faults.ok()")
    return reply
