from otlptest.model import Producer, Profile, Resource
from otlptest.queries.evidence.verdicts import began_unix_nano
from otlptest.queries.log_query import LogQuery
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.metrics.metric_query import MetricQuery
from otlptest.queries.profile_query import ProfileQuery
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.span_query import SpanQuery
from otlptest.timing import Deadline
from tests.support.metric_points import number
from tests.support.received import a_connection, a_log, a_request, a_source, a_span

REQUEST = a_request([a_span()], connection=a_connection(owner="shop"))
SPAN = a_span("a", request=REQUEST, start_time_unix_nano=5)
LOG = a_log("x", time_unix_nano=7)
PROFILE = Profile(profile_id="1" * 32, time_unix_nano=9)
POINT = number(3, time=8, start=6)
SOURCE = MemorySource([SPAN, LOG, PROFILE, REQUEST, POINT], name="capture.jsonl")


def test_items_are_told_apart_by_what_they_are() -> None:
    assert SpanQuery(SOURCE).one() == SPAN
    assert LogQuery(SOURCE).one() == LOG
    assert ProfileQuery(SOURCE).one() == PROFILE
    assert RequestQuery(SOURCE).one() is REQUEST
    assert MetricQuery(SOURCE).one().name == "orders"


def test_nothing_ever_changes() -> None:
    assert not SOURCE.wait_for_change(0, Deadline(60.0))
    batch = SOURCE.fetch("traces", pushed_down={}, since=0, deadline=Deadline(1.0))
    assert tuple(batch.items) == ()
    assert SOURCE.baselines() == {}
    assert SOURCE.name == "capture.jsonl"


def test_producers_are_the_resources_and_processes() -> None:
    own, shop, nameless = SOURCE.producers()
    assert own.producer == Producer(owner="shop", resource=Resource({"service.name": "shop"}))
    assert own.signals == {"traces": 1}
    assert shop.signals == {"metrics": 1, "logs": 1}
    assert nameless.signals == {"profiles": 1}


def test_requests_are_those_that_the_items_name() -> None:
    assert SOURCE.arrivals().requests == (REQUEST,)
    assert MemorySource([SPAN, SPAN]).arrivals().requests == (REQUEST,)
    assert MemorySource([LOG]).arrivals().requests == ()


def test_each_kind_of_item_began_at_some_time() -> None:
    metric = MetricQuery(SOURCE).one()
    assert [began_unix_nano(item) for item in (SPAN, LOG, PROFILE, metric)] == [5, 7, 9, 6]
    assert began_unix_nano(a_log(observed_time_unix_nano=3)) == 3
    assert began_unix_nano(a_span()) == 0
    assert began_unix_nano(MetricQuery(MemorySource([number(1, time=4, start=0)])).one()) == 4


def test_late_second_request_is_told_by_when_it_began() -> None:
    source = a_source(REQUEST)
    RequestQuery(source).wait_for_one()
    assert source.late_findings() == ()
    source._store.request_received(a_request([a_span()], started_at=1e-9))
    assert [finding.rule for finding in source.late_findings()] == ["late_second_match"]
