"""Text that fits: one line, cut, wrapped, in tables; items as lines and blocks."""

from dataclasses import replace

import pytest

from otlptest.errors import Finding
from otlptest.model import (
    AggregationTemporality,
    Attributes,
    Connection,
    ExponentialHistogramPoint,
    Frame,
    HistogramPoint,
    LogRecord,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Problem,
    Profile,
    QuantileValue,
    Resource,
    Sample,
    Severity,
    Span,
    Status,
    StatusCode,
    SummaryPoint,
    ValueType,
)
from otlptest.report import (
    cut,
    findings_text,
    item_line,
    logs_text,
    metrics_text,
    one_line,
    problem_line,
    profiles_text,
    table,
    wrapped,
)
from otlptest.report.lines import clock_time

SHOP = Resource({"service.name": "shop"})
NOON = 12 * 3600 * 10**9
SPAN = Span(
    trace_id="5b8efff798038103d269b633813fc60c",
    span_id="eee19b7ec3c1b174",
    name="POST /checkout",
    start_time_unix_nano=NOON,
    end_time_unix_nano=NOON + 48_000_000,
    attributes=Attributes({"url.path": "/checkout", "http.response.status_code": 500}),
    status=Status(code=StatusCode.ERROR, message="boom"),
    resource=SHOP,
)
LOG = LogRecord(
    time_unix_nano=NOON,
    severity_number=Severity.WARN,
    body="card\ndeclined",
    trace_id="5b8efff798038103d269b633813fc60c",
    resource=SHOP,
)


def metric(kind: MetricType, unit: str = "s", *, is_delta: bool = False) -> MetricIdentity:
    temporality = AggregationTemporality.DELTA if is_delta else AggregationTemporality.CUMULATIVE
    return MetricIdentity(resource=SHOP, name="m", unit=unit, type=kind, temporality=temporality)


ORDERS = NumberPoint(
    metric=metric(MetricType.SUM, "{order}"),
    attributes=Attributes({"region": "eu"}),
    time_unix_nano=NOON,
    value=3,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain ünï", "plain ünï", id="printable"),
        pytest.param("a\nb\x1b[31mc\x07", "a\\nb\\x1b[31mc\\x07", id="control-characters"),
        pytest.param("a\u202eb", "a\\u202eb", id="right-to-left-override"),
        pytest.param(7, "7", id="number"),
    ],
)
def test_nothing_in_telemetry_can_move_the_cursor(text: object, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        pytest.param("abcdef", None, "abcdef", id="unlimited"),
        pytest.param("abcdef", 6, "abcdef", id="fits"),
        pytest.param("abcdef", 4, "abc…", id="cut"),
        pytest.param("日本語", 5, "日本…", id="wide-characters"),
        pytest.param("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301", id="combining"),
    ],
)
def test_cut_counts_columns_not_characters(text: str, width: int | None, shown: str) -> None:
    assert cut(text, width) == shown


def test_wrapping_keeps_line_breaks_and_hangs_bullets() -> None:
    text = wrapped("one two three four\n\n- five six seven", 12, indent="  ")
    assert text == "  one two\n  three four\n\n  - five six\n    seven"


def test_a_table_is_drawn_only_where_it_fits() -> None:
    rows = [("a", "x" * 10), ("bb", "日本")]
    drawn = "ID  TEXT\na   xxxxxxxxxx\nbb  日本"
    assert table(rows, headers=("ID", "TEXT"), width=14) == drawn
    assert table(rows, headers=("ID", "TEXT"), width=13) is None


@pytest.mark.parametrize(
    ("unix_nano", "shown"),
    [(NOON + 1_234_567, "12:00:00.001"), (0, "--:--:--.---")],
    ids=["noon", "absent"],
)
def test_clock_time(unix_nano: int, shown: str) -> None:
    assert clock_time(unix_nano) == shown


def test_line_of_a_span() -> None:
    assert item_line(SPAN, at_unix_nano=NOON) == (
        "12:00:00.000 span    shop: POST /checkout  48.0 ms  ERROR (boom)"
        "  http.response.status_code=500 url.path=/checkout"
    )


def test_line_of_a_span_in_a_narrow_terminal() -> None:
    assert item_line(SPAN, at_unix_nano=NOON, width=40) == (
        "12:00:00.000 span    shop: POST /checko…"
    )


def test_line_of_a_span_with_little_to_say() -> None:
    span = Span(trace_id="", span_id="", name="x", end_time_unix_nano=9, status=Status(code=7))
    assert item_line(span, at_unix_nano=NOON) == (
        "12:00:00.000 span    (no service): x  0.0 ms  status 7"
    )


def test_line_of_a_span_without_an_end() -> None:
    span = Span(trace_id="", span_id="", name="x", start_time_unix_nano=NOON)
    assert item_line(span, at_unix_nano=NOON) == (
        "12:00:00.000 span    (no service): x  no end  UNSET"
    )


def test_line_counts_attributes_that_it_leaves_out() -> None:
    span = Span(trace_id="", span_id="", attributes=Attributes({f"k{n}": n for n in range(9)}))
    assert item_line(span, at_unix_nano=NOON).endswith("k4=4 k5=5 (+3)")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        pytest.param(
            LOG,
            "shop: WARN  card\\ndeclined  trace=5b8efff798038103d269b633813fc60c",
            id="with-trace",
        ),
        pytest.param(
            LogRecord(severity_text="notice", event_name="cart.updated", body={"n": 1}),
            "(no service): notice  [cart.updated] {'n': 1}",
            id="event",
        ),
        pytest.param(LogRecord(severity_number=77), "(no service): 77  ", id="unknown-severity"),
        pytest.param(
            LogRecord(body="x", attributes=Attributes({"a": 1})),
            "(no service): -  x  a=1",
            id="without-severity",
        ),
    ],
)
def test_line_of_a_log_record(record: LogRecord, said: str) -> None:
    assert item_line(record, at_unix_nano=NOON) == f"12:00:00.000 log     {said}"


@pytest.mark.parametrize(
    ("point", "said"),
    [
        pytest.param(ORDERS, "3 {order}  sum  region=eu", id="sum"),
        pytest.param(
            NumberPoint(metric=metric(MetricType.GAUGE, ""), value=0.125),
            "0.125  gauge",
            id="gauge",
        ),
        pytest.param(
            NumberPoint(metric=metric(MetricType.GAUGE)), "no value s  gauge", id="no-value"
        ),
        pytest.param(
            NumberPoint(metric=metric(MetricType.GAUGE), flags=1),
            "no recorded value  gauge",
            id="no-recorded-value",
        ),
        pytest.param(
            HistogramPoint(metric=metric(MetricType.HISTOGRAM), count=3, sum=0.5, max=0.25),
            "count=3 sum=0.5 max=0.25 s  histogram",
            id="histogram",
        ),
        pytest.param(
            ExponentialHistogramPoint(metric=metric(MetricType.EXPONENTIAL_HISTOGRAM), count=2),
            "count=2 s  exponential_histogram",
            id="exponential",
        ),
        pytest.param(
            SummaryPoint(
                metric=metric(MetricType.SUMMARY),
                count=2,
                sum=1.5,
                quantile_values=(QuantileValue(quantile=0.99, value=1),),
            ),
            "count=2 sum=1.5 s p99=1  summary",
            id="summary",
        ),
    ],
)
def test_line_of_a_data_point(
    point: NumberPoint | HistogramPoint | ExponentialHistogramPoint | SummaryPoint, said: str
) -> None:
    assert item_line(point, at_unix_nano=NOON) == f"12:00:00.000 metric  shop: m  {said}"


PROFILE = Profile(
    sample_type=ValueType(type="cpu", unit="ns"),
    samples=(
        Sample(stack=(Frame(function="charge"), Frame(function="main")), values=(70,)),
        Sample(stack=(), values=(30,)),
    ),
    resource=SHOP,
)


def test_line_of_a_profile() -> None:
    assert item_line(PROFILE, at_unix_nano=NOON) == (
        "12:00:00.000 profile shop: 2 samples of cpu (ns)"
    )


def test_line_of_a_problem() -> None:
    problem = Problem(
        kind="malformed",
        rule="OTLP-HTTP-001",
        message="ends early",
        place="byte 7",
        connection=Connection(number=1, endpoint="http", port=4318),
    )
    assert problem_line(problem, at_unix_nano=NOON, width=200) == (
        "12:00:00.000 problem malformed: ends early (at byte 7) [OTLP-HTTP-001]"
    )


def test_metrics_are_one_row_per_series_with_the_newest_point() -> None:
    older = NumberPoint(
        metric=ORDERS.metric, attributes=ORDERS.attributes, time_unix_nano=1, value=1
    )
    delta = NumberPoint(metric=metric(MetricType.SUM, is_delta=True), time_unix_nano=1, value=9)
    assert metrics_text([ORDERS, older, delta], width=100) == (
        "METRIC  SERVICE  TYPE         SENT      NEWEST     ATTRIBUTES\n"
        "m       shop     sum          2 points  3 {order}  region=eu\n"
        "m       shop     sum (delta)  1 point   9 s"
    )


def test_metrics_are_stacked_where_a_table_would_be_squeezed() -> None:
    assert metrics_text([ORDERS], width=40) == "m\n  shop  sum  1 point  3 {order}\n  region=eu"


def test_logs_are_listed_oldest_first() -> None:
    early = LogRecord(observed_time_unix_nano=1_000_000, event_name="started")
    assert logs_text([LOG, early], width=90) == (
        "TIME          SEVERITY  SERVICE       BODY            ATTRIBUTES\n"
        "00:00:00.001  -         (no service)  [started]\n"
        "12:00:00.000  WARN      shop          card\\ndeclined"
    )


def test_profiles_tell_the_function_that_costs_most() -> None:
    idle = Profile(sample_type=ValueType(type="wall", unit="ns"))
    assert profiles_text([PROFILE, idle], width=90) == (
        "SERVICE       SAMPLES OF  COUNT  MOST IN\n"
        "shop          cpu (ns)    2      charge 70 %\n"
        "(no service)  wall (ns)   0      -"
    )


def test_findings_of_one_rule_are_told_once_errors_first() -> None:
    error = Finding(rule="a", where="x", expected="e", received="r")
    told = findings_text([replace(error, severity="warning"), error, error, error])
    block = "a: x\n  expected: e\n  received: r\n  explain:  otlptest explain a"
    assert told == f"error {block}\n  ... and 2 more of this rule\nwarning {block}"
