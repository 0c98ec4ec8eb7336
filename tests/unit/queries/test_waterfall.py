import math
import random
from dataclasses import replace

import pytest

from otlptest.errors import UsageError
from otlptest.model import Span, Status, StatusCode
from otlptest.queries.traces.traces import Trace
from otlptest.queries.traces.waterfall import duration_text, printable
from tests.support.received import TRACE_ID
from tests.support.shapes import placed

SPANS = (
    placed("a", None, (0, 100), name="POST /checkout"),
    placed("b", "a", (5, 60), name="charge"),
    placed(
        "c",
        "b",
        (10, 50),
        name="POST /charge",
        service="payments",
        status=Status(code=StatusCode.ERROR),
    ),
    placed("d", "a", (61, 90), name="INSERT orders", status=Status(code=StatusCode.OK)),
    placed("e", "x", (61, 62), name="audit"),
    placed("f", "x", (70, 72), name="audit"),
    placed("g", "g", (80, 81), name="loop"),
)
TRACE = Trace(trace_id=TRACE_ID, spans=SPANS)
AT_80 = """\
trace 0af7651916cd43dd8448eb211c80319c
  7 spans, 2 services, 100.0 ms
  * on the critical path
* POST /checkout      shop      100.0 ms         ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
* ├─ charge           shop       55.0 ms           ━━━━━━━━━━━━━━━━━
* │  └─ POST /charge  payments   40.0 ms  ERROR     ━━━━━━━━━━━━━
* └─ INSERT orders    shop       29.0 ms  OK                       ━━━━━━━━━━
  missing parent 0000000000000078
  ├─ audit            shop        1.0 ms                           ━━
  └─ audit            shop        2.0 ms                              ━━
  each other's ancestors
  └─ loop             shop        1.0 ms                                 ━"""
AT_40_IN_CP1252 = """\
trace 0af7651916cd43dd8448eb211c80319c
  7 spans, 2 services, 100.0 ms
  * on the critical path
* POST /checkout
  |  shop  100.0 ms
* |- charge
  |  |  shop  55.0 ms
* |  `- POST /charge
  |        payments  40.0 ms  ERROR
* `- INSERT orders
        shop  29.0 ms  OK
  missing parent 0000000000000078
  |- audit
  |     shop  1.0 ms
  `- audit
        shop  2.0 ms
  each other's ancestors
  `- loop
        shop  1.0 ms"""


def test_waterfall_at_80_columns() -> None:
    assert TRACE.waterfall() == AT_80


def test_waterfall_at_40_columns_where_lines_cannot_be_drawn() -> None:
    text = TRACE.waterfall(width=40, encoding="cp1252")
    assert text == AT_40_IN_CP1252
    assert text.encode("cp1252").decode("ascii") == text


def test_waterfall_is_the_same_in_whatever_order_spans_arrive() -> None:
    spans = [*SPANS, SPANS[2]]
    random.Random(7).shuffle(spans)  # noqa: S311 -- an order, no secret
    assert Trace(trace_id=TRACE_ID, spans=tuple(spans)).waterfall() == AT_80


@pytest.mark.parametrize("width", [40, 50, 60, 79, 80, 120])
def test_every_line_fits_and_no_name_is_cut(width: int) -> None:
    name = "GET /a/path/that/is/rather/long?with=a&query=string and words " * 2
    chain = [placed(str(i), str(i - 1) if i else None, (i, i), name=name) for i in range(20)]
    text = Trace(trace_id=TRACE_ID, spans=tuple(chain)).waterfall(width=width)
    assert max(map(len, text.splitlines())) <= width
    drawn = "".join(text.split()).translate(str.maketrans("", "", "│├└─━*"))
    assert drawn.count("query=stringandwords") == 40
    assert "(19)" in text or width > 130


def test_print_draws_the_waterfall_as_wide_as_the_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns, drawn in (("80", AT_80), ("60", TRACE.waterfall(width=60))):
        monkeypatch.setenv("COLUMNS", columns)
        print(TRACE)  # noqa: T201 -- what a user writes
        assert capsys.readouterr().out == drawn + "\n"
    monkeypatch.setenv("COLUMNS", "20")
    assert str(TRACE) == TRACE.waterfall(width=40)


def test_names_cannot_break_lines_or_the_encoding() -> None:
    spans = (
        placed("a", name="\x1b[31mred\nline 汉", service="s\r汉"),
        placed("b", "a").__class__(trace_id=TRACE_ID, span_id="b"),
    )
    text = Trace(trace_id=TRACE_ID, spans=spans).waterfall(encoding="cp1252")
    assert r"\x1b[31mred\nline \u6c49" in text
    assert r"s\r\u6c49" in text
    assert "(no name)" in text
    assert len(text.splitlines()) == 5


def test_wide_characters_count_two_columns() -> None:
    spans = (placed("a", name="汉字", service=None), placed("b", "a", name="xxx"))
    *_, first, second = Trace(trace_id=TRACE_ID, spans=spans).waterfall().splitlines()
    assert first.index("(no service)") + 2 == second.index("shop")


def test_waterfall_of_nothing_is_a_line() -> None:
    text = Trace(trace_id=TRACE_ID).waterfall()
    assert text == f"trace {TRACE_ID}\n  0 spans, 0 services"


def test_too_narrow_a_width_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        TRACE.waterfall(width=39)
    assert str(caught.value) == "width must be 40 or more, and is 39"


def test_a_span_without_an_end_is_drawn_where_it_starts() -> None:
    still_open = replace(placed("b", "a", (50, 60), name="still open"), end_time_unix_nano=0)
    trace = Trace(trace_id=TRACE_ID, spans=(placed("a", None, (0, 100), name="POST /"), still_open))
    assert trace.waterfall() == (
        f"trace {TRACE_ID}\n"
        "  2 spans, 1 service, 100.0 ms\n"
        "  * on the critical path\n"
        "* POST /         shop  100.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━\n"
        "* └─ still open  shop    no end                         ━"
    )


def test_a_trace_in_which_nothing_has_ended_has_no_end() -> None:
    still_open = replace(placed("a", None, (50, 60), name="still open"), end_time_unix_nano=0)
    assert Trace(trace_id=TRACE_ID, spans=(still_open,)).waterfall() == (
        f"trace {TRACE_ID}\n"
        "  1 span, 1 service, no end\n"
        "  * on the critical path\n"
        "* still open  shop  no end  ━"
    )


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0.0004, "0 us"),
        (0.85, "850 us"),
        (12.34, "12.3 ms"),
        (4560, "4.56 s"),
        (-2, "-2.0 ms"),
        (math.nan, "no end"),
    ],
    ids=str,
)
def test_durations_have_the_unit_that_suits_them(duration_ms: float, text: str) -> None:
    assert duration_text(duration_ms) == text


def test_printable_keeps_what_the_encoding_has() -> None:
    assert printable("é汉\t", "cp1252") == r"é\u6c49\t"


def _deep(levels: int) -> tuple[Span, ...]:
    return tuple(placed(str(i), str(i - 1) if i else None, (i, levels)) for i in range(levels))


def test_a_deep_trace_does_not_grow_with_the_square_of_its_depth() -> None:
    text = Trace(trace_id=TRACE_ID, spans=_deep(2_000)).waterfall()
    assert max(map(len, text.splitlines())) <= 80
    assert "(1999) 1999" in text
