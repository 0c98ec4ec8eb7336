"""A profiles request that breaks no data rule; old `opentelemetry-proto` do not have the signal."""

from typing import Any

from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import (
    ExportProfilesServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.profiles.v1development import profiles_pb2 as profiles

from tests.support.right_requests import (
    SCHEMA_URL,
    SECOND,
    SPAN_ID,
    START,
    TRACE_ID,
    any_value,
    attribute,
    scope,
)


def profile_request() -> ExportProfilesServiceRequest:
    """A CPU profile of two samples, with every table in use."""
    texts = ["", "cpu", "nanoseconds", "main", "main.py", "process.executable.build_id.gnu"]
    texts += ["abc", "thread", "service.name", "shop", "1"]
    dictionary = profiles.ProfilesDictionary(
        string_table=texts,
        mapping_table=[
            profiles.Mapping(),
            profiles.Mapping(
                memory_start=0x1000, memory_limit=0x2000, filename_strindex=4, attribute_indices=[1]
            ),
        ],
        function_table=[
            profiles.Function(),
            profiles.Function(name_strindex=3, filename_strindex=4, start_line=1),
        ],
        location_table=[
            profiles.Location(),
            profiles.Location(
                mapping_index=1,
                address=0x1500,
                lines=[profiles.Line(function_index=1, line=7, column=1)],
            ),
        ],
        stack_table=[profiles.Stack(), profiles.Stack(location_indices=[1])],
        link_table=[
            profiles.Link(trace_id=bytes(16), span_id=bytes(8)),
            profiles.Link(trace_id=TRACE_ID, span_id=SPAN_ID),
        ],
        attribute_table=[
            profiles.KeyValueAndUnit(),
            profiles.KeyValueAndUnit(
                key_strindex=5, value=AnyValue(string_value_strindex=6), unit_strindex=10
            ),
            profiles.KeyValueAndUnit(key_strindex=7, value=any_value([1, {"a": 2}])),
        ],
    )
    times: Any = {"time_unix_nano": START, "duration_nano": SECOND}
    samples = [
        profiles.Sample(
            stack_index=1,
            link_index=1,
            values=[5],
            timestamps_unix_nano=[START],
            attribute_indices=[2],
        ),
        profiles.Sample(stack_index=1, values=[7, 8], timestamps_unix_nano=[START, START + 1]),
    ]
    profile = profiles.Profile(
        **times,
        sample_type=profiles.ValueType(type_strindex=1, unit_strindex=2),
        period_type=profiles.ValueType(type_strindex=1, unit_strindex=2),
        samples=samples,
        profile_id=TRACE_ID,
        original_payload_format="pprof",
        original_payload=b"x",
        attribute_indices=[2],
    )
    request = ExportProfilesServiceRequest(dictionary=dictionary)
    by_index = KeyValue(key_strindex=8, value=AnyValue(string_value_strindex=9))
    holder = request.resource_profiles.add(schema_url=SCHEMA_URL)
    holder.resource.attributes.append(by_index)
    holder.resource.attributes.append(attribute("host.id", 7))
    holder.scope_profiles.add(scope=scope(), schema_url=SCHEMA_URL, profiles=[profile])
    return request
