"""Attribute values, resources and scopes: generated messages to the model and back.

Left out, because the model has no place for it: `entity_refs` (Development), a repeated key (the
last one counts), and whether an empty value was written or absent.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage

from otlptest.errors import UsageError
from otlptest.model import Attributes, AttributeValue, Resource, Scope

NO_ATTRIBUTES: Final = Attributes()
"""The empty attributes, shared by all items without any."""

_INT64: Final = range(-(1 << 63), 1 << 63)


def value_from_message(message: AnyValue, strings: Sequence[str] = ()) -> AttributeValue:
    """Return the Python value of an AnyValue; None if unset (OTLP-JSON-032).

    Args:
        message: The value.
        strings: The string table that a profiles request refers to.
    """
    member: str | None = message.WhichOneof("value")
    if member == "array_value":
        return [value_from_message(item, strings) for item in message.array_value.values]
    if member == "kvlist_value":
        return attributes_from_message(message.kvlist_value.values, strings)
    if member == "string_value_strindex":
        return _at(strings, getattr(message, member))
    return None if member is None else getattr(message, member)


def attributes_from_message(
    messages: Iterable[KeyValue], strings: Sequence[str] = ()
) -> Attributes:
    """Return attributes by name; the last one of a repeated name.

    Args:
        messages: The key-value pairs.
        strings: The string table that a profiles request refers to.
    """
    items: dict[str, AttributeValue] = {}
    for message in messages:
        key = message.key
        if strings and not key:
            key = _at(strings, getattr(message, "key_strindex", 0))
        value = message.value
        member: str | None = value.WhichOneof("value")
        if member in _PLAIN:
            items[key] = getattr(value, member)
        else:
            items[key] = value_from_message(value, strings)
    return Attributes(items) if items else NO_ATTRIBUTES


_PLAIN: Final = {"string_value", "int_value", "bool_value", "double_value", "bytes_value"}


def resource_from_message(
    message: ResourceMessage, schema_url: str = "", strings: Sequence[str] = ()
) -> Resource:
    """Return the resource of one envelope; share it between the envelope's items."""
    return Resource(
        attributes_from_message(message.attributes, strings),
        schema_url=schema_url,
        dropped_attributes_count=message.dropped_attributes_count,
    )


def scope_from_message(
    message: InstrumentationScope, schema_url: str = "", strings: Sequence[str] = ()
) -> Scope:
    """Return the scope of one envelope; share it between the envelope's items."""
    return Scope(
        name=message.name,
        version=message.version,
        attributes=attributes_from_message(message.attributes, strings),
        dropped_attributes_count=message.dropped_attributes_count,
        schema_url=schema_url,
    )


def value_into_message(value: AttributeValue, message: AnyValue) -> None:
    """Write a Python value into an AnyValue.

    Raises:
        UsageError: OTLP does not have the value.
    """
    if value is None:
        message.Clear()
    elif isinstance(value, bool):  # before int, because a bool is an int in Python
        message.bool_value = value
    elif isinstance(value, str):
        message.string_value = _checked_text(value)
    elif isinstance(value, int):
        if value not in _INT64:
            raise UsageError(f"the integer {value} does not fit into 64 bits")
        message.int_value = value
    elif isinstance(value, float):
        message.double_value = value
    elif isinstance(value, bytes | bytearray):
        message.bytes_value = bytes(value)
    else:
        _collection_into_message(value, message)


def _collection_into_message(value: object, message: AnyValue) -> None:
    """Write a list or a mapping.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(value, Mapping):
        message.kvlist_value.SetInParent()
        attributes_into_message(value, message.kvlist_value.values)
    elif isinstance(value, list | tuple):
        message.array_value.SetInParent()
        for item in value:
            value_into_message(item, message.array_value.values.add())
    else:
        raise UsageError(
            f"{value!r} is not an attribute value",
            "OTLP has texts, booleans, integers, doubles, bytes, lists and mappings of them",
        )


def attributes_into_message(attributes: Mapping[str, AttributeValue], messages: Any) -> None:  # noqa: ANN401 -- a repeated field
    """Append attributes to a repeated KeyValue field, in their order.

    Raises:
        UsageError: OTLP does not have a key or value.
    """
    for key, value in attributes.items():
        if not isinstance(key, str):
            raise UsageError(f"the attribute name {key!r} is not text")
        message = messages.add(key=_checked_text(key))
        if value is not None:
            value_into_message(value, message.value)


def resource_into_message(resource: Resource, message: ResourceMessage) -> None:
    """Write a resource; its schema URL belongs to the envelope.

    Raises:
        UsageError: An attribute has no OTLP form.
    """
    attributes_into_message(resource, message.attributes)
    message.dropped_attributes_count = resource.dropped_attributes_count


def scope_into_message(scope: Scope, message: InstrumentationScope) -> None:
    """Write a scope; its schema URL belongs to the envelope.

    Raises:
        UsageError: An attribute has no OTLP form.
    """
    message.name = scope.name
    message.version = scope.version
    attributes_into_message(scope.attributes, message.attributes)
    message.dropped_attributes_count = scope.dropped_attributes_count


def _checked_text(text: str) -> str:
    """Return `text`, if it is Unicode.

    Raises:
        UsageError: It has half a surrogate pair.
    """
    try:
        text.encode()
    except UnicodeEncodeError as bad:
        raise UsageError(f"{text!r} is no Unicode text") from bad
    return text


def _at(strings: Sequence[str], index: int) -> str:
    return strings[index] if 0 <= index < len(strings) else ""
