"""Each signal has its names on the wire; what an old installation lacks is said when it is used."""

import importlib
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.message import Message

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import Signal
from otlptest.wire.otlp import signals
from otlptest.wire.otlp.event_names import (
    _add_unknown_event_name,
    _unknown_event_name,
    event_name_of,
    set_event_name,
)
from otlptest.wire.otlp.signals import (
    SIGNAL_BY_GRPC_PATH,
    SIGNAL_BY_HTTP_PATH,
    SIGNAL_BY_JSON_KEY,
    SIGNAL_NAMES,
    is_message,
    lower_camel,
    request_class,
    response_class,
    signal_names,
    signal_of_message,
)
from tests.support.signals import EACH_SIGNAL, needs_profiles

PATHS = {
    "traces": "/v1/traces",
    "metrics": "/v1/metrics",
    "logs": "/v1/logs",
    "profiles": "/v1development/profiles",
}
METHODS = {
    "traces": "trace.v1.TraceService",
    "metrics": "metrics.v1.MetricsService",
    "logs": "logs.v1.LogsService",
    "profiles": "profiles.v1development.ProfilesService",
}


def test_paths_and_keys_are_those_of_the_specification() -> None:
    assert {path: signal for signal, path in PATHS.items()} == dict(SIGNAL_BY_HTTP_PATH)
    methods = {
        f"/opentelemetry.proto.collector.{method}/Export": signal
        for signal, method in METHODS.items()
    }
    assert methods == dict(SIGNAL_BY_GRPC_PATH)
    assert dict(SIGNAL_BY_JSON_KEY) == {
        "resourceSpans": "traces",
        "resourceMetrics": "metrics",
        "resourceLogs": "logs",
        "resourceProfiles": "profiles",
    }


@pytest.mark.parametrize("signal", EACH_SIGNAL)
def test_classes_are_known_by_their_messages(signal: Signal) -> None:
    request = request_class(signal)()
    assert signal_of_message(request) == signal
    assert signal_of_message(response_class(signal)()) is None
    assert is_message(request)
    assert not is_message(signal)
    assert issubclass(request_class(signal), Message)


@pytest.mark.parametrize("signal", EACH_SIGNAL)
def test_json_calls_the_count_of_a_partial_success_as_protobuf_does(signal: Signal) -> None:
    field = SIGNAL_NAMES[signal].rejected_field
    response: Any = response_class(signal)()
    fields = response.partial_success.DESCRIPTOR.fields_by_name
    assert lower_camel(field) == fields[field].json_name


def test_an_unknown_signal_is_told_the_nearest() -> None:
    assert signal_names("logs").item_field == "log_records"
    with pytest.raises(UnknownNameError, match="did you mean 'metrics'"):
        signal_names("metric")


NAME = "opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2"


def test_missing_profiles_are_said_when_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, NAME, None)
    request_class.cache_clear()
    try:
        with pytest.raises(
            UsageError, match="profiles cannot be read: opentelemetry-proto"
        ) as caught:
            request_class("profiles")
        assert "install a newer opentelemetry-proto" in str(caught.value)
        assert not signals.has_profiles()
        assert request_class("traces")
    finally:
        request_class.cache_clear()


@needs_profiles
@pytest.mark.parametrize("fields", [{}, {"dictionary": {}}], ids=["tables-inside", "no-stacks"])
def test_profiles_of_an_older_shape_are_refused(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, dict[str, object]]
) -> None:
    by_name = {
        name: SimpleNamespace(message_type=SimpleNamespace(fields_by_name=inner))
        for name, inner in fields.items()
    }
    old = SimpleNamespace(
        ExportProfilesServiceRequest=SimpleNamespace(
            DESCRIPTOR=SimpleNamespace(fields_by_name=by_name)
        )
    )
    real = importlib.import_module
    monkeypatch.setattr(
        importlib, "import_module", lambda name: old if name == NAME else real(name)
    )
    assert not signals.has_profiles()


@pytest.mark.parametrize("name", ["", "browser.page_view", "é" * 200])
def test_event_names_survive_where_the_class_does_not_know_them(name: str) -> None:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord  # noqa: PLC0415 -- only here
    from opentelemetry.proto.metrics.v1.metrics_pb2 import (  # noqa: PLC0415 -- only here
        HistogramDataPoint,
    )

    record = LogRecord()
    set_event_name(record, name)
    assert event_name_of(record) == name
    stranger = HistogramDataPoint()  # its field 12 is a double: text there is an unknown field
    _add_unknown_event_name(stranger, name)  # type: ignore[arg-type]  # any class without the field
    assert _unknown_event_name(stranger) == name  # type: ignore[arg-type]  # as above
    assert LogRecord.FromString(stranger.SerializeToString()) == record
