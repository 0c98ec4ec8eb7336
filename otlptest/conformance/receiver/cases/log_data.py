"""Valid but rare log records, and some invalid ones: section 8 for receivers."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from otlptest.conformance.case import ReceiverCase, ReceiverCases
from otlptest.conformance.receiver.data_cases import (
    PROTOBUF_ALONE,
    Change,
    DataCase,
    alongside_valid_item,
    is_sampled,
    judged_corners,
    of_items,
    requirement_ids,
    with_fields,
)
from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE, ReceiverLab
from otlptest.conformance.receiver.sample_requests import attribute, sample_request, text, wrapped
from otlptest.results import CheckResult
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.otlp.event_names import set_event_name
from otlptest.wire.otlp.protobuf_writing import chunk, number

CASES: Final = ReceiverCases()


_MANY_FLAGS: Final = 0xFFFFFF01
_RETIRED_FIELD: Final = 4
_MIB: Final = 1 << 20
_AT: Final = SYSTEM_CLOCK.unix_nanos()  # not long ago: a store may refuse what is old
_NO_ID: Final = frozenset({None, "", "0" * 32})


def _logs(*changes: Change) -> Callable[[str], bytes]:
    return of_items("logs", *changes)


def _body(fill: Change | None) -> Change:
    """Return a record with this body; without one if None."""

    def change(record: Any) -> None:  # noqa: ANN401 -- a generated message
        record.ClearField("body")
        if fill is not None:
            record.body.SetInParent()
            fill(record.body)

    return change


def _list(value: Any) -> None:  # noqa: ANN401 -- as above
    value.array_value.values.add().string_value = "a"
    value.array_value.values.add().int_value = 2


def _map(value: Any) -> None:  # noqa: ANN401 -- as above
    inner = value.kvlist_value.values.add(key="outer").value.kvlist_value.values
    inner.add(key="inner").value.double_value = 0.5


def _minimal(marker: str) -> bytes:
    """Return a record of zero bytes; its resource carries the marker."""
    return wrapped(b"", resource=chunk(1, attribute(MARKER_ATTRIBUTE, text(marker))))


def _is_observed_then(items: tuple[Any, ...]) -> str:
    times = {items[0].time_unix_nano, items[0].observed_time_unix_nano}
    return "" if _AT in times else f"its times are {sorted(times)}, expected: {_AT} as one of them"


def _has_no_trace(items: tuple[Any, ...]) -> str:
    trace_id = items[0].trace_id
    return "" if trace_id in _NO_ID else f"its trace id is {trace_id}, expected: none"


_SEVERITIES: Final = DataCase(
    rule="OTLP-LOG-006",
    what="a severity text without a number, the reverse, and two that do not fit",
    signal="logs",
    request=_logs(
        with_fields(severity_number=0, severity_text="ERROR"),
        with_fields(severity_number=17, severity_text=""),
        with_fields(severity_number=9, severity_text="FATAL"),
    ),
    fields=("severity_number", "severity_text"),
    count=3,
    needs_read_back=True,
)

_UNKNOWN_SEVERITIES: Final = tuple(
    DataCase(
        rule="OTLP-LOG-007",
        what=f"severity number {severity}, beside a right record",
        signal="logs",
        request=_logs(alongside_valid_item(with_fields(severity_number=severity)), with_fields()),
        may_be_refused=True,
    )
    for severity in (25, (1 << 31) - 1, -1)
)

_TIMES: Final = (
    DataCase(
        rule="OTLP-LOG-013",
        what="a record with an observed time alone",
        signal="logs",
        request=_logs(with_fields(time_unix_nano=0, observed_time_unix_nano=_AT)),
        matches=_is_observed_then,
        needs_read_back=True,
    ),
    DataCase(
        rule="OTLP-LOG-014",
        what="a record without any time",
        signal="logs",
        request=_logs(with_fields(time_unix_nano=0, observed_time_unix_nano=0)),
    ),
)

_TRACES: Final = (
    DataCase(
        rule="OTLP-LOG-018",
        what="ids of zeros",
        signal="logs",
        request=_logs(with_fields(trace_id=bytes(16), span_id=bytes(8))),
        matches=_has_no_trace,
        may_be_refused=True,
        needs_read_back=True,
    ),
    DataCase(
        rule="OTLP-LOG-018",
        what="a trace id of 15 bytes",
        signal="logs",
        request=_logs(with_fields(trace_id=b"\x01" * 15, span_id=b"\x01" * 8)),
        may_be_refused=True,
        needs_read_back=True,
    ),
    DataCase(
        rule="OTLP-LOG-022",
        what=f"flags {_MANY_FLAGS:#x}",
        signal="logs",
        request=_logs(with_fields(flags=_MANY_FLAGS)),
        matches=is_sampled,
        needs_read_back=True,
    ),
)

_KINDS: Final = tuple(
    DataCase(
        rule="OTLP-LOG-023",
        what=f"a body that is {what}",
        signal="logs",
        request=_logs(_body(fill)),
        fields=("body",),
        needs_read_back=True,
    )
    for what, fill in (
        ("a text", with_fields(string_value="text")),
        ("an integer", with_fields(int_value=-(1 << 63))),
        ("a double", with_fields(double_value=2.0)),
        ("a boolean", with_fields(bool_value=False)),
        ("bytes", with_fields(bytes_value=b"\xff\x00\xfe")),
        ("a list", _list),
        ("a map in a map", _map),
    )
)

_EMPTY: Final = tuple(
    DataCase(rule="OTLP-LOG-024", what=what, signal="logs", request=_logs(_body(fill)))
    for what, fill in (
        ("a record without a body", None),
        ("a body without a value", with_fields()),
        ("an empty text as body", with_fields(string_value="")),
    )
)

_TEXTS: Final = tuple(
    DataCase(
        rule="OTLP-LOG-039",
        what=f"a body with {what}",
        signal="logs",
        request=_logs(_body(with_fields(string_value=value))),
        fields=("body",),
        needs_read_back=True,
    )
    for what, value in (
        ("several lines", "first\nsecond\r\n\tthird\r"),
        ("a NUL character", "before\x00after"),
        ("ANSI escapes", "\x1b[31mred\x1b[0m"),
        ("1 MiB", "otlptest " * (_MIB // 9)),
    )
)

_CORNERS: Final = (
    _SEVERITIES,
    *_UNKNOWN_SEVERITIES,
    *_TIMES,
    *_TRACES,
    *_KINDS,
    *_EMPTY,
    DataCase(
        rule="OTLP-LOG-034",
        what="a record with an event name",
        signal="logs",
        request=_logs(lambda record: set_event_name(record, "otlptest.corner")),
        needs_read_back=True,
    ),
    DataCase(
        rule="OTLP-LOG-037",
        what=f"a record with the retired field {_RETIRED_FIELD}",
        signal="logs",
        request=lambda marker: sample_request("logs", marker, more=number(_RETIRED_FIELD, 1)),
        protocols=PROTOBUF_ALONE,
    ),
    DataCase(rule="OTLP-LOG-038", what="a record of zero bytes", signal="logs", request=_minimal),
    *_TEXTS,
)


@CASES.add(
    "data/logs_protobuf",
    "Log records with every kind of body, rare severities, flags and times",
    requirement_ids(_CORNERS),
    protocols=PROTOBUF_ALONE,
    signals=("logs",),
)
def _judge_logs(lab: ReceiverLab) -> Iterator[CheckResult]:
    return judged_corners(lab, _CORNERS)


CASES.append(
    ReceiverCase(
        id="data/logs",
        title="Log records with every kind of body, rare severities, flags and times",
        requirements=requirement_ids(
            each for each in _CORNERS if each.protocols is not PROTOBUF_ALONE
        ),
        judge=_judge_logs,
        protocols=("http/json",),
        signals=("logs",),
    )
)
