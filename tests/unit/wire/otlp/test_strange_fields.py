"""Bytes of another message are told by fields that do not fit."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from otlptest.model import Signal
from otlptest.wire.otlp.signals import request_class
from otlptest.wire.otlp.strange_fields import strange_fields
from tests.support.right_requests import log_request, metric_request, trace_request

BUILDERS: dict[Signal, Callable[[], Any]] = {
    "traces": trace_request,
    "metrics": metric_request,
    "logs": log_request,
}


def found(signal: Signal, body: bytes) -> tuple[str, ...]:
    return strange_fields(request_class(signal).FromString(body))


@pytest.mark.parametrize("signal", BUILDERS, ids=str)
def test_a_right_request_has_none(signal: Signal) -> None:
    assert found(signal, BUILDERS[signal]().SerializeToString()) == ()


OTHERS = [(signal, sent) for signal in BUILDERS for sent in BUILDERS if signal != sent]


@pytest.mark.parametrize(("signal", "sent"), OTHERS, ids=[f"{b} as {a}" for a, b in OTHERS])
def test_another_signals_message_is_told_where_it_can_be_decoded_at_all(
    signal: Signal, sent: Signal
) -> None:
    try:
        fields = found(signal, BUILDERS[sent]().SerializeToString())
    except DecodeError:
        return
    assert fields


def test_a_record_sent_as_a_span_can_be_decoded_and_is_told() -> None:
    message = log_request()
    scope = message.resource_logs[0].scope_logs[0]
    del scope.log_records[:]
    scope.log_records.add(time_unix_nano=1, severity_number=9)
    assert found("traces", message.SerializeToString()) == (
        "resource_spans[0].scope_spans[0].spans[0].trace_id as fixed64",
        "resource_spans[0].scope_spans[0].spans[0].span_id as varint",
    )


def test_a_top_level_field_that_no_request_has_is_told() -> None:
    body = trace_request().SerializeToString() + b"\x10\x01"
    assert found("traces", body) == ("field 2, which ExportTraceServiceRequest does not have",)


def test_a_new_field_further_down_is_not_strange() -> None:
    message = trace_request()
    span = message.resource_spans[0].scope_spans[0].spans[0]
    span.MergeFromString(b"\xf8\x06\x01")  # field 111
    assert found("traces", message.SerializeToString()) == ()


def test_the_place_and_the_wire_type_are_told() -> None:
    message = trace_request()
    span = message.resource_spans[0].scope_spans[0].spans[0]
    span.MergeFromString(b"\x3a\x01x")  # start_time_unix_nano with a length
    assert found("traces", message.SerializeToString()) == (
        "resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano as length-delimited",
    )


def test_a_few_are_enough() -> None:
    body = trace_request().SerializeToString() + b"\x10\x01" * 50
    assert len(found("traces", body)) == 5
