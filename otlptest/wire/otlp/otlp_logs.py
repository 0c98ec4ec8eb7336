"""Log records: generated messages to the model and back (logs.proto)."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogRecordMessage

from otlptest.model import LogRecord, Request, Resource, Scope, Severity
from otlptest.wire.otlp.event_names import event_name_of, set_event_name
from otlptest.wire.otlp.grouping import ScopeEntries, writing, written_id
from otlptest.wire.otlp.otlp_values import (
    attributes_from_message,
    attributes_into_message,
    resource_from_message,
    scope_from_message,
    value_from_message,
    value_into_message,
)

_SEVERITIES: Final[dict[int, Severity]] = {severity.value: severity for severity in Severity}


def log_from_message(
    message: LogRecordMessage,
    resource: Resource,
    scope: Scope,
    request: Request | None = None,
    *,
    exporter: str | None = None,
) -> LogRecord:
    """Return the record of `message`.

    Args:
        message: One record.
        resource: Of its envelope, shared between records.
        scope: Of its envelope, shared between records.
        request: Its request.
        exporter: See `LogRecord.exporter`.
    """
    return LogRecord(
        time_unix_nano=message.time_unix_nano,
        observed_time_unix_nano=message.observed_time_unix_nano,
        severity_number=_SEVERITIES.get(message.severity_number, message.severity_number),
        severity_text=message.severity_text,
        body=value_from_message(message.body) if message.HasField("body") else None,
        attributes=attributes_from_message(message.attributes),
        dropped_attributes_count=message.dropped_attributes_count,
        flags=message.flags,
        trace_id=message.trace_id.hex() or None,
        span_id=message.span_id.hex() or None,
        event_name=event_name_of(message),
        resource=resource,
        scope=scope,
        exporter=exporter,
        request=request,
    )


def logs_from_request(
    message: ExportLogsServiceRequest, request: Request | None = None
) -> Iterator[LogRecord]:
    """Yield every record of a request, in its order."""
    for envelope in message.resource_logs:
        resource = resource_from_message(envelope.resource, envelope.schema_url)
        for entry in envelope.scope_logs:
            scope = scope_from_message(entry.scope, entry.schema_url)
            for record in entry.log_records:
                yield log_from_message(record, resource, scope, request)


def request_from_logs(records: Iterable[LogRecord]) -> ExportLogsServiceRequest:
    """Return a request with these records, grouped by resource and scope.

    Raises:
        UsageError: A record has an id that is not hex, or a value out of OTLP's range.
    """
    request = ExportLogsServiceRequest()
    for record, message in ScopeEntries("logs", request).items(records):
        with writing("a log record"):
            log_into_message(record, message)
    return request


def log_into_message(record: LogRecord, message: Any) -> None:  # noqa: ANN401 -- its enum fields take open numbers
    """Write all of a record but its resource and scope.

    Raises:
        UsageError: It has an id that is not hex, or a value that OTLP does not have.
    """
    message.time_unix_nano = record.time_unix_nano
    message.observed_time_unix_nano = record.observed_time_unix_nano
    message.severity_number = record.severity_number
    message.severity_text = record.severity_text
    if record.body is not None:
        value_into_message(record.body, message.body)
    attributes_into_message(record.attributes, message.attributes)
    message.dropped_attributes_count = record.dropped_attributes_count
    message.flags = record.flags
    message.trace_id = written_id(record.trace_id)
    message.span_id = written_id(record.span_id)
    if record.event_name:
        set_event_name(message, record.event_name)
