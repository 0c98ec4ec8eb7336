"""Faults of profiles and their dictionary, and what looks like one and is none."""

from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.profiles.v1development import profiles_pb2 as profiles

from tests.planted.planting import plants, put
from tests.support.right_requests import SECOND, SPAN_ID, START, any_value, attribute


def tables(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return requests[0].dictionary


def profile(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return requests[0].resource_profiles[0].scope_profiles[0].profiles[0]


def sample(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return profile(requests).samples[0]


def resource(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return requests[0].resource_profiles[0].resource


def location(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return tables(requests).location_table[1]


def second_mapping(requests: list[Any]) -> None:
    """A mapping without a build id, referred to."""
    tables(requests).mapping_table.add(filename_strindex=4, memory_start=1)
    location(requests).mapping_index = 2
    tables(requests).location_table.add(mapping_index=1)
    tables(requests).stack_table[1].location_indices.append(2)


def same_key_twice(requests: list[Any]) -> None:
    tables(requests).attribute_table.add(key_strindex=7, value=any_value(2))
    sample(requests).attribute_indices.append(3)


def empty_request(requests: list[Any]) -> None:
    requests[0].Clear()


def without_dictionary(requests: list[Any]) -> None:
    requests[0].ClearField("dictionary")
    put(resource(requests), attributes=[attribute("service.name")])


def bare(requests: list[Any]) -> None:
    """Profiles that point nowhere, and no dictionary."""
    without_dictionary(requests)
    for field in ("sample_type", "attribute_indices", "samples"):
        profile(requests).ClearField(field)


def merged(requests: list[Any]) -> None:
    put(profile(requests).samples[1], attribute_indices=[2], link_index=1)


def first_entries(requests: list[Any]) -> None:
    """Zero values as some write them."""
    put(tables(requests).link_table[0], trace_id=b"", span_id=b"")
    tables(requests).attribute_table[0].value.SetInParent()


PROFILE_PLANTS = plants(
    "profiles",
    ("OTLP-PROF-004", "no dictionary", without_dictionary),
    (None, "no dictionary and no indexes", bare),
    (None, "nothing at all", empty_request),
    ("OTLP-PROF-005+OTLP-PROF-008", "an empty table", lambda r: put(tables(r), link_table=[])),
    (
        "OTLP-PROF-006",
        "first mapping set",
        lambda r: put(tables(r).mapping_table[0], memory_start=1),
    ),
    (
        "OTLP-PROF-006",
        "first text set",
        lambda r: put(tables(r), string_table=["x", *tables(r).string_table[1:]]),
    ),
    (None, "first entries that are empty", first_entries),
    ("OTLP-PROF-008", "a stack beyond the table", lambda r: put(sample(r), stack_index=9)),
    ("OTLP-PROF-008+OTLP-PROF-011", "a negative link", lambda r: put(sample(r), link_index=-1)),
    (
        "OTLP-PROF-008+OTLP-PROF-011",
        "a location beyond the table",
        lambda r: put(tables(r).stack_table[1], location_indices=[2]),
    ),
    (
        "OTLP-PROF-008",
        "a text beyond the table",
        lambda r: put(profile(r).period_type, unit_strindex=99),
    ),
    (
        "OTLP-PROF-008",
        "a function beyond the table",
        lambda r: location(r).lines.append(profiles.Line(function_index=2)),
    ),
    (
        "OTLP-PROF-008",
        "a text of a value beyond the table",
        lambda r: resource(r).attributes.append(
            KeyValue(key="k", value=AnyValue(string_value_strindex=99))
        ),
    ),
    (
        "OTLP-PROF-008",
        "a key of a resource beyond the table",
        lambda r: resource(r).attributes.append(KeyValue(key_strindex=99)),
    ),
    (
        "OTLP-PROF-008",
        "a key within a value beyond the table",
        lambda r: (
            tables(r)
            .attribute_table[2]
            .value.array_value.values[1]
            .kvlist_value.values.append(KeyValue(key_strindex=99))
        ),
    ),
    ("OTLP-PROF-009+OTLP-PROF-011", "a text twice", lambda r: tables(r).string_table.append("cpu")),
    ("OTLP-PROF-011", "a text for nothing", lambda r: tables(r).string_table.append("unused")),
    (
        "OTLP-PROF-013",
        "a sample of nothing",
        lambda r: put(sample(r), values=[], timestamps_unix_nano=[]),
    ),
    ("OTLP-PROF-014", "more values than timestamps", lambda r: put(sample(r), values=[1, 2])),
    ("OTLP-PROF-016", "two shapes", lambda r: put(sample(r), timestamps_unix_nano=[])),
    ("OTLP-PROF-016", "two other shapes", lambda r: put(sample(r), values=[])),
    ("OTLP-PROF-017", "samples to be merged", merged),
    (
        "OTLP-PROF-018",
        "a timestamp at the end",
        lambda r: put(sample(r), timestamps_unix_nano=[START + SECOND]),
    ),
    (None, "a profile of an instant", lambda r: put(profile(r), duration_nano=0)),
    ("OTLP-PROF-019", "a short id", lambda r: put(profile(r), profile_id=SPAN_ID)),
    ("OTLP-PROF-019", "a zero id", lambda r: put(profile(r), profile_id=bytes(16))),
    (None, "no id", lambda r: put(profile(r), profile_id=b"")),
    (
        "OTLP-PROF-020",
        "a payload without a format",
        lambda r: put(profile(r), original_payload_format=""),
    ),
    (
        "OTLP-PROF-020",
        "a format without a payload",
        lambda r: put(profile(r), original_payload=b""),
    ),
    ("OTLP-PROF-021", "no unit", lambda r: put(profile(r).sample_type, unit_strindex=0)),
    (
        "OTLP-PROF-022",
        "a function without names",
        lambda r: (
            tables(r).function_table.add(start_line=3),
            location(r).lines.append(profiles.Line(function_index=2)),
        ),
    ),
    (
        "OTLP-PROF-023",
        "a link with a short id",
        lambda r: put(tables(r).link_table[1], trace_id=SPAN_ID),
    ),
    ("OTLP-PROF-025", "a negative line", lambda r: put(location(r).lines[0], line=-1)),
    (
        "OTLP-PROF-025",
        "a negative start line",
        lambda r: put(tables(r).function_table[1], start_line=-1),
    ),
    ("OTLP-PROF-026", "an address outside", lambda r: put(location(r), address=0x2001)),
    (None, "an address at the limit", lambda r: put(location(r), address=0x2000)),
    (None, "no address", lambda r: put(location(r), address=0)),
    ("OTLP-PROF-027", "a key twice by index", same_key_twice),
    (
        "OTLP-PROF-028",
        "a key and an index",
        lambda r: put(resource(r).attributes[1], key_strindex=8),
    ),
    ("OTLP-PROF-029", "a mapping without build id", second_mapping),
    (
        "OTLP-COMMON-001",
        "a key twice, by name and by index",
        lambda r: resource(r).attributes.append(attribute("service.name")),
    ),
    ("OTLP-COMMON-003", "an empty key", lambda r: resource(r).attributes.append(attribute(""))),
)
