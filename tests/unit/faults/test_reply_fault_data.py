"""What the makers of reply faults say, and what they refuse."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from otlptest import faults
from otlptest.errors import UnknownNameError, UsageError
from otlptest.faults import GrpcCode, ReplyFault
from otlptest.wire.transport.statuses import RpcStatus

RETRYABLE_HTTP = {429, 502, 503, 504}


@pytest.mark.parametrize(
    ("code", "http_status", "grpc_code"),
    [
        (400, 400, GrpcCode.INVALID_ARGUMENT),
        (429, 429, GrpcCode.RESOURCE_EXHAUSTED),
        (503, 503, GrpcCode.UNAVAILABLE),
        (504, 504, GrpcCode.DEADLINE_EXCEEDED),
        (418, 418, GrpcCode.UNKNOWN),
        (202, 202, GrpcCode.OK),
        ("UNAVAILABLE", 503, GrpcCode.UNAVAILABLE),
        ("data_loss", 503, GrpcCode.DATA_LOSS),
        (GrpcCode.INVALID_ARGUMENT, 400, GrpcCode.INVALID_ARGUMENT),
        (grpc.StatusCode.ABORTED, 503, GrpcCode.ABORTED),
        ("OK", 200, GrpcCode.OK),
    ],
    ids=str,
)
def test_status_is_told_to_both_transports(
    code: Any,  # noqa: ANN401 -- a table of kinds
    http_status: int,
    grpc_code: GrpcCode,
) -> None:
    fault = faults.status(code)
    assert (fault.http_status, fault.grpc_code) == (http_status, grpc_code)
    assert fault.keeps_telemetry == fault.is_success == (http_status < 300)


@pytest.mark.parametrize("code", list(GrpcCode), ids=lambda code: code.name)
def test_equivalent_of_a_grpc_code_may_be_retried_if_and_only_if_it_may(code: GrpcCode) -> None:
    fault = faults.status(code, retry_after_s=1)
    is_retryable = RpcStatus(code=code, retry_delay_s=1).is_retryable
    assert (fault.http_status in RETRYABLE_HTTP) == is_retryable


@pytest.mark.parametrize("http_status", range(200, 600))
def test_equivalent_of_an_http_status_may_be_retried_if_and_only_if_it_may(
    http_status: int,
) -> None:
    fault = faults.status(http_status)
    delay = 1 if http_status == 429 else None  # what 429 stands for needs RetryInfo over gRPC
    is_retryable = RpcStatus(code=fault.grpc_code, retry_delay_s=delay).is_retryable
    assert is_retryable == (http_status in RETRYABLE_HTTP)


def test_either_transport_can_be_told_something_else() -> None:
    fault = faults.status(429, grpc="UNAVAILABLE", http=502)
    assert (fault.http_status, fault.grpc_code) == (502, GrpcCode.UNAVAILABLE)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (faults.ok(), "faults.ok()"),
        (faults.status(429, retry_after_s=1), "faults.status(429, retry_after_s=1)"),
        (faults.status(503, retry_after_s=0), "faults.status(503, retry_after_s=0)"),
        (faults.status("UNAVAILABLE"), "faults.status('UNAVAILABLE')"),
        (faults.status(GrpcCode.ABORTED), "faults.status('ABORTED')"),
        (
            faults.status(
                503,
                retry_after_s=2,
                retry_after_form="date",
                headers={"X": "y"},
                body=b"busy",
                is_bare=True,
            ),
            (
                "faults.status(503, retry_after_s=2, retry_after_form='date', headers={'X': 'y'},"
                " body=b'busy', is_bare=True)"
            ),
        ),
        (faults.unavailable(retry_after_s=0.2), "faults.unavailable(retry_after_s=0.2)"),
        (faults.resource_exhausted(message="m"), "faults.resource_exhausted(message='m')"),
        (
            faults.partial_success(rejected=3, message="quota"),
            "faults.partial_success(rejected=3, message='quota')",
        ),
        (faults.partial_success(), "faults.partial_success()"),
        (
            faults.delay(0.5, reply=faults.unavailable()),
            "faults.delay(0.5, reply=faults.unavailable())",
        ),
        (faults.hang(), "faults.hang()"),
        (faults.ack_lost(), "faults.ack_lost()"),
        (faults.ack_lost(ending="reset"), "faults.ack_lost(ending='reset')"),
        (faults.malformed_body(body=b"x"), "faults.malformed_body(body=b'x')"),
        (faults.wrong_content_type(), "faults.wrong_content_type('text/html')"),
        (faults.oversize_body(size_bytes=99), "faults.oversize_body(size_bytes=99)"),
        (faults.redirect(), "faults.redirect()"),
        (faults.redirect("/x", http_status=308), "faults.redirect('/x', http_status=308)"),
        (faults.compressed("zstd"), "faults.compressed('zstd')"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_fault_shows_as_the_call_that_makes_it(fault: ReplyFault, text: str) -> None:
    assert repr(fault) == fault.text == text
    assert hash(fault) == hash(fault)


def test_delays_add_up_and_keep_what_they_delay() -> None:
    fault = faults.delay(1, reply=faults.delay(0.5, reply=faults.unavailable(retry_after_s=3)))
    assert (fault.delay_s, fault.http_status, fault.retry_after_s) == (1.5, 503, 3)
    assert not fault.keeps_telemetry


@pytest.mark.parametrize(
    ("fault", "keeps"),
    [
        (faults.ok(), True),
        (faults.partial_success(rejected=1), True),
        (faults.delay(1), True),
        (faults.hang(), False),
        (faults.ack_lost(), True),
        (faults.malformed_body(), True),
        (faults.wrong_content_type(), True),
        (faults.oversize_body(), True),
        (faults.redirect(), False),
        (faults.compressed(), True),
        (faults.compressed(reply=faults.status(400)), False),
        (faults.unavailable(), False),
    ],
    ids=repr,
)
def test_only_what_the_sender_may_take_for_received_is_received(
    fault: ReplyFault,
    keeps: bool,  # noqa: FBT001 -- of the table
) -> None:
    assert fault.keeps_telemetry is keeps


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: faults.status(14), "14 is not an HTTP status from 200 to 599"),
        (lambda: faults.status(True), "True is not an HTTP status"),
        (lambda: faults.status(503.0), "a status is a number or a name and not 503.0"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.status("UNAVAILBLE"), "did you mean 'UNAVAILABLE'?"),
        (lambda: faults.status(503, http=99), "99 is not an HTTP status"),
        (lambda: faults.status(503, grpc="NO"), "unknown gRPC status code 'NO'"),
        (lambda: faults.status(503, retry_after_s=-1), "retry_after_s must be seconds from 0 to"),
        (lambda: faults.unavailable(retry_after_s=float("nan")), "and is nan"),
        (lambda: faults.unavailable(retry_after_form="data"), "did you mean 'date'?"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.status(400, violations=["a"]), "violations must be a mapping"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.status(400, violations={"a": 1}), "a violation's description must be"),  # type: ignore[dict-item]  # what it must refuse
        (lambda: faults.status(503, headers=[("a", "b")]), "headers must be a mapping"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.status(503, headers={"a": "b\r\nc: d"}), "a header cannot be sent: 'a'"),
        (lambda: faults.status(503, headers={"a b": "c"}), "a header cannot be sent: 'a b'"),
        (lambda: faults.status(503, headers={"a": 1}), "a header cannot be sent: 'a': 1"),  # type: ignore[dict-item]  # what it must refuse
        (lambda: faults.status(503, body="text"), "body must be bytes and is 'text'"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.status(503, message=None), "message must be a text and is None"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.partial_success(rejected=-1), "rejected must be a whole number from 0"),
        (lambda: faults.partial_success(rejected=True), "and is True"),
        (lambda: faults.delay(-1), "delay must be seconds from 0 to 86400 and is -1"),
        (lambda: faults.delay(1, reply="ok"), "reply must be a fault of replies and is 'ok'"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.ack_lost(ending="clos"), "did you mean 'close'?"),  # type: ignore[arg-type]  # what it must refuse
        (lambda: faults.wrong_content_type("a\nb"), "a header cannot be sent: 'Content-Type'"),
        (lambda: faults.oversize_body(size_bytes=1), "size_bytes must be a whole number from 64"),
        (lambda: faults.compressed("gzipp"), "did you mean 'gzip'?"),
        (lambda: faults.redirect(http_status=200), "http_status must be one of 301, 302, 303,"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_meant_is_refused_with_its_value(
    make: Callable[[], ReplyFault], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert message in str(caught.value)


def test_unknown_name_is_told_as_one() -> None:
    with pytest.raises(UnknownNameError):
        faults.compressed("brotli")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: faults.unavailable(retry_after=1),  # type: ignore[call-arg]
            "unknown argument of faults.unavailable() 'retry_after'\n"
            "  hint: did you mean 'retry_after_s'?",
            id="reply",
        ),
        pytest.param(
            lambda: faults.reset(bytes=1),  # type: ignore[call-arg]
            "unknown argument of faults.reset() 'bytes'\n  hint: did you mean 'after_bytes'?",
            id="wire",
        ),
    ],
)
def test_unknown_argument_names_the_nearest(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        make()
    assert str(caught.value) == message
