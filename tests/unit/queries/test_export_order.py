"""Each thing that makes the order of exports doubtful, and what must not."""

from collections.abc import Collection
from typing import Any

import pytest

from otlptest.model import Connection, Problem, Producer, Request, Resource
from otlptest.queries.evidence.export_order import (
    export_doubts,
    forwarder_gaps,
    rejected_request_gaps,
)
from otlptest.queries.sources import ProducerActivity

SHOP = Producer(owner=None, resource=Resource({"service.name": "shop"}))
OTHER = Producer(owner=None, resource=Resource({"service.name": "other"}))
STARTED = Producer(owner="shop#1", resource=Resource({"service.name": "shop"}))


def a_connection(number: int = 1, owner: str | None = None) -> Connection:
    return Connection(number=number, endpoint="http", port=1, owner=owner)


def an_export(
    number: int,
    started: float,
    replied: float | None,
    connection: Connection | None = None,
    problem: Problem | None = None,
    **fields: Any,  # noqa: ANN401 -- passed on
) -> Request:
    return Request(
        number=number,
        connection=connection or a_connection(),
        signal="traces",
        started_at=started,
        received_at=started,
        replied_at=replied,
        problem=problem,
        **fields,
    )


def all_from_the_shop(request: Request) -> Collection[Producer]:
    return [SHOP]


@pytest.mark.parametrize(
    ("exports", "doubt"),
    [
        ([an_export(1, 0.0, 1.0), an_export(2, 1.0, 2.0)], None),
        ([an_export(1, 0.0, 1.0), an_export(2, 0.9, 2.0)], "requests 1 and 2 (traces) of shop ov"),
        ([an_export(2, 0.9, 2.0), an_export(1, 0.0, 1.0)], "requests 1 and 2 (traces) of shop ov"),
        ([an_export(1, 0.0, None)], "request 1 (traces) of shop was never answered"),
        ([an_export(1, 0.0, 25.5)], "request 1 (traces) of shop took 26 s"),
        ([an_export(1, 0.0, 24.5)], None),
    ],
    ids=["in-order", "overlap", "overlap-arrived-late", "unanswered", "slow", "slow-enough"],
)
def test_timing_that_breaks_the_order_is_a_doubt(exports: list[Request], doubt: str | None) -> None:
    doubts = list(export_doubts(exports, all_from_the_shop, SHOP, "traces"))
    assert [text[: len(doubt)] for text in doubts if doubt] == ([doubt] if doubt else [])
    assert bool(doubts) == bool(doubt)


def test_exports_of_another_producer_or_signal_may_overlap() -> None:
    exports = [an_export(1, 0.0, 1.0), an_export(2, 0.5, 2.0)]
    assert not list(export_doubts(exports, all_from_the_shop, OTHER, "traces"))
    assert not list(export_doubts(exports, all_from_the_shop, SHOP, "logs"))


BAD = Problem(kind="malformed", rule="OTLP-HTTP-008", message="no message")


@pytest.mark.parametrize(
    ("producer", "refused_on", "is_doubt"),
    [
        (SHOP, a_connection(1), True),
        (SHOP, a_connection(2), False),
        (SHOP, a_connection(3), True),
        (SHOP, a_connection(4, owner="else#1"), False),
        (STARTED, a_connection(5, owner="shop#1"), True),
        (STARTED, a_connection(1), False),
    ],
    ids=[
        "its-own-connection",
        "anothers-connection",
        "a-connection-that-told-nothing",
        "another-process",
        "its-own-process",
        "outside-its-process",
    ],
)
def test_a_refused_request_is_a_doubt_for_whom_it_may_come_from(
    producer: Producer, refused_on: Connection, *, is_doubt: bool
) -> None:
    mine = an_export(1, 0.0, 1.0, a_connection(1))
    theirs = an_export(2, 1.0, 2.0, a_connection(2))
    refused = an_export(3, 2.0, 3.0, refused_on, BAD)

    def producers_of(request: Request) -> Collection[Producer]:
        return [SHOP] if request is mine else [OTHER]

    doubts = list(rejected_request_gaps([mine, theirs, refused], [], producers_of, producer))
    assert bool(doubts) == is_doubt
    assert not is_doubt or doubts == [
        "request 3 was refused (malformed: no message): what it held is unknown"
    ]


def test_a_cut_request_is_a_doubt() -> None:
    cut = Problem(kind="cut_request", rule="OTLP-HTTP-055", message="it ended in the body")
    doubts = list(rejected_request_gaps([], [cut], all_from_the_shop, SHOP))
    assert doubts == ["cut_request: it ended in the body: what was lost is unknown"]


@pytest.mark.parametrize(
    ("agent", "carried", "doubt"),
    [
        ("OTel-OTLP-Exporter-Python/1.45", [SHOP], None),
        ("OpenTelemetry Collector Contrib/0.160.0", [SHOP], "shop was sent by a forwarder"),
        ("custom/1", [SHOP, OTHER], "request 1 carries 2 resources, shop among them"),
        ("custom/1", [OTHER], None),
    ],
    ids=["sdk", "collector", "two-resources", "not-its-request"],
)
def test_a_forwarder_is_a_doubt(agent: str, carried: list[Producer], doubt: str | None) -> None:
    activity = ProducerActivity(
        producer=SHOP,
        signals={"traces": 1},
        last_tokens={"traces": 0},
        user_agents=frozenset({agent}),
    )
    doubts = list(forwarder_gaps(activity, [an_export(1, 0.0, 1.0)], lambda _: carried))
    assert len(doubts) == (1 if doubt else 0)
    assert not doubt or doubts[0].startswith(doubt)


BUSY: dict[str, Any] = {
    "reply_fault": "faults.unavailable()",
    "is_discarded": True,
    "body": b"what it held",
}


@pytest.mark.parametrize(
    ("later", "doubts"),
    [
        (
            [],
            ["request 1 was answered by faults.unavailable() and did not come again: what it hel"],
        ),
        ([an_export(2, 2.0, 3.0, body=b"what it held")], []),
        ([an_export(2, 2.0, 3.0, body=b"other")], ["request 1 was answered by faults.unavailable"]),
        ([an_export(2, 2.0, 3.0, **BUSY)], ["request 2 was answered", "request 1 was answered"]),
        ([an_export(2, 2.0, 3.0, **BUSY), an_export(3, 4.0, 5.0, body=b"what it held")], []),
    ],
    ids=["lost", "came-again", "another-came", "refused-again", "came-in-the-end"],
)
def test_what_a_planned_fault_refused_is_a_doubt_until_it_came_again(
    later: list[Request], doubts: list[str]
) -> None:
    requests = [an_export(1, 0.0, 1.0, **BUSY), *later]
    found = list(rejected_request_gaps(requests, [], all_from_the_shop, SHOP))
    assert [text[: len(doubt)] for text, doubt in zip(found, doubts, strict=True)] == doubts


def test_what_a_planned_fault_refused_of_another_process_is_no_doubt() -> None:
    request = an_export(1, 0.0, 1.0, a_connection(7, owner="shop#2"), **BUSY)
    assert not list(rejected_request_gaps([request], [], all_from_the_shop, STARTED))
