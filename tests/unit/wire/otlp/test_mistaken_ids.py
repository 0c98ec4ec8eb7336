"""Ids of the wrong length: what they really are, in protobuf and in JSON."""

import base64

import pytest

from otlptest.errors import WireError
from otlptest.validation import judge
from otlptest.wire.otlp.json_rules import check_text
from otlptest.wire.otlp.mistaken_ids import mistake_in_bytes, mistake_in_text
from otlptest.wire.otlp.otlp_json import decode_request
from tests.support.right_requests import log_request, metric_request, trace_request
from tests.support.validated import accepted

TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
TRACE_BYTES, SPAN_BYTES = bytes.fromhex(TRACE_ID), bytes.fromhex(SPAN_ID)
UUID = "5b8efff7-9803-8103-d269-b633813fc60c"
DIGITS_OF_16 = (
    "these bytes are the hex digits of an id as text: write the 16 bytes of the id itself"
)
DIGITS_OF_8 = "these bytes are the hex digits of an id as text: write the 8 bytes of the id itself"


@pytest.mark.parametrize(
    ("identifier", "size", "hint"),
    [
        pytest.param(TRACE_ID.encode(), 16, DIGITS_OF_16, id="hex digits of a trace id"),
        pytest.param(TRACE_ID.upper().encode(), 16, DIGITS_OF_16, id="upper case"),
        pytest.param(SPAN_ID.encode(), 8, DIGITS_OF_8, id="hex digits of a span id"),
        pytest.param(
            base64.b64encode(TRACE_BYTES),
            16,
            "these bytes are base64 of 16 bytes as text: write the 16 bytes of the id itself",
            id="base64",
        ),
        pytest.param(
            UUID.encode(),
            16,
            "these bytes are a UUID as text: write the 16 bytes of the id itself",
            id="uuid",
        ),
        pytest.param(
            SPAN_BYTES,
            16,
            "this is an id of 64 bits: write 8 zero bytes before it",
            id="64 bits",
        ),
        pytest.param(bytes(32), 16, "", id="too many zeros"),
        pytest.param(b"\xff" * 32, 16, "", id="other bytes"),
        pytest.param(b"", 16, "", id="nothing"),
        pytest.param(TRACE_BYTES, 8, "", id="a trace id as a span id"),
        pytest.param(b"z" * 32, 16, "", id="other text"),
        pytest.param(b"a" * 5000, 16, "", id="long text"),
    ],
)
def test_bytes_that_are_no_id_are_known_by_what_they_are(
    identifier: bytes, size: int, hint: str
) -> None:
    assert mistake_in_bytes(identifier, size) == hint


IN_JSON = ", and OTLP writes ids in hex"


@pytest.mark.parametrize(
    ("text", "size", "clause"),
    [
        pytest.param(
            base64.b64encode(TRACE_BYTES).decode(),
            16,
            f"it is base64 of 16 bytes{IN_JSON}",
            id="base64 of a trace id",
        ),
        pytest.param(
            base64.b64encode(SPAN_BYTES).decode(),
            8,
            f"it is base64 of 8 bytes{IN_JSON}",
            id="base64 of a span id",
        ),
        pytest.param(
            base64.urlsafe_b64encode(b"\xff" * 16).decode().rstrip("="),
            16,
            f"it is base64 of 16 bytes{IN_JSON}",
            id="the other alphabet without padding",
        ),
        pytest.param(
            base64.b64encode(TRACE_ID.encode()).decode(),
            16,
            f"it is base64 of the hex digits of an id{IN_JSON}",
            id="base64 of the hex digits",
        ),
        pytest.param(UUID, 16, f"it is a UUID{IN_JSON}", id="uuid"),
        pytest.param(SPAN_ID, 16, "it is an id of 64 bits: write 16 zeros before it", id="64 bits"),
        pytest.param(f"0x{TRACE_ID}", 16, "write it without the 0x", id="0x"),
        pytest.param("abcd", 16, "", id="too short"),
        pytest.param("abcdef01", 8, "", id="hex of another length"),
        pytest.param("z" * 32, 16, "", id="no hex"),
        pytest.param(TRACE_ID, 16, "", id="a right id"),
        pytest.param("é" * 24, 16, "", id="no ASCII"),
        pytest.param("a" * 5000, 16, "", id="a long text"),
    ],
)
def test_texts_that_are_no_id_are_known_by_what_they_are(text: str, size: int, clause: str) -> None:
    assert mistake_in_text(text, size) == clause


def test_a_refusal_of_json_names_the_mistake() -> None:
    identifier = base64.b64encode(TRACE_BYTES).decode()
    text = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{identifier}"}}]}}]}}]}}'
    with pytest.raises(WireError) as caught:
        decode_request("traces", text.encode())
    assert caught.value.problem == (
        "'W47/95gDgQPSabYzgT/GDA==' has 24 characters, and an id 32 hex digits: it is base64 of 16"
        " bytes, and OTLP writes ids in hex"
    )
    ((_, _, problem),) = check_text("traces", text.encode())
    assert problem == (
        "'W47/95gDgQPSabYzgT/GDA==' is not 32 hex digits: it is base64 of 16 bytes, and OTLP"
        " writes ids in hex"
    )


def test_findings_about_ids_of_every_signal_name_the_mistake() -> None:
    traces, logs, metrics = trace_request(), log_request(), metric_request()
    span = traces.resource_spans[0].scope_spans[0].spans[1]
    span.trace_id = TRACE_ID.encode()
    span.span_id = span.parent_span_id = SPAN_ID.encode()
    span.links.add(trace_id=TRACE_BYTES, span_id=SPAN_ID.encode())
    record = logs.resource_logs[0].scope_logs[0].log_records[0]
    record.trace_id, record.span_id = TRACE_ID.encode(), SPAN_ID.encode()
    exemplar = next(
        exemplar
        for metric in metrics.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.histogram.data_points
        for exemplar in point.exemplars
    )
    exemplar.trace_id = TRACE_ID.encode()
    judgement = judge(
        [accepted("traces", traces), accepted("logs", logs), accepted("metrics", metrics)]
    )
    assert {(each.rule, each.hint) for each in judgement.failing} == {
        ("OTLP-TRACE-001", DIGITS_OF_16),
        ("OTLP-TRACE-003", DIGITS_OF_8),
        ("OTLP-TRACE-005", DIGITS_OF_8),
        ("OTLP-TRACE-021", DIGITS_OF_8),
        ("OTLP-LOG-015", DIGITS_OF_16),
        ("OTLP-LOG-015", DIGITS_OF_8),
        ("OTLP-METRIC-049", DIGITS_OF_16),
    }
