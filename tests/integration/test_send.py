"""What `send` sends is what the fake collector has, over every protocol and compression."""

from pathlib import Path

import pytest

from otlptest import FakeCollector, builtin, send
from otlptest.model import Protocol
from otlptest.wire.otlp.otlp_files import FileRecord, read_records
from otlptest.wire.otlp.otlp_requests import items_from_request
from tests.support.signals import needs_profiles

PROTOCOLS: list[Protocol] = ["grpc", "http/protobuf", "http/json"]


def checkout_spans() -> list[object]:
    records = read_records(builtin("payloads/traces/checkout.json"))
    return [
        item
        for record in records
        if isinstance(record, FileRecord)
        for item in items_from_request(record.signal, record.message)
    ]


COMBINATIONS = [
    (protocol, compression)
    for protocol in PROTOCOLS
    for compression in (None, "gzip", "deflate", "zstd")
    if (protocol, compression) != ("grpc", "zstd")  # grpcio has none
]


@pytest.mark.parametrize(("protocol", "compression"), COMBINATIONS)
def test_spans_arrive_as_they_were_sent(protocol: Protocol, compression: str | None) -> None:
    with FakeCollector() as otlp:
        result = send(
            builtin("payloads/traces/checkout.json"),
            to=otlp,
            protocol=protocol,
            compression=compression,
        )
        request = otlp.requests.one()
        assert result.is_success
        assert list(otlp.spans.all()) == checkout_spans()
        assert (request.protocol, request.encoding) == (protocol, compression or "identity")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_was_received_can_be_sent_on(protocol: Protocol) -> None:
    with FakeCollector() as first, FakeCollector() as second:
        for name in ("traces/checkout.json", "metrics/every_type.json", "logs/events.json"):
            send(builtin(f"payloads/{name}"), to=first)
        items = [*first.spans.all(), *first.logs.all()]
        points = [point for metric in first.metrics.all() for point in metric.exports.all()]
        assert send([*items, *points], to=second, protocol=protocol).is_success
        assert [*second.spans.all(), *second.logs.all()] == items
        again = [point for metric in second.metrics.all() for point in metric.exports.all()]
        assert len(again) == len(points) > 0
        assert all(point in again for point in points)


@needs_profiles
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_profiles_arrive_as_they_were_sent(protocol: Protocol) -> None:
    with FakeCollector() as first, FakeCollector() as second:
        send(builtin("payloads/profiles/cpu.json"), to=first)
        profiles = first.profiles.all()
        assert send(profiles, to=second, protocol=protocol).is_success
        assert second.profiles.all() == profiles
        assert profiles


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_mutual_tls_needs_no_more_than_the_collector(protocol: Protocol) -> None:
    with FakeCollector(tls=True, needs_client_certificate=True) as otlp:
        assert send(builtin("payloads/logs/shop.json"), to=otlp, protocol=protocol).is_success


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bytes_that_are_no_request_are_refused_with_the_place(protocol: Protocol) -> None:
    with FakeCollector() as otlp:
        (export,) = send(b"\x0a\x05a", to=otlp, signal="logs", protocol=protocol)
        assert not export.is_success
        assert export.status is not None
        assert "byte" in export.status.violations[0].field
        assert otlp.logs.count() == 0


def test_a_capture_is_sent_line_by_line(tmp_path: Path) -> None:
    lines = [
        b"".join(builtin(f"payloads/{name}").read_bytes().split(b"\n"))
        for name in ("traces/checkout.json", "logs/shop.json", "metrics/shop.json")
    ]
    capture = tmp_path / "all.jsonl"
    capture.write_bytes(b"\n".join(lines) + b"\n")
    with FakeCollector() as otlp:
        assert len(send(capture, to=otlp)) == 3
        assert [request.signal for request in otlp.requests.all()] == ["traces", "logs", "metrics"]
