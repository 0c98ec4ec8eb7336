"""Valid but rare spans, and invalid ones: section 6 for receivers."""

import secrets
from collections.abc import Iterator
from typing import Any, Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.data_cases import (
    DataCase,
    alongside_valid_item,
    is_sampled,
    judged_corners,
    of_items,
    requirement_ids,
    sent_in,
    with_fields,
)
from otlptest.conformance.receiver.exchange import Exchange, check_responses, is_ok
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.stored import judged_stored
from otlptest.results import CheckResult

CASES: Final = ReceiverCases()


_MANY_FLAGS: Final = 0x80000301
_SPLIT: Final = "OTLP-TRACE-046"


def _backwards(span: Any) -> None:  # noqa: ANN401 -- a generated message
    span.start_time_unix_nano, span.end_time_unix_nano = (
        span.end_time_unix_nano,
        span.start_time_unix_nano,
    )


_CORNERS: Final = (
    DataCase(
        rule="OTLP-TRACE-012",
        what="a span of kind UNSPECIFIED",
        signal="traces",
        request=of_items("traces", with_fields(kind=0)),
        needs_read_back=True,
    ),
    DataCase(
        rule="OTLP-TRACE-017",
        what="a span that ends before it starts, beside a right one",
        signal="traces",
        request=of_items("traces", alongside_valid_item(_backwards), with_fields()),
        may_be_refused=True,
    ),
    DataCase(
        rule="OTLP-TRACE-017",
        what="a span without times, beside a right one",
        signal="traces",
        request=of_items(
            "traces",
            alongside_valid_item(with_fields(start_time_unix_nano=0, end_time_unix_nano=0)),
            with_fields(),
        ),
        may_be_refused=True,
    ),
    DataCase(
        rule="OTLP-TRACE-033",
        what=f"flags {_MANY_FLAGS:#x}, with reserved bits",
        signal="traces",
        request=of_items("traces", with_fields(flags=_MANY_FLAGS)),
        matches=is_sampled,
        needs_read_back=True,
    ),
    DataCase(
        rule="OTLP-TRACE-034",
        what="a span without flags",
        signal="traces",
        request=of_items("traces", with_fields(flags=0, name="without flags")),
        fields=("name", "trace_id", "span_id"),
        needs_read_back=True,
    ),
)


@CASES.add(
    "data/spans",
    "Spans with rare flags, kinds and times; a trace in many requests",
    (*requirement_ids(_CORNERS), _SPLIT),
    signals=("traces",),
)
def _judge_spans(lab: ReceiverLab) -> Iterator[CheckResult]:
    yield from judged_corners(lab, _CORNERS)
    yield _judged_split(lab)


def _judged_split(lab: ReceiverLab) -> CheckResult:
    """Judge a child before its parent, an orphan, and one span twice, in requests of their own."""
    marker, trace_id = lab.marker(), secrets.token_bytes(16)
    root, child, stranger = (secrets.token_bytes(8) for _ in range(3))
    parts = {
        "a child before its parent": {"span_id": child, "parent_span_id": root},
        "its parent, later": {"span_id": root},
        "an orphan": {"span_id": secrets.token_bytes(8), "parent_span_id": stranger},
        "the first one again": {"span_id": child, "parent_span_id": root},
    }
    tries = [
        Exchange(
            what=what,
            answer=sent_in(
                lab, "traces", of_items("traces", with_fields(trace_id=trace_id, **ids))(marker)
            ),
        )
        for what, ids in parts.items()
    ]
    found = check_responses(lab, _SPLIT, tries, is_ok, "each is taken")
    if found.outcome != "passed":
        return found
    wanted = {each["span_id"].hex() for each in parts.values()}

    def matches(items: tuple[Any, ...]) -> str:
        if lab.read_back is not None and wanted - {item.span_id for item in items}:
            # The one that came twice may have come in place of another.
            items = lab.read_back.items("traces", marker, count=len(tries))
        missing = wanted - {item.span_id for item in items}
        return f"{len(missing)} of {len(wanted)} spans of the trace are missing" if missing else ""

    return judged_stored(
        lab,
        _SPLIT,
        "traces",
        marker,
        found.evidence,
        matches=matches,
        count=len(wanted),
        needs_read_back=False,
    )
