import threading

import pytest

from otlptest.collector.intake import Intake
from otlptest.collector.snapshots import Snapshot
from otlptest.collector.store import Store
from otlptest.model import Problem, Request
from otlptest.timing import Deadline
from tests.support.received import a_connection, a_request, a_span, a_store

PROBLEM = Problem(kind="tls_mismatch", rule="OTLP-HTTP-001", message="TLS")


def requests(count: int) -> list[Request]:
    return [a_request(body=b"") for _ in range(count)]


def test_store_is_an_intake() -> None:
    store: Intake = Store()
    assert isinstance(store, Store)


def test_requests_are_numbered_and_kept_in_order() -> None:
    sent = requests(3)
    store = a_store(*sent)
    assert [request.number for request in store.requests()] == [1, 2, 3]
    assert list(store.requests()) == sent
    assert store.token() == 3
    assert list(store.requests(2)) == sent[2:]


def test_snapshot_does_not_grow() -> None:
    store = a_store(*requests(2))
    snapshot = store.requests()
    store.request_received(a_request(body=b""))
    assert len(snapshot) == 2
    assert len(store.requests()) == 3


def test_snapshot_reads_as_a_sequence() -> None:
    items = Snapshot(["a", "b", "c", "d"], offset=10, start=11, stop=14)
    assert list(items) == ["b", "c", "d"]
    assert (items[0], items[-1], items[1:]) == ("b", "d", ["c", "d"])
    assert (items.start, items.stop) == (11, 14)
    assert list(items.whole()) == ["a", "b", "c", "d"]
    assert list(items.between(12, 99)) == ["c", "d"]
    assert not Snapshot(["a"], offset=0, start=5, stop=1)


@pytest.mark.parametrize("index", [2, -3])
def test_snapshot_has_no_item_beyond_its_ends(index: int) -> None:
    items = Snapshot(["a", "b", "c"], offset=0, start=1, stop=3)
    with pytest.raises(IndexError, match=f"no item {index} among 2"):
        items[index]


def test_tokens_and_numbers_go_on_after_forgetting() -> None:
    store = a_store(*requests(2))
    snapshot = store.requests()
    store.problem_found(PROBLEM)
    store.forget(1)
    assert store.token() == 2
    assert [request.number for request in store.requests()] == [2]
    assert list(store.problems()) == []
    store.forget(store.token())
    store.request_received(a_request(body=b""))
    assert [(r.number, store.token()) for r in store.requests(0)] == [(3, 3)]
    assert len(snapshot) == 2
    store.forget(1)
    assert len(store.requests()) == 1


def test_open_connections_are_remembered_after_forgetting() -> None:
    store = Store()
    still, gone = a_connection(number=1), a_connection(number=2)
    store.connection_opened(still)
    store.connection_opened(gone)
    gone.closed_at = 1.0
    store.connection_closed(gone)
    assert list(store.connections()) == [still, gone]
    store.forget(0)
    assert list(store.connections()) == [still]


def test_problems_are_kept() -> None:
    store = Store()
    store.problem_found(PROBLEM)
    assert list(store.problems()) == [PROBLEM]


def test_waiter_is_woken_by_a_request() -> None:
    store = Store()
    request = a_request([a_span()])
    sender = threading.Timer(0.02, store.request_received, [request])
    sender.start()
    assert store.wait_for_request(0, Deadline(10.0))
    sender.join()
    assert store.wait_for_request(0, Deadline(0.0))
    assert not store.wait_for_request(1, Deadline(0.01))


def test_waiter_for_anything_else_is_woken_by_each_change() -> None:
    store = Store()
    connection = a_connection()

    def close() -> None:
        connection.closed_at = 1.0
        store.connection_closed(connection)

    closer = threading.Timer(0.02, close)
    closer.start()
    assert store.wait_until(lambda: connection.closed_at is not None, Deadline(10.0))
    closer.join()


def test_listener_hears_of_each_change_until_it_leaves() -> None:
    store = Store()
    heard: list[int] = []
    leave = store.subscribe(lambda: heard.append(store.token()))
    (request,) = requests(1)
    store.connection_opened(request.connection)
    store.request_received(request)
    store.request_replied(request)
    store.problem_found(PROBLEM)
    leave()
    store.connection_closed(request.connection)
    leave()
    assert heard == [0, 1, 1, 1]


def test_many_threads_may_send_and_look() -> None:
    store = Store()
    barrier = threading.Barrier(4)

    def send() -> None:
        barrier.wait()
        for _ in range(200):
            store.request_received(a_request(body=b""))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    barrier.wait()
    assert store.wait_until(lambda: store.token() == 600, Deadline(10.0))
    for thread in threads:
        thread.join()
    assert [request.number for request in store.requests()] == list(range(1, 601))
