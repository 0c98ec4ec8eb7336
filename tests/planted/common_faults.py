"""Faults of resources, scopes, schema URLs and entity references."""

from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, EntityRef, KeyValue

from tests.planted.planting import plants, put
from tests.support.right_requests import attribute


def holder(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return requests[0].resource_spans[0]


def spans(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return holder(requests).scope_spans[0]


def url(text: str) -> Any:  # noqa: ANN401 -- a change
    return lambda requests: put(spans(requests), schema_url=text)


def entity(**values: Any) -> Any:  # noqa: ANN401 -- a change
    return lambda requests: holder(requests).resource.entity_refs.append(EntityRef(**values))


def by_index(requests: list[Any]) -> None:
    spans(requests).spans[0].attributes.append(KeyValue(key_strindex=3))


def text_by_index(requests: list[Any]) -> None:
    spans(requests).spans[0].attributes.append(
        KeyValue(key="k", value=AnyValue(string_value_strindex=0))
    )


COMMON_PLANTS = plants(
    "traces",
    (
        "OTLP-COMMON-001",
        "key of a resource twice",
        lambda r: holder(r).resource.attributes.append(attribute("host.id")),
    ),
    (
        "OTLP-COMMON-001",
        "key of a scope twice",
        lambda r: spans(r).scope.attributes.append(attribute("team")),
    ),
    (
        None,
        "keys that differ in case",
        lambda r: spans(r).scope.attributes.append(attribute("Team")),
    ),
    (
        "OTLP-COMMON-003",
        "empty key of a resource",
        lambda r: holder(r).resource.attributes.append(attribute("")),
    ),
    ("OTLP-COMMON-033", "no resource", lambda r: holder(r).ClearField("resource")),
    (None, "a resource without attributes", lambda r: put(holder(r).resource, attributes=[])),
    (None, "no scope", lambda r: spans(r).ClearField("scope")),
    ("OTLP-COMMON-043", "a name for a URL", url("semconv-1.21")),
    ("OTLP-COMMON-043", "no version", url("https://opentelemetry.io/schemas/")),
    ("OTLP-COMMON-043", "another scheme", url("ftp://opentelemetry.io/schemas/1.21.0")),
    ("OTLP-COMMON-043", "a query", url("https://opentelemetry.io/schemas/1.21.0?a=b")),
    (None, "no URL", url("")),
    (None, "a URL with a port", url("http://localhost:8080/a/b/1.21.0")),
    ("OTLP-COMMON-049", "entity without a type", entity(id_keys=["host.id"])),
    ("OTLP-COMMON-049", "entity without id keys", entity(type="host")),
    ("OTLP-COMMON-050", "entity of unknown keys", entity(type="host", id_keys=["host.name"])),
    (
        "OTLP-COMMON-050",
        "entity described by unknown keys",
        entity(type="host", id_keys=["host.id"], description_keys=["host.name"]),
    ),
    (None, "entity", entity(type="host", id_keys=["host.id"])),
    ("OTLP-PROF-034", "key by index", by_index),
    ("OTLP-PROF-034", "text by index", text_by_index),
)
