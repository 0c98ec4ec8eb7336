"""`LogRecord.event_name`, even if the installed `opentelemetry-proto` does not have it.

The field came with OTLP 1.5 (opentelemetry-proto 1.30). Older classes keep it as an unknown field,
and that is where it is read and written then: an event must not lose its name to a user's version.
"""

from typing import Any, Final

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otlptest.wire.otlp.protobuf_writing import chunk

_NUMBER: Final = 12

_DESCRIPTOR: Any = LogRecord.DESCRIPTOR
EVENT_NAME_IS_KNOWN: Final[bool] = "event_name" in _DESCRIPTOR.fields_by_name
"""True if the generated class has the field."""


def event_name_of(message: LogRecord) -> str:
    """Return the record's event name; `""` if absent."""
    return message.event_name if EVENT_NAME_IS_KNOWN else _unknown_event_name(message)


def set_event_name(message: LogRecord, name: str) -> None:
    """Set the event name of the record."""
    if EVENT_NAME_IS_KNOWN:
        message.event_name = name
    else:
        _add_unknown_event_name(message, name)


def _unknown_event_name(message: LogRecord) -> str:
    found = ""
    fields: Any = UnknownFieldSet(message)  # its stubs do not say that it can be iterated
    for field in fields:
        if field.field_number == _NUMBER and isinstance(field.data, bytes):
            found = field.data.decode("utf-8", "replace")
    return found


def _add_unknown_event_name(message: LogRecord, name: str) -> None:
    text = name.encode()
    if text:
        message.MergeFromString(chunk(_NUMBER, text))
