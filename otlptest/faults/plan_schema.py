"""The JSON Schema of fault plans, for editors: from the shapes and the signatures of the faults.

It describes the form of a plan. The reader of plans checks the rest: the bounds of
arguments, the names of codes, and keys that need another one.
"""

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from otlptest import faults
from otlptest.faults.plan_file import REPLY_NAMES, WIRE_NAMES
from otlptest.faults.plan_shape import FaultPlanShape, InjectionShape, ReplyShape

_Schema: TypeAlias = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REPLY: Final = {"$ref": "#/$defs/ReplyFault"}
_WIRE: Final = {"$ref": "#/$defs/WireFault"}
_TYPES: Final[Mapping[object, str]] = {
    float: "number",
    int: "integer",
    str: "string",
    bytes: "string",  # a plan writes a body as text
    bool: "boolean",
    type(None): "null",
}


def fault_plan_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of every fault plan; a new value at each call."""
    schema = _plain(FaultPlanShape.model_json_schema())
    shapes = schema["$defs"]
    one_or_more = {"anyOf": [_REPLY, {"type": "array", "minItems": 1, "items": _REPLY}]}
    shapes[ReplyShape.__name__]["properties"]["reply"] |= one_or_more
    shapes[InjectionShape.__name__]["properties"]["inject"] |= _WIRE
    shapes["ReplyFault"] = _fault_of(REPLY_NAMES)
    shapes["WireFault"] = _fault_of(WIRE_NAMES)
    return {"$schema": _DIALECT, "title": "Fault plan of otlptest", **schema}


def _plain(schema: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Return a schema without titles that repeat a key, the same for every pydantic version."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = {"enum"} if "const" in schema else set()
    left_out |= {"title"} if isinstance(schema.get("title"), str) else set()
    return {key: _plain(value) for key, value in schema.items() if key not in left_out}


def _fault_of(names: tuple[str, ...]) -> _Schema:
    """Return the schema of a fault: a name, or one name with its arguments."""
    functions = {name: getattr(faults, name) for name in names}
    bare = [name for name, function in functions.items() if not _required(function)]
    with_arguments = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {name: _arguments(function) for name, function in functions.items()},
    }
    return {"anyOf": [{"enum": bare}, with_arguments]}


def _required(function: Callable[..., object]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.default is each.empty]


def _arguments(function: Callable[..., object]) -> _Schema:
    """Return the schema of a fault's arguments: none, its first one, or all by name."""
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters
    by_name: _Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _argument(name, hints[name]) for name in parameters},
    }
    required = _required(function)
    forms = [by_name | ({"required": required} if required else {})]
    forms += [
        _argument(each.name, hints[each.name])
        for each in parameters.values()
        if each.kind is each.POSITIONAL_ONLY
    ]
    forms += [] if required else [{"type": "null"}]
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    return {"description": summary, "anyOf": forms}


def _argument(name: str, hint: object) -> _Schema:
    """Return the schema of an argument."""
    if name == "reply":
        return dict(_REPLY)
    choices = list(_choices(hint))
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _choices(hint: object) -> Iterator[_Schema]:
    """Return the schemas of the parts of an annotation; enum members are written by name."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        for part in get_args(hint):
            yield from _choices(part)
    elif origin is Literal:
        yield {"enum": list(get_args(hint))}
    elif origin is Mapping:
        yield {"type": "object", "additionalProperties": {"type": "string"}}
    elif hint in _TYPES:
        yield {"type": _TYPES[hint]}
