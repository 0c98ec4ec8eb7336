"""The JSON form of each field of each OTLP message, as tables made from the descriptors.

Sources: SPEC "JSON Protobuf Encoding" and the Protobuf JSON mapping; OTLP-JSON-003 to -031.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from otlptest.wire.otlp.event_names import EVENT_NAME_IS_KNOWN
from otlptest.wire.otlp.protobuf_faults import is_repeated


class JsonKind(Enum):
    """The JSON type of a field."""

    INT32 = "a number without fraction"
    INT64 = "a string of decimal digits"
    DOUBLE = "a number"
    BOOL = "true or false"
    ENUM = "the number of the enum value"
    TEXT = "a string"
    BYTES = "a base64 string"
    HEX_ID = "a string of hex digits"
    PROFILE_ID = "a string of 32 hex digits"
    MESSAGE = "an object"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTable:
    """One field.

    Attributes:
        name: As in the .proto file.
        key: As in JSON, lowerCamelCase.
        kind: The JSON type of a single value.
        is_list: Whether it is repeated.
        oneof: The oneof it is a member of, else None; an `optional` field is not in one.
        low: Smallest integer, for the integer kinds.
        high: Largest integer.
        id_bytes: Bytes of an id, for the id kinds.
        id_rule: The requirement for that id.
        is_time: Whether it is nanoseconds since 1970.
        descriptor: The message inside, for `MESSAGE`.
    """

    name: str
    key: str
    kind: JsonKind
    is_list: bool
    oneof: str | None = None
    low: int = 0
    high: int = 0
    id_bytes: int = 0
    id_rule: str = ""
    is_time: bool = False
    descriptor: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTable:
    """One message: its fields by JSON key, and by the name that JSON must not use.

    Attributes:
        by_plain_key: The JSON key by `plain_key` of it.
    """

    name: str
    fields: Mapping[str, FieldTable]
    by_name: Mapping[str, FieldTable]
    by_plain_key: Mapping[str, str]
    has_oneof: bool


_KINDS: Final[Mapping[int, JsonKind]] = MappingProxyType(
    {
        FieldDescriptor.TYPE_INT32: JsonKind.INT32,
        FieldDescriptor.TYPE_SINT32: JsonKind.INT32,
        FieldDescriptor.TYPE_SFIXED32: JsonKind.INT32,
        FieldDescriptor.TYPE_UINT32: JsonKind.INT32,
        FieldDescriptor.TYPE_FIXED32: JsonKind.INT32,
        FieldDescriptor.TYPE_INT64: JsonKind.INT64,
        FieldDescriptor.TYPE_SINT64: JsonKind.INT64,
        FieldDescriptor.TYPE_SFIXED64: JsonKind.INT64,
        FieldDescriptor.TYPE_UINT64: JsonKind.INT64,
        FieldDescriptor.TYPE_FIXED64: JsonKind.INT64,
        FieldDescriptor.TYPE_DOUBLE: JsonKind.DOUBLE,
        FieldDescriptor.TYPE_FLOAT: JsonKind.DOUBLE,
        FieldDescriptor.TYPE_BOOL: JsonKind.BOOL,
        FieldDescriptor.TYPE_ENUM: JsonKind.ENUM,
        FieldDescriptor.TYPE_STRING: JsonKind.TEXT,
        FieldDescriptor.TYPE_BYTES: JsonKind.BYTES,
        FieldDescriptor.TYPE_MESSAGE: JsonKind.MESSAGE,
    }
)
_UNSIGNED: Final = frozenset(
    {
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_FIXED32,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_FIXED64,
    }
)
_BITS: Final = {JsonKind.INT32: 32, JsonKind.ENUM: 32, JsonKind.INT64: 64}
_ID_BYTES: Final = {"trace_id": 16, "span_id": 8, "parent_span_id": 8, "profile_id": 16}
_SPAN_ID_RULES: Final = {"trace_id": "OTLP-JSON-003", "span_id": "OTLP-JSON-004"}


EVENT_NAME: Final = FieldTable(
    name="event_name", key="eventName", kind=JsonKind.TEXT, is_list=False
)
"""The field of log records that old generated classes do not have."""


def plain_key(key: str) -> str:
    """Return a key without the differences of spellings: `resource_spans` as `resourcespans`."""
    return key.replace("_", "").replace("-", "").lower()


@cache
def table_of(descriptor: Any) -> MessageTable:  # noqa: ANN401 -- its type differs between protobuf's implementations
    """Return the table of a message descriptor."""
    fields = [_field_table(descriptor.name, field) for field in descriptor.fields]
    if descriptor.name == "LogRecord" and not EVENT_NAME_IS_KNOWN:
        fields.append(EVENT_NAME)
    return MessageTable(
        name=descriptor.name,
        fields=MappingProxyType({field.key: field for field in fields}),
        by_name=MappingProxyType({field.name: field for field in fields}),
        by_plain_key=MappingProxyType({plain_key(field.key): field.key for field in fields}),
        has_oneof=any(field.oneof for field in fields),
    )


def table_of_class(kind: type[Message]) -> MessageTable:
    """Return the table of a generated class."""
    return table_of(kind.DESCRIPTOR)


def _field_table(message: str, field: FieldDescriptor) -> FieldTable:
    kind = _KINDS[field.type]
    id_bytes = _ID_BYTES.get(field.name, 0) if kind is JsonKind.BYTES else 0
    if id_bytes:
        kind = JsonKind.PROFILE_ID if field.name == "profile_id" else JsonKind.HEX_ID
    low, high = _bounds(kind, is_unsigned=field.type in _UNSIGNED)
    oneof = field.containing_oneof
    return FieldTable(
        name=field.name,
        key=field.json_name,
        kind=kind,
        is_list=is_repeated(field),
        oneof=oneof.name if oneof is not None and len(oneof.fields) > 1 else None,
        low=low,
        high=high,
        id_bytes=id_bytes,
        id_rule=_id_rule(message, field.name),
        is_time=field.name.endswith("_unix_nano"),
        descriptor=field.message_type,
    )


def _bounds(kind: JsonKind, *, is_unsigned: bool) -> tuple[int, int]:
    bits = _BITS.get(kind, 0)
    if not bits:
        return 0, 0
    return (0, (1 << bits) - 1) if is_unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)


def _id_rule(message: str, name: str) -> str:
    if name == "profile_id":
        return "OTLP-JSON-047"
    own = _SPAN_ID_RULES.get(name, "OTLP-JSON-005")
    return own if message == "Span" else "OTLP-JSON-005"
