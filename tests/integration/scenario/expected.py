"""What the scenario sends, whole: the one expectation that every SDK is held to.

`expected(...)` gives it in the form of `normalised.py`. Where an SDK rightly tells something else,
the difference stands in `differences.py`, with its reason.
"""

from collections.abc import Mapping
from typing import Any

from tests.integration.scenario.normalised import Plain, spelt

__all__ = ["EVERY_TYPE", "RESOURCE_ATTRIBUTES", "SHOP", "WAREHOUSE", "expected"]

SCHEMA_URL = "https://example.com/schemas/1.2.3"
SHOP: Plain = {
    "name": "scenario.shop",
    "version": "1.2.3",
    "attributes": {"scope.team": "'checkout'"},
    "dropped_attributes": 0,
    "schema_url": SCHEMA_URL,
}
WAREHOUSE: Plain = {
    "name": "scenario.warehouse",
    "version": "",
    "attributes": {},
    "dropped_attributes": 0,
    "schema_url": "",
}
EVERY_TYPE: Mapping[str, object] = {
    "text": "größer als 3 €",
    "text.empty": "",
    "flag.true": True,
    "flag.false": False,
    "int": 42,
    "int.negative": -7,
    "int.beyond_double": 9_007_199_254_740_993,
    "double": 0.1,
    "double.whole": 2.0,
    "texts": ["a", "", "c"],
    "flags": [True, False],
    "ints": [1, -2, 3],
    "doubles": [0.5, 1.5],
    "texts.empty": [],
    "bytes": b"\x00\xff\x10",
    "map": {"inner": {"deep": 1}, "list": ["x", 2, True]},
}
RESOURCE_ATTRIBUTES = {
    "service.name": "scenario",
    "service.version": "1.2.3",
    "deployment.environment.name": "a test",
    "telemetry.sdk.name": "opentelemetry",
}
HAS_IS_REMOTE, IS_REMOTE, SAMPLED = 0x100, 0x200, 0x1


def expected(*, is_delta: bool, is_exponential: bool) -> Plain:
    """All that one run of the scenario sends.

    Args:
        is_delta: The run asked for delta temporality.
        is_exponential: The run asked for exponential histograms.
    """
    return {
        "resources": [
            {"attributes": spelt(RESOURCE_ATTRIBUTES), "dropped_attributes": 0, "schema_url": ""}
        ],
        "spans": _spans(),
        "metrics": _metrics(is_delta=is_delta, is_exponential=is_exponential),
        "logs": _logs(),
    }


def _span(kind: str, **differing: Any) -> Plain:  # noqa: ANN401 -- values of many types
    return {
        "trace": "POST /checkout",
        "parent": "POST /checkout",
        "trace_state": "",
        "flags": HAS_IS_REMOTE | SAMPLED,
        "kind": kind,
        "status": ("UNSET", ""),
        "scope": SHOP,
        "times": "in its span",
        "attributes": {},
        "dropped_attributes": 0,
        "events": [],
        "dropped_events": 0,
        "links": [],
        "dropped_links": 0,
        **differing,
    }


def _event(name: str, attributes: Mapping[str, object], *, time: str = "in its span") -> Plain:
    return {
        "name": name,
        "time": time,
        "attributes": spelt(attributes),
        "dropped_attributes": 0,
    }


def _link(span: str, attributes: Mapping[str, object]) -> Plain:
    return {
        "trace": "POST /checkout",
        "span": span,
        "trace_state": "",
        "flags": HAS_IS_REMOTE | SAMPLED,
        "attributes": spelt(attributes),
        "dropped_attributes": 0,
    }


def _spans() -> Plain:
    published = _link("publish order", {"link.reason": "queue", "link.hops": 1})
    from_remote = {
        "trace": "REMOTE",
        "span": "REMOTE",
        "trace_state": "vendor=1",
        "flags": HAS_IS_REMOTE | IS_REMOTE | SAMPLED,
        "attributes": {},
        "dropped_attributes": 0,
    }
    missed = _event("cache.miss", {"cache.key": "sku-1", "cache.tries": 2})
    failed = {"exception.message": "card declined"}
    return {
        "POST /checkout": _span(
            "SERVER",
            parent=None,
            status=("OK", ""),
            times="in the run",
            attributes=spelt(EVERY_TYPE),
        ),
        "charge": _span(
            "CLIENT", status=("ERROR", "declined by bank"), events=[_event("exception", failed)]
        ),
        "reserve stock": _span(
            "INTERNAL",
            scope=WAREHOUSE,
            events=[missed, _event("reserved", {}, time="explicit + 0")],
        ),
        "publish order": _span("PRODUCER"),
        "consume order": _span(
            "CONSUMER",
            trace="consume order",
            parent=None,
            times="in the run",
            links=[published, from_remote],
        ),
        "GET /stock": _span(
            "SERVER",
            trace="REMOTE",
            parent="REMOTE",
            trace_state="vendor=1",
            flags=HAS_IS_REMOTE | IS_REMOTE | SAMPLED,
            times="in the run",
        ),
        "overfull": _span(
            "INTERNAL",
            trace="REMOTE",
            parent="GET /stock",
            trace_state="vendor=1",
            attributes=spelt({f"key.{number:02}": number for number in range(20)}),
            dropped_attributes=3,
            events=[_event("event.1", {}), _event("event.2", {})],
            dropped_events=1,
            links=[_link("publish order", {})] * 2,
            dropped_links=1,
        ),
    }


def _point(attributes: Mapping[str, object], **values: Any) -> Plain:  # noqa: ANN401 -- as above
    return {
        "attributes": spelt(attributes),
        "flags": 0,
        "start": "in the run",
        "time": "in the run",
        "exemplars": [],
        **values,
    }


def _exemplar(value: float) -> Plain:
    return {
        "value": spelt(value),
        "attributes": {},
        "time": "in the run",
        "trace": "POST /checkout",
        "span": "POST /checkout",
    }


def _metric(kind: str, unit: str, description: str, scope: Plain, *points: Plain) -> Plain:
    return {
        "type": kind,
        "unit": unit,
        "description": description,
        "temporality": "None",
        "is_monotonic": None,
        "scope": scope,
        "points": list(points),
    }


def _metrics(*, is_delta: bool, is_exponential: bool) -> Plain:
    """By scope and name. The preference `delta` leaves up-down counters cumulative (MSDK)."""
    monotonic = {"temporality": "DELTA" if is_delta else "CUMULATIVE", "is_monotonic": True}
    up_and_down = {"temporality": "CUMULATIVE", "is_monotonic": False}
    eu = _point({"region": "eu"}, value="5", exemplars=[_exemplar(2)])
    us = _point({"region": "us", "vip": True}, value="4")
    system = _point({"state": "system"}, value="0.5")
    user = _point({"state": "user"}, value="1.5")
    heat = _point({"room": "cellar"}, value="-4.5")
    depth = _point({}, value="0.5")
    return {
        "scenario.shop/orders.placed": _metric("sum", "{order}", "Orders placed", SHOP, eu, us)
        | monotonic,
        "scenario.shop/carts.open": _metric(
            "sum", "{cart}", "Carts open now", SHOP, _point({}, value="3")
        )
        | up_and_down,
        **_histograms(monotonic["temporality"], is_exponential=is_exponential),
        "scenario.warehouse/queue.depth": _metric(
            "gauge", "1", "Share of the queue in use", WAREHOUSE, depth
        ),
        "scenario.warehouse/cpu.time": _metric(
            "sum", "s", "Time on a core", WAREHOUSE, system, user
        )
        | monotonic,
        "scenario.warehouse/workers.busy": _metric(
            "sum", "{worker}", "Workers at work", WAREHOUSE, _point({}, value="3")
        )
        | up_and_down,
        "scenario.warehouse/temperature": _metric("gauge", "Cel", "Of the room", WAREHOUSE, heat),
    }


_DEFAULT_BOUNDS = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000]


def _histograms(temporality: object, *, is_exponential: bool) -> Plain:
    """Buckets in both forms; an index is ceil(log2(value) * 2**scale) - 1."""
    kind = "exponential_histogram" if is_exponential else "histogram"
    duration_sums = {"count": 4, "sum": 20_130.5, "min": 3.0, "max": 20_000.0}
    basket_sums = {"count": 4, "sum": 15.0, "min": 1.0, "max": 9.0}
    if is_exponential:
        zero = {"zero_count": 0, "zero_threshold": 0.0, "negative": {}}
        duration_buckets = {"scale": 3, "positive": {12: 1, 23: 1, 55: 1, 114: 1}, **zero}
        basket_buckets = {"scale": 5, "positive": {-1: 1, 31: 1, 50: 1, 101: 1}, **zero}
    else:
        duration_counts = [0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
        duration_buckets = {"buckets": duration_counts, "bounds": _DEFAULT_BOUNDS}
        basket_buckets = {"buckets": [1, 1, 1, 1], "bounds": [1, 2, 5]}
    duration = _point(
        {"http.route": "/checkout"},
        **duration_sums,
        **duration_buckets,
        exemplars=[_exemplar(7.5)],
    )
    basket = _point({}, **basket_sums, **basket_buckets)
    return {
        "scenario.shop/checkout.duration": _metric(kind, "ms", "Time to check out", SHOP, duration)
        | {"temporality": temporality},
        "scenario.shop/basket.size": _metric(kind, "{item}", "Items", SHOP, basket)
        | {"temporality": temporality},
    }


def _log(body: object, attributes: Mapping[str, object], **differing: Any) -> Plain:  # noqa: ANN401 -- as above
    return {
        "time": "explicit + 0",
        "observed": "in the run",
        "severity": "UNSPECIFIED",
        "severity_text": "",
        "body": spelt(body),
        "scope": WAREHOUSE,
        "attributes": spelt(attributes),
        "dropped_attributes": 0,
        "flags": 0,
        "trace": None,
        "span": None,
        **differing,
    }


def _logs() -> Plain:
    in_span = {"scope": SHOP, "flags": SAMPLED, "trace": "POST /checkout", "span": "POST /checkout"}
    levels = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
    names = [f"{level}{step}" for level in levels for step in ("", "2", "3", "4")]
    numbered = {
        f"severity {number}": _log(
            f"severity {number}",
            {},
            time=f"explicit + {number}",
            severity=name,
            severity_text=name,
        )
        for number, name in enumerate(names, start=1)
    }
    placed = "order placed in a span"
    info = {"severity": "INFO", "severity_text": "INFO"}
    return {
        placed: _log(placed, {"order.id": 17}, **info, **in_span),
        "event order.placed": _log(None, {"order.id": 17, "order.total": 12.5}, **in_span),
        **numbered,
        "structured": _log(
            {"order": 17, "lines": ["a", 1, False], "raw": b"\x00\xff"}, EVERY_TYPE, time="absent"
        ),
    }
