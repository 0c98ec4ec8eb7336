"""What the model can say survives both encodings; whatever bytes come, only our errors do."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.json_rules import check_text
from otlptest.wire.otlp.otlp_requests import items_from_request, request_from_items
from otlptest.wire.transport.compression import SUPPORTED_ENCODINGS, compress, decompress
from tests.support.items import ITEMS
from tests.support.signals import EACH_SIGNAL

ROUNDS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # the strategies are wide; what matters is that each field is reached


def everything(item: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- any model item
    """What equality of items leaves out, beside the item."""
    owner = getattr(item, "metric", item)
    resource = owner.resource
    return (
        item,
        resource.schema_url,
        resource.dropped_attributes_count,
        getattr(owner, "description", ""),
    )


def same_items(left: list[Any], right: list[Any]) -> bool:
    """Whether both hold the same items; writing groups them, so the order may differ."""
    rest = [everything(item) for item in right]
    for item in map(everything, left):
        if item not in rest:
            return False
        rest.remove(item)
    return not rest


@pytest.mark.parametrize("signal", EACH_SIGNAL)
@ROUNDS
@given(data=st.data())
def test_items_survive_both_encodings(signal: Signal, data: st.DataObject) -> None:
    items = data.draw(st.lists(ITEMS[signal], min_size=1, max_size=3))
    written_signal, message = request_from_items(items)
    assert written_signal == signal

    wire = otlp_protobuf.encode_message(message)
    from_wire = otlp_protobuf.decode_request(signal, wire, protocol="grpc")
    assert same_items(items, list(items_from_request(signal, from_wire)))

    text = otlp_json.encode_message(message)
    from_text = otlp_json.decode_request(signal, text)
    assert otlp_protobuf.encode_message(from_text) == wire
    assert otlp_json.encode_message(from_text) == text


@pytest.mark.parametrize("signal", EACH_SIGNAL)
@ROUNDS
@given(data=st.data())
def test_written_json_breaks_no_rule_for_senders(signal: Signal, data: st.DataObject) -> None:
    _, message = request_from_items([data.draw(ITEMS[signal])])
    rules = {rule for rule, _, _ in check_text(signal, otlp_json.encode_message(message))}
    assert rules <= {
        "OTLP-JSON-030",
        "OTLP-JSON-031",
    }  # points that lack a value, or one of min, max


@pytest.mark.parametrize("signal", EACH_SIGNAL)
@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=64))
def test_random_bytes_are_read_or_refused_with_a_place(signal: Signal, data: bytes) -> None:
    try:
        otlp_protobuf.decode_request(signal, data, protocol="http/protobuf")
    except WireError as refused:
        assert refused.place  # noqa: PT017 -- either outcome is right


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_requests_are_read_or_refused_with_a_place(data: st.DataObject) -> None:
    _, message = request_from_items([data.draw(ITEMS["traces"])])
    wire = bytearray(otlp_protobuf.encode_message(message))
    at = data.draw(st.integers(0, len(wire) - 1))
    wire[at] = data.draw(st.integers(0, 255))
    try:
        otlp_protobuf.decode_request("traces", bytes(wire), protocol="grpc")
    except WireError as refused:
        assert refused.place  # noqa: PT017 -- either outcome is right


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceSpans", "scopeSpans", "spans", "attributes", "value", "kind", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(document=JSON)
def test_any_json_is_read_or_refused(document: object) -> None:
    import json  # noqa: PLC0415 -- only here, beside a module of ours that writes strictly

    text = json.dumps(document).encode()
    check_text("traces", text)
    try:
        message = otlp_json.decode_request("traces", text)
    except WireError as refused:
        assert refused.rule.startswith("OTLP-JSON-")  # noqa: PT017 -- either outcome is right
    else:
        assert otlp_json.decode_request("traces", otlp_json.encode_message(message)) == message


@settings(max_examples=200, deadline=None)
@given(text=st.binary(max_size=40))
def test_any_bytes_are_json_or_refused(text: bytes) -> None:
    check_text("logs", text)
    try:
        otlp_json.decode_request("logs", text)
    except WireError as refused:
        assert refused.kind == "malformed"  # noqa: PT017 -- either outcome is right


@pytest.mark.parametrize("encoding", SUPPORTED_ENCODINGS)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=2000), cut=st.integers(1, 20))
def test_compressed_bytes_survive_and_cut_ones_do_not(encoding: str, data: bytes, cut: int) -> None:
    packed = compress(encoding, data)
    assert decompress(encoding, packed, len(data)) == data
    if encoding != "identity":
        with pytest.raises(WireError):
            decompress(encoding, packed[:-cut], len(data))
