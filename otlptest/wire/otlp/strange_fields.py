"""Unknown fields that show that bytes are another message than the one they decoded as.

Protobuf takes almost any message for almost any other and keeps what does not fit as unknown
fields. Two kinds of them are never those of a newer OTLP: a field that the message has, in another
wire type; and, at the top of an export request, any field that the request does not have.
"""

from typing import Any, Final

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

_MOST: Final = 5  # enough to recognize the fault
_WIRE_TYPES: Final = {0: "varint", 1: "fixed64", 2: "length-delimited", 3: "group", 5: "fixed32"}


def strange_fields(request: Message) -> tuple[str, ...]:
    """Return the first such fields of an export request, as clauses with places; empty if none.

    Args:
        request: An `Export…ServiceRequest`, just decoded.
    """
    known: Any = request.DESCRIPTOR
    found = [
        f"field {number}, which {known.name} does not have"
        for number, _ in _unknown(request)
        if number not in known.fields_by_number
    ]
    _walk(request, "", found)
    return tuple(found[:_MOST])


def _unknown(message: Message) -> list[tuple[int, str]]:
    """Return number and wire type of each field that the message could not take."""
    fields: Any = UnknownFieldSet(message)  # iterable, which its types do not say
    return [(each.field_number, _WIRE_TYPES.get(each.wire_type, "another")) for each in fields]


def _walk(message: Any, path: str, found: list[str]) -> None:  # noqa: ANN401 -- a generated class
    if len(found) >= _MOST:
        return
    for number, wire_type in _unknown(message):
        known = message.DESCRIPTOR.fields_by_number.get(number)
        if known is not None:
            found.append(f"{path}{known.name} as {wire_type}")
    for known, value in message.ListFields():
        if known.message_type is None:
            continue
        if hasattr(value, "ListFields"):
            _walk(value, f"{path}{known.name}.", found)
        else:
            for index, inner in enumerate(value):
                _walk(inner, f"{path}{known.name}[{index}].", found)
