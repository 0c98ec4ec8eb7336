"""Resources and scopes, all valid."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.strategies.drawing import Draw, has_message, new, one_in, pick
from otlptest.strategies.values import draw_attributes, draw_name, draw_value

_SERVICES: Final = ("shop", "payments", "gateway", "")
_VERSIONS: Final = ("", "1", "0.1.0-beta+7")
_SCHEMA_URLS: Final = (
    "",
    "https://opentelemetry.io/schemas/1.21.0",
    "http://schemas.example.com:8080/a/v1.0.0",
)
_COUNTS: Final = (0, 0, 1, 2**32 - 1)


def resources() -> SearchStrategy[Any]:
    """Draw `Resource` messages, mostly with a service.name, sometimes with entity references."""
    return st.composite(draw_resource)()


def scopes() -> SearchStrategy[Any]:
    """Draw `InstrumentationScope` messages; the name may be empty, which means unknown."""
    return st.composite(draw_scope)()


def draw_resource(draw: Draw, instance: str = "") -> Any:  # noqa: ANN401 -- a generated message
    """Return one resource; with an `instance` it differs from those of other instances."""
    given = {"service.name": pick(draw, _SERVICES), "service.instance.id": instance}
    fixed = [
        new("traces", "KeyValue", key=key, value=new("traces", "AnyValue", string_value=text))
        for key, text in given.items()
        if text
    ]
    keys = [each.key for each in fixed]
    attributes = [*fixed, *draw_attributes(draw, taken=given)]
    if one_in(draw, 8):
        attributes.append(new("traces", "KeyValue", key="last", value=draw_value(draw, 2)))
    return new(
        "traces",
        "Resource",
        attributes=attributes,
        dropped_attributes_count=pick(draw, _COUNTS),
        entity_refs=_entity(keys) if keys and one_in(draw, 8) else None,
    )


def _entity(keys: list[str]) -> list[Any] | None:
    if not has_message("traces", "EntityRef"):
        return None
    return [new("traces", "EntityRef", type="service", id_keys=keys)]


def draw_scope(draw: Draw) -> Any:  # noqa: ANN401 -- a generated message
    """Return one scope."""
    return new(
        "traces",
        "InstrumentationScope",
        name="" if one_in(draw, 6) else draw_name(draw),
        version=pick(draw, _VERSIONS),
        attributes=draw_attributes(draw, most=1),
        dropped_attributes_count=pick(draw, _COUNTS),
    )


def draw_schema_url(draw: Draw) -> str:
    """Return a schema URL, mostly an empty one."""
    return pick(draw, _SCHEMA_URLS)
