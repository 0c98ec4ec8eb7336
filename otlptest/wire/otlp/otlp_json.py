"""OTLP JSON: text to the generated messages and back.

Protobuf's own `json_format` cannot do it: OTLP writes ids in hex, enums as numbers only, and keys
in lowerCamelCase only (SPEC "JSON Protobuf Encoding"). Unknown keys are ignored, snake_case ones
among them (AMBIG-4); enum names are refused. Every refusal names the path of the value.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message

from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.wire.otlp.event_names import EVENT_NAME_IS_KNOWN, event_name_of, set_event_name
from otlptest.wire.otlp.json_rules import look_at_document
from otlptest.wire.otlp.json_tables import EVENT_NAME, FieldTable, JsonKind, MessageTable, table_of
from otlptest.wire.otlp.json_text import dump_json, load_json
from otlptest.wire.otlp.json_values import JsonFaultError, reader_of, shown, writer_of
from otlptest.wire.otlp.signals import request_class, response_class
from otlptest.wire.otlp.unknown_keys import UnknownKey, loses_telemetry
from otlptest.wire.transport.limits import DEFAULT_LIMITS

_MAX_MESSAGES: Final = 101  # protobuf's own limit: both encodings refuse the same (OTLP-SRV-090)

_Setter: TypeAlias = Callable[[Any, Any, int], None]


def decode_request(
    signal: Signal, data: bytes, *, max_depth: int = DEFAULT_LIMITS.json_depth
) -> Message:
    """Return the `Export…ServiceRequest` of `signal` in the JSON text `data`.

    Raises:
        WireError: Kind `malformed`; `place` is the path of the bad value, or an offset.
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    return decode_message(request_class(signal), data, max_depth=max_depth)


def read_request(signal: Signal, document: object) -> tuple[Message, tuple[UnknownKey, ...]]:
    """Return the `Export…ServiceRequest` in a JSON value, and keys that lost telemetry.

    Costs no more than decoding unless such keys are possible.

    Raises:
        WireError: It is not that message.
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    _losses.are_met = False
    message = message_from_json(request_class(signal), document)
    return message, look_at_document(signal, document).unread if _losses.are_met else ()


def decode_response(signal: Signal, data: bytes) -> Message:
    """Return the `Export…ServiceResponse` of `signal` in the JSON text `data`.

    Raises:
        WireError: It is not that message (OTLP-JSON-039, -040).
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    return decode_message(response_class(signal), data)


def decode_message(
    kind: type[Message], data: bytes, *, max_depth: int = DEFAULT_LIMITS.json_depth
) -> Message:
    """Return the message of class `kind` in the JSON text `data`.

    Raises:
        WireError: It is not that message.
    """
    return message_from_json(kind, load_json(data, max_depth=max_depth))


def message_from_json(kind: type[Message], value: object) -> Message:
    """Return the message of class `kind` in a parsed JSON value.

    Raises:
        WireError: It is not that message.
    """
    message = kind()
    if type(value) is not dict:
        problem = f"the document is {shown(value)} and must be an object"
        raise WireError("malformed", "OTLP-JSON-036", problem)
    try:
        _root_filler(kind).fill(message, value, _MAX_MESSAGES)
    except JsonFaultError as fault:
        raise WireError("malformed", fault.rule, fault.problem, fault.place()) from fault
    return message


def encode_message(message: Message) -> bytes:
    """Return `message` as OTLP JSON, compact and on one line."""
    return dump_json(json_object(message))


def json_object(message: Message) -> dict[str, Any]:
    """Return `message` as the Python value of its OTLP JSON, keys in the order of field numbers.

    Only set fields are written: oneof members and `optional` ones even at zero (OTLP-JSON-030,
    -031).
    """
    descriptor: Any = message.DESCRIPTOR
    writers = _writers_of(descriptor)
    result: dict[str, Any] = {}
    for field, value in message.ListFields():
        key, write = writers[field.number]
        result[key] = write(value)
    if not EVENT_NAME_IS_KNOWN and descriptor.name == "LogRecord":
        _write_event_name(message, result)
    return result


def _write_event_name(message: Any, result: dict[str, Any]) -> None:  # noqa: ANN401 -- a log record
    name = event_name_of(message)
    if name:
        result[EVENT_NAME.key] = name


class _Losses(threading.local):
    """A flag per thread: its document has an unknown key that may lose telemetry."""

    are_met = False


_losses = _Losses()


class _Filler:
    """A writer of messages of one kind from JSON objects; made once per kind."""

    __slots__ = ("setters", "table")

    def __init__(self, table: MessageTable) -> None:
        self.table = table
        self.setters: dict[str, _Setter] = {}

    def fill(self, message: Message, value: object, levels: int) -> None:
        """Set the fields of a message from `value`.

        Raises:
            JsonFaultError: It is not an object of that message.
        """
        if type(value) is not dict:
            raise JsonFaultError("037", f"{shown(value)} stands where an object belongs")
        if not levels:
            raise JsonFaultError("044", f"messages nest deeper than {_MAX_MESSAGES} levels")
        if self.table.has_oneof and len(value) > 1:
            self._check_oneofs(value)
        setters = self.setters
        for key, item in value.items():
            setter = setters.get(key)
            if setter is None:
                if loses_telemetry(self.table, key, item):
                    _losses.are_met = True
                continue
            if item is None:
                continue
            try:
                setter(message, item, levels)
            except JsonFaultError as fault:
                fault.path.append(key)
                raise

    def _check_oneofs(self, value: dict[str, Any]) -> None:
        """Refuse two members of a oneof.

        Raises:
            JsonFaultError: There are (OTLP-JSON-033).
        """
        seen: dict[str, str] = {}
        for key, item in value.items():
            field = self.table.fields.get(key)
            if item is None or field is None or field.oneof is None:
                continue
            if field.oneof in seen:
                raise JsonFaultError("033", f"both {seen[field.oneof]!r} and {key!r} are set")
            seen[field.oneof] = key


_fillers: dict[str, _Filler] = {}
_root_fillers: dict[str, _Filler] = {}  # only complete ones: what any thread may use
_filling = threading.Lock()


def _root_filler(kind: type[Message]) -> _Filler:
    descriptor: Any = kind.DESCRIPTOR
    filler = _root_fillers.get(descriptor.full_name)
    if filler is None:
        with _filling:
            filler = _root_fillers[descriptor.full_name] = _filler_of(descriptor)
    return filler


def _filler_of(descriptor: Any) -> _Filler:  # noqa: ANN401 -- its type differs between protobuf's implementations
    filler = _fillers.get(descriptor.full_name)
    if filler is None:
        table = table_of(descriptor)
        filler = _fillers[descriptor.full_name] = _Filler(table)
        filler.setters.update({key: _setter(field) for key, field in table.fields.items()})
    return filler


def _setter(field: FieldTable) -> _Setter:
    if field is EVENT_NAME:
        return _set_event_name
    if field.kind is JsonKind.MESSAGE:
        return _list_of_messages(field) if field.is_list else _one_message(field)
    return _list_of_values(field) if field.is_list else _one_value(field)


def _set_event_name(message: Any, value: Any, _levels: int) -> None:  # noqa: ANN401 -- a log record and any JSON value
    set_event_name(message, reader_of(EVENT_NAME)(value))


def _one_value(field: FieldTable) -> _Setter:
    name, read = field.name, reader_of(field)

    def set_value(message: Any, value: Any, _levels: int) -> None:  # noqa: ANN401 -- any message and JSON value
        setattr(message, name, read(value))

    return set_value


def _one_message(field: FieldTable) -> _Setter:
    name, inner = field.name, _filler_of(field.descriptor)

    def set_message(message: Any, value: Any, levels: int) -> None:  # noqa: ANN401 -- any message and JSON value
        child = getattr(message, name)
        child.SetInParent()
        inner.fill(child, value, levels - 1)

    return set_message


def _list_of_values(field: FieldTable) -> _Setter:
    name, read = field.name, reader_of(field)

    def set_values(message: Any, value: Any, _levels: int) -> None:  # noqa: ANN401 -- any message and JSON value
        items: list[Any] = []
        for index, item in enumerate(_checked_list(value)):
            try:
                items.append(read(item))
            except JsonFaultError as fault:
                fault.path.append(index)
                raise
        getattr(message, name).extend(items)

    return set_values


def _list_of_messages(field: FieldTable) -> _Setter:
    name, inner = field.name, _filler_of(field.descriptor)

    def add_messages(message: Any, value: Any, levels: int) -> None:  # noqa: ANN401 -- any message and JSON value
        add = getattr(message, name).add
        fill, below = inner.fill, levels - 1
        for index, item in enumerate(_checked_list(value)):
            try:
                fill(add(), item, below)
            except JsonFaultError as fault:
                fault.path.append(index)
                raise

    return add_messages


def _checked_list(value: object) -> list[Any]:
    """Return `value`, if it is a list.

    Raises:
        JsonFaultError: It is not a list.
    """
    if type(value) is list:
        return value
    raise JsonFaultError("037", f"{shown(value)} stands where a list belongs")


_Writer: TypeAlias = Callable[[Any], Any]


@cache
def _writers_of(descriptor: Any) -> dict[int, tuple[str, _Writer]]:  # noqa: ANN401 -- its type differs between protobuf's implementations
    table = table_of(descriptor)
    return {
        field.number: (field.json_name, _writer(table.by_name[field.name]))
        for field in descriptor.fields
    }


def _writer(field: FieldTable) -> _Writer:
    if field.kind is JsonKind.MESSAGE:
        one: _Writer | None = json_object
    else:
        one = writer_of(field)
    if not field.is_list:
        return one or _same
    if one is None:
        return list
    single = one
    return lambda values: [single(value) for value in values]


def _same(value: object) -> object:
    return value
