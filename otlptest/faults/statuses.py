"""Error-status replies: `status`, `unavailable`, `resource_exhausted`."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from types import MappingProxyType
from typing import Final, cast

from otlptest.errors import UsageError
from otlptest.faults.arguments import (
    checked_body,
    checked_choice,
    checked_flag,
    checked_headers,
    checked_name,
    checked_seconds,
    checked_text,
    with_known_names,
    written,
)
from otlptest.faults.reply_faults import ReplyFault, RetryAfterForm
from otlptest.faults.status_pairs import grpc_code_of, http_status_of
from otlptest.wire.transport.statuses import FieldViolation, GrpcCode

__all__ = ["resource_exhausted", "status", "unavailable"]

_CODES: Final = tuple(code.name for code in GrpcCode)
_LEAST_STATUS: Final = 200
_MOST_STATUS: Final = 599
_STATUS_HINT: Final = 'status(503) for HTTP, status("UNAVAILABLE") for gRPC'
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_NO_VIOLATIONS: Final[Mapping[str, str]] = MappingProxyType({})


@with_known_names
def status(
    code: int | str | GrpcCode,
    /,
    *,
    message: str = "",
    retry_after_s: float | None = None,
    retry_after_form: RetryAfterForm = "seconds",
    violations: Mapping[str, str] = _NO_VIOLATIONS,
    headers: Mapping[str, str] = _NO_HEADERS,
    body: bytes | None = None,
    content_type: str | None = None,
    grpc: str | GrpcCode | None = None,
    http: int | None = None,
    is_bare: bool = False,
    is_trailers_only: bool = True,
) -> ReplyFault:
    """An answer with a status of your choice.

    Args:
        code: A number is an HTTP status; a gRPC code is given by name (`"UNAVAILABLE"`) or as an
            enum member (`faults.GrpcCode.UNAVAILABLE`, `grpc.StatusCode.UNAVAILABLE`). The other
            transport gets the equivalent: 429 is RESOURCE_EXHAUSTED, 503 is UNAVAILABLE, codes
            that a client must not send again stay so.
        message: A text for developers; a short one if empty.
        retry_after_s: Seconds until the client may try again. Over HTTP `Retry-After`, rounded up
            to whole seconds; over gRPC a `RetryInfo` detail, exactly. 0 is sent as 0.
        retry_after_form: `"seconds"` or `"date"`, an HTTP date.
        violations: A `BadRequest` detail: field paths, each with its mistake.
        headers: Further header fields over HTTP, trailers over gRPC. They replace others of the
            same name: `{"Retry-After": "soon"}`.
        body: Replaces the `google.rpc.Status` over HTTP, e.g. `b""`; for a success, replaces
            the response message, over gRPC too.
        content_type: Replaces the request's content type over HTTP.
        grpc: Replaces the equivalent code over gRPC.
        http: Replaces the equivalent status over HTTP.
        is_bare: Over gRPC answer with the bare HTTP status and no `grpc-status`, as a proxy does.
        is_trailers_only: Over gRPC send it in one header block; False: in trailers after a head.

    Raises:
        UsageError: An argument is out of its range.
        UnknownNameError: The gRPC code does not exist.

    Example:
        >>> from otlptest import faults
        >>> faults.status(429, retry_after_s=1).grpc_code.name
        'RESOURCE_EXHAUSTED'
        >>> faults.status("ABORTED").http_status
        503
    """
    http_status, grpc_code = _both_statuses(code, grpc, http)
    said = ReplyFault(
        text=written(
            "status",
            code.name if isinstance(code, Enum) else code,
            message=message,
            retry_after_s=retry_after_s,
            retry_after_form=None if retry_after_form == "seconds" else retry_after_form,
            violations=violations,
            headers=headers,
            body=body,
            content_type=content_type,
            grpc=grpc.name if isinstance(grpc, Enum) else grpc,
            http=http,
            is_bare=is_bare or None,
            is_trailers_only=None if is_trailers_only else False,
        ),
        http_status=http_status,
        grpc_code=grpc_code,
        message=checked_text("message", message),
        retry_after_s=_retry_after(retry_after_s),
        retry_after_form=_form(retry_after_form),
        violations=_violations(violations),
        headers=checked_headers(headers),
        is_bare=checked_flag("is_bare", is_bare),
        is_trailers_only=checked_flag("is_trailers_only", is_trailers_only),
        body=checked_body(body),
        content_type=checked_text("content_type", content_type or "") or None,
    )
    return replace(said, keeps_telemetry=said.is_success)


@with_known_names
def unavailable(
    *,
    retry_after_s: float | None = None,
    message: str = "",
    retry_after_form: RetryAfterForm = "seconds",
) -> ReplyFault:
    """UNAVAILABLE over gRPC, 503 over HTTP: the client should try again.

    Args:
        retry_after_s: See `status`.
        message: See `status`.
        retry_after_form: See `status`.

    Raises:
        UsageError: An argument is out of its range.

    Example:
        >>> from otlptest import faults
        >>> faults.unavailable(retry_after_s=0.2)
        faults.unavailable(retry_after_s=0.2)
    """
    return _named("unavailable", GrpcCode.UNAVAILABLE, retry_after_s, message, retry_after_form)


@with_known_names
def resource_exhausted(
    *,
    retry_after_s: float | None = None,
    message: str = "",
    retry_after_form: RetryAfterForm = "seconds",
) -> ReplyFault:
    """RESOURCE_EXHAUSTED over gRPC, 429 over HTTP: the client sends too much.

    Over gRPC it may try again only if `retry_after_s` is given (OTLP-RESP-027, -028).

    Args:
        retry_after_s: See `status`.
        message: See `status`.
        retry_after_form: See `status`.

    Raises:
        UsageError: An argument is out of its range.
    """
    return _named(
        "resource_exhausted", GrpcCode.RESOURCE_EXHAUSTED, retry_after_s, message, retry_after_form
    )


def _named(
    name: str,
    code: GrpcCode,
    retry_after_s: float | None,
    message: str,
    retry_after_form: RetryAfterForm,
) -> ReplyFault:
    """Return `status(code, ...)`, shown as the call of `name`."""
    text = written(
        name,
        retry_after_s=retry_after_s,
        message=message,
        retry_after_form=None if retry_after_form == "seconds" else retry_after_form,
    )
    said = status(
        code, message=message, retry_after_s=retry_after_s, retry_after_form=retry_after_form
    )
    return replace(said, text=text)


def _both_statuses(
    code: int | str | GrpcCode, grpc: str | GrpcCode | None, http: int | None
) -> tuple[int, GrpcCode]:
    """Return the HTTP status and the gRPC code of `code`, or those given explicitly.

    Raises:
        UsageError: One is not possible.
    """
    if isinstance(code, int) and not isinstance(code, Enum):
        http_status = _http_status(code)
        grpc_code = grpc_code_of(http_status)
    elif isinstance(code, str | Enum):
        grpc_code = _grpc_code(code)
        http_status = http_status_of(grpc_code)
    else:
        raise UsageError(f"a status is a number or a name and not {code!r}", _STATUS_HINT)
    if http is not None:
        http_status = _http_status(http)
    if grpc is not None:
        grpc_code = _grpc_code(grpc)
    return http_status, grpc_code


def _http_status(code: int) -> int:
    """Return an HTTP status that ends a request.

    Raises:
        UsageError: It is something else.
    """
    if isinstance(code, bool) or not _LEAST_STATUS <= code <= _MOST_STATUS:
        raise UsageError(f"{code!r} is not an HTTP status from 200 to 599", _STATUS_HINT)
    return code


def _grpc_code(code: str | Enum) -> GrpcCode:
    return GrpcCode[checked_name("gRPC status code", code, _CODES)]


def _retry_after(value: float | None) -> float | None:
    return None if value is None else checked_seconds("retry_after_s", value)


def _form(value: str) -> RetryAfterForm:
    return cast("RetryAfterForm", checked_choice("retry_after_form", value, ("seconds", "date")))


def _violations(violations: Mapping[str, str]) -> tuple[FieldViolation, ...]:
    """Return the violations for a `BadRequest` detail.

    Raises:
        UsageError: They are not a mapping of texts.
    """
    if not isinstance(violations, Mapping):
        raise UsageError(
            f"violations must be a mapping of field paths to texts and are {violations!r}",
            'violations={"resource_spans[0]": "has no scope"}',
        )
    return tuple(
        FieldViolation(
            field=checked_text("a violation's field", field),
            description=checked_text("a violation's description", description),
        )
        for field, description in violations.items()
    )
