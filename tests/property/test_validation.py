"""Validation never raises, whatever a payload that can be decoded says."""

from typing import Any

from google.protobuf.message import DecodeError
from hypothesis import given, settings, strategies as st

from otlptest.errors import Finding
from otlptest.model import SIGNALS, Signal
from otlptest.requirements import find
from otlptest.validation import validate_requests
from otlptest.wire.otlp.signals import request_class
from tests.support.right_profiles import profile_request
from tests.support.right_requests import log_request, metric_request, trace_request
from tests.support.validated import accepted

RIGHT = {
    "traces": trace_request().SerializeToString(),
    "metrics": metric_request().SerializeToString(),
    "logs": log_request().SerializeToString(),
    "profiles": profile_request().SerializeToString(),
}
MAX_DEPTH = 12


@st.composite
def messages(draw: st.DrawFn, kind: Any, depth: int = 0) -> Any:  # noqa: ANN401 -- a generated class
    """Any message of a class: each field absent, or one of its own edge cases."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        repeated = getattr(field, "is_repeated", None)
        is_list = repeated if repeated is not None else field.label == 3
        for _ in range(draw(st.integers(0, 2 if is_list else 1))):
            if field.message_type is not None:
                if depth < MAX_DEPTH:
                    inner = draw(messages(field.message_type._concrete_class, depth + 1))
                    target = getattr(message, field.name)
                    (target.add() if is_list else target).MergeFrom(inner)
                    if not is_list:
                        target.SetInParent()
            elif is_list:
                getattr(message, field.name).append(draw(_value(field)))
            else:
                setattr(message, field.name, draw(_value(field)))
    return message


def _value(field: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 -- a descriptor
    if field.enum_type is not None:
        return st.sampled_from([0, 1, 2, 5, 24, 25, -1, 2**31 - 1])
    kinds: dict[int, st.SearchStrategy[Any]] = {
        field.CPPTYPE_STRING: (
            st.binary(max_size=17)
            if field.type == field.TYPE_BYTES
            else st.sampled_from(["", "a", "a=1,a=2", "ot=x", "ü" * 70, "http://h/1"])
        ),
        field.CPPTYPE_DOUBLE: st.floats(),
        field.CPPTYPE_BOOL: st.booleans(),
        field.CPPTYPE_INT32: st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31)]),
        field.CPPTYPE_UINT32: st.sampled_from([0, 1, 0x300, 2**32 - 1]),
        field.CPPTYPE_INT64: st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]),
        field.CPPTYPE_UINT64: st.sampled_from([0, 1, 17 * 10**11, 10**18, 2**64 - 1]),
    }
    return kinds[field.cpp_type]


def check(findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        assert find(finding.rule).id == finding.rule
        assert finding.where
        assert finding.received
        assert finding.severity in {"error", "warning"}


@settings(max_examples=60, deadline=None)
@given(data=st.data(), signal=st.sampled_from(SIGNALS))
def test_any_message_can_be_validated(data: st.DataObject, signal: Signal) -> None:
    drawn = [data.draw(messages(request_class(signal))) for _ in range(2)]
    check(validate_requests(accepted(signal, one, number=n) for n, one in enumerate(drawn)))


@settings(max_examples=200, deadline=None)
@given(
    signal=st.sampled_from(SIGNALS),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
)
def test_right_request_with_any_bytes_changed_can_be_validated(
    signal: Signal, changes: list[tuple[int, int]]
) -> None:
    body = bytearray(RIGHT[signal])
    for at, value in changes:
        body[at % len(body)] = value
    request = accepted(signal, trace_request())
    request.body = bytes(body)
    check(validate_requests([request, request]))


@settings(max_examples=50, deadline=None)
@given(signal=st.sampled_from(SIGNALS), other=st.sampled_from(SIGNALS))
def test_message_of_another_signal_can_be_validated(signal: Signal, other: Signal) -> None:
    try:
        request_class(signal).FromString(RIGHT[other])
    except DecodeError:
        return
    request = accepted(signal, trace_request())
    request.body = RIGHT[other]
    check(validate_requests([request]))
