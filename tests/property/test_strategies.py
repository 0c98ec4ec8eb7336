"""What the public strategies draw is what they say: right, odd, or no request."""

import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from otlptest import strategies
from otlptest.collector.fake import FakeCollector
from otlptest.errors import UsageError, WireError
from otlptest.model import Protocol, Signal
from otlptest.requirements import find
from otlptest.sending import send
from otlptest.strategies import Payload
from otlptest.strategies.broken_protobuf import is_certainly_broken
from otlptest.validation import validate_requests
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.signals import request_class
from tests.support.right_requests import trace_request
from tests.support.signals import EACH_SIGNAL, needs_profiles
from tests.support.validated import accepted, findings_of

ROUNDS = settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck)
)  # the strategies are wide; what matters is that each topic is reached
FEW = settings(ROUNDS, max_examples=15)
EACH_PROTOCOL = [pytest.param(protocol, id=protocol) for protocol in get_args(Protocol)]


def decoded(payload: Payload, body: bytes | None = None) -> Any:  # noqa: ANN401 -- a generated message
    data = payload.body if body is None else body
    if payload.protocol == "http/json":
        return otlp_json.decode_request(payload.signal, data)
    return otlp_protobuf.decode_request(payload.signal, data, protocol=payload.protocol)


def is_refused(payload: Payload) -> bool:
    try:
        decoded(payload)
    except WireError:
        return True
    return False


@pytest.mark.parametrize("signal", EACH_SIGNAL)
@ROUNDS
@given(data=st.data())
def test_requests_break_no_rule(signal: Signal, data: st.DataObject) -> None:
    request = data.draw(strategies.requests(signal))
    assert findings_of(signal, [request]) == ()
    assert request_class(signal).FromString(request.SerializeToString()) == request


@pytest.mark.parametrize("signal", EACH_SIGNAL)
@pytest.mark.parametrize("protocol", EACH_PROTOCOL)
@FEW
@given(data=st.data())
def test_valid_payloads_break_no_rule_of_their_encoding(
    signal: Signal, protocol: Protocol, data: st.DataObject
) -> None:
    payload = data.draw(strategies.encoded(signal, protocol=protocol))
    request = accepted(signal, decoded(payload))
    if protocol == "http/json":
        request = replace(request, protocol=protocol, packed_json=zlib.compress(payload.body))
    assert validate_requests([request]) == ()
    assert payload.expected != "must_refuse"
    assert (payload.fault, payload.plain) == ("", b"")


@pytest.mark.parametrize("signal", EACH_SIGNAL)
@pytest.mark.parametrize("protocol", EACH_PROTOCOL)
@ROUNDS
@given(data=st.data(), validity=st.sampled_from(["borderline", "invalid"]))
def test_odd_and_invalid_payloads_are_what_they_say(
    signal: Signal, protocol: Protocol, validity: strategies.Validity, data: st.DataObject
) -> None:
    payload = data.draw(strategies.encoded(signal, protocol=protocol, validity=validity))
    assert (payload.expected == "must_refuse") == (validity == "invalid")
    if payload.expected == "must_accept":
        assert not is_refused(payload), payload
    if payload.expected == "must_refuse":
        assert is_refused(payload), payload
        assert not payload.is_decodable
    if payload.plain:
        decoded(payload, payload.plain)
    assert payload.fault
    assert "server" in find(payload.rule).binds
    assert payload.content_type.startswith("application/")
    assert str(payload).startswith(f"{validity} {signal} over {protocol} ({len(payload.body)} byte")


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeCollector]:
    with FakeCollector() as collector:
        yield collector


@pytest.mark.parametrize("signal", EACH_SIGNAL)
@pytest.mark.parametrize("protocol", EACH_PROTOCOL)
@FEW
@given(data=st.data())
def test_the_fake_answers_as_expected(
    fake: FakeCollector, signal: Signal, protocol: Protocol, data: st.DataObject
) -> None:
    validity = data.draw(st.sampled_from(get_args(strategies.Validity)))
    payload = data.draw(strategies.encoded(signal, protocol=protocol, validity=validity))
    (answer,) = send(payload.body, to=fake, protocol=protocol, signal=signal).exports
    if payload.expected == "must_refuse":
        assert not answer.is_success, payload
        assert answer.http_status in {400, None}, payload
    if payload.expected == "must_accept":
        assert answer.is_success, payload


@pytest.mark.parametrize("signal", EACH_SIGNAL)
@ROUNDS
@given(data=st.data())
def test_other_encodings_mean_the_same(signal: Signal, data: st.DataObject) -> None:
    request = data.draw(strategies.requests(signal))
    body = data.draw(strategies.encodings(request))
    again: Any = otlp_protobuf.decode_request(signal, body, protocol="grpc")
    again.DiscardUnknownFields()
    assert again == request


def test_what_decoders_differ_about_is_not_called_broken() -> None:
    right = trace_request().SerializeToString()
    in_entity_refs = b"\x0a\x05\x0a\x03\x1a\x01\x0a"
    assert not is_certainly_broken("traces", right)
    assert not is_certainly_broken("traces", right + b"\x0a\x04\x1a\x02\xff\xfe")  # no UTF-8
    assert not is_certainly_broken("traces", in_entity_refs)
    assert is_certainly_broken("traces", right + b"\x0a")


@pytest.mark.parametrize("kind", get_args(strategies.MetricKind), ids=str)
@FEW
@given(data=st.data())
def test_metrics_of_a_kind_have_it(kind: strategies.MetricKind, data: st.DataObject) -> None:
    metric = data.draw(strategies.metrics(kind=kind))
    assert metric.WhichOneof("data") == kind
    assert metric.name


@FEW
@given(data=st.data())
def test_parts_of_requests_can_be_drawn_alone(data: st.DataObject) -> None:
    assert len(data.draw(strategies.spans()).trace_id) == 16
    assert data.draw(strategies.events()).DESCRIPTOR.name == "LogRecord"
    assert data.draw(strategies.log_records()).observed_time_unix_nano
    assert data.draw(strategies.exemplars()).WhichOneof("value")
    assert data.draw(strategies.resources()).DESCRIPTOR.name == "Resource"
    assert data.draw(strategies.scopes()).DESCRIPTOR.name == "InstrumentationScope"
    keys = [attribute.key for attribute in data.draw(strategies.attributes(most=15))]
    assert len(set(keys)) == len(keys)
    leaf = data.draw(strategies.any_values(depth=0))
    assert leaf.WhichOneof("value") not in {"array_value", "kvlist_value"}


@FEW
@given(data=st.data(), at=st.integers(2 * 10**17, 10**18))
def test_times_begin_where_they_are_told_to(data: st.DataObject, at: int) -> None:
    request = data.draw(strategies.traces_requests(at_unix_nano=at, most_items=1))
    for holder in request.resource_spans:
        for scope in holder.scope_spans:
            assert len(scope.spans) == 1
            assert scope.spans[0].start_time_unix_nano >= at


@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param(strategies.metrics_requests, id="metrics"),
        pytest.param(strategies.logs_requests, id="logs"),
        pytest.param(strategies.profiles_requests, id="profiles", marks=[needs_profiles]),
    ],
)
@FEW
@given(data=st.data())
def test_each_signal_has_a_strategy_of_its_own(
    drawn: Callable[[], st.SearchStrategy[Any]], data: st.DataObject
) -> None:
    assert data.draw(drawn()).ByteSize()


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        pytest.param(
            lambda: strategies.requests("spans"),  # type: ignore[arg-type]  # the mistake
            "unknown signal 'spans'",
            id="signal",
        ),
        pytest.param(
            lambda: strategies.requests("traces", most_items=0), "most_items must be", id="items"
        ),
        pytest.param(lambda: strategies.any_values(depth=-1), "depth must be from 0", id="depth"),
        pytest.param(lambda: strategies.attributes(most=99), "most must be from 0", id="most"),
        pytest.param(
            lambda: strategies.metrics(kind="counter"),  # type: ignore[arg-type]  # the mistake
            "unknown metric kind 'counter'",
            id="kind",
        ),
        pytest.param(
            lambda: strategies.encoded("traces", protocol="udp"),  # type: ignore[arg-type]  # the mistake
            "unknown protocol 'udp'",
            id="protocol",
        ),
        pytest.param(
            lambda: strategies.encoded("traces", validity="wrong"),  # type: ignore[arg-type]  # the mistake
            "unknown validity 'wrong'",
            id="validity",
        ),
    ],
)
def test_a_wrong_argument_is_refused_with_its_value(
    call: Callable[[], object], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        call()


def test_without_hypothesis_the_command_that_brings_it_is_told() -> None:
    program = "import sys; sys.modules['hypothesis'] = None; import otlptest.strategies"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "otlptest.strategies needs Hypothesis, which is not installed" in ended.stderr
    assert 'pip install "otlptest[fuzz]"' in ended.stderr


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@settings(ROUNDS, max_examples=200)
@given(data=st.data())
def test_a_field_number_0_is_one_requirement_in_every_protocol(
    protocol: Protocol, data: st.DataObject
) -> None:
    payload = data.draw(strategies.encoded("traces", protocol=protocol, validity="invalid"))
    try:
        decoded(payload)
    except WireError as refused:
        if "the number 0" in refused.problem:
            assert payload.rule == "OTLP-SRV-006"
