"""Profiles: generated messages to the model and back (profiles.proto, Development).

Indexes into the request's dictionary are resolved; one that points nowhere gives an empty value
here and is a finding of validation (OTLP-PROF-008). Left out: units of attributes, start lines of
functions, and memory ranges of mappings.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from otlptest.model import (
    Attributes,
    Frame,
    Profile,
    Request,
    Resource,
    Sample,
    Scope,
    ValueType,
)
from otlptest.wire.otlp.grouping import ScopeEntries, writing, written_id
from otlptest.wire.otlp.otlp_values import (
    NO_ATTRIBUTES,
    resource_from_message,
    scope_from_message,
    value_from_message,
    value_into_message,
)
from otlptest.wire.otlp.signals import request_class

_Entry = TypeVar("_Entry")


def profiles_from_request(message: Any, request: Request | None = None) -> Iterator[Profile]:  # noqa: ANN401 -- old opentelemetry-proto has no such class
    """Yield every profile of a request, in its order."""
    reader = ProfileReader(message.dictionary)
    for envelope in message.resource_profiles:
        resource = resource_from_message(envelope.resource, envelope.schema_url, reader.strings)
        for entry in envelope.scope_profiles:
            scope = scope_from_message(entry.scope, entry.schema_url, reader.strings)
            for profile in entry.profiles:
                yield reader.profile(profile, resource, scope, request)


class ProfileReader:
    """A reader of the profiles of one request, which share its dictionary.

    Args:
        dictionary: The request's `ProfilesDictionary`.
    """

    def __init__(self, dictionary: Any) -> None:  # noqa: ANN401 -- old opentelemetry-proto has no such class
        self._tables = dictionary
        self.strings: Sequence[str] = list(dictionary.string_table)
        self._stacks: dict[int, tuple[Frame, ...]] = {}

    def profile(
        self,
        message: Any,  # noqa: ANN401 -- old opentelemetry-proto has no such class
        resource: Resource,
        scope: Scope,
        request: Request | None = None,
        *,
        exporter: str | None = None,
    ) -> Profile:
        """Return the profile of `message`.

        Args:
            message: One profile.
            resource: Of its envelope, shared between profiles.
            scope: Of its envelope, shared between profiles.
            request: Its request.
            exporter: See `Profile.exporter`.
        """
        return Profile(
            profile_id=message.profile_id.hex() or None,
            sample_type=self._value_type(message.sample_type),
            samples=tuple(map(self._sample, message.samples)),
            time_unix_nano=message.time_unix_nano,
            duration_nano=message.duration_nano,
            period_type=self._value_type(message.period_type),
            period=message.period,
            attributes=self._attributes(message.attribute_indices),
            dropped_attributes_count=message.dropped_attributes_count,
            original_payload_format=message.original_payload_format,
            original_payload=message.original_payload,
            resource=resource,
            scope=scope,
            exporter=exporter,
            request=request,
        )

    def _text(self, index: int) -> str:
        return _entry(self.strings, index) or ""

    def _value_type(self, message: Any) -> ValueType:  # noqa: ANN401 -- as above
        return ValueType(
            type=self._text(message.type_strindex), unit=self._text(message.unit_strindex)
        )

    def _attributes(self, indices: Iterable[int]) -> Attributes:
        entries = [_entry(self._tables.attribute_table, index) for index in indices]
        items = {
            self._text(entry.key_strindex): value_from_message(entry.value, self.strings)
            for entry in entries
            if entry is not None
        }
        return Attributes(items) if items else NO_ATTRIBUTES

    def _sample(self, message: Any) -> Sample:  # noqa: ANN401 -- as above
        link = _entry(self._tables.link_table, message.link_index) if message.link_index else None
        return Sample(
            stack=self._stack(message.stack_index),
            values=tuple(message.values),
            timestamps_unix_nano=tuple(message.timestamps_unix_nano),
            attributes=self._attributes(message.attribute_indices),
            trace_id=None if link is None else link.trace_id.hex() or None,
            span_id=None if link is None else link.span_id.hex() or None,
        )

    def _stack(self, index: int) -> tuple[Frame, ...]:
        frames = self._stacks.get(index)
        if frames is None:
            stack = _entry(self._tables.stack_table, index)
            indices = () if stack is None else stack.location_indices
            frames = tuple(frame for place in indices for frame in self._frames(place))
            self._stacks[index] = frames
        return frames

    def _frames(self, index: int) -> Iterator[Frame]:
        """Yield the frames of one location: several if calls were inlined, the innermost first."""
        location = _entry(self._tables.location_table, index)
        if location is None:
            yield Frame()
            return
        mapping = _entry(self._tables.mapping_table, location.mapping_index)
        filename = "" if mapping is None else self._text(mapping.filename_strindex)
        if not location.lines:
            yield Frame(address=location.address, mapping=filename)
        for line in location.lines:
            name, system_name, source = self._function(line.function_index)
            yield Frame(
                function=name,
                system_name=system_name,
                filename=source,
                line=line.line,
                column=line.column,
                address=location.address,
                mapping=filename,
            )

    def _function(self, index: int) -> tuple[str, str, str]:
        """Return name, system name and file of a function."""
        function = _entry(self._tables.function_table, index)
        if function is None:
            return "", "", ""
        return (
            self._text(function.name_strindex),
            self._text(function.system_name_strindex),
            self._text(function.filename_strindex),
        )


def _entry(table: Sequence[_Entry], index: int) -> _Entry | None:
    return table[index] if 0 <= index < len(table) else None


def request_from_profiles(profiles: Iterable[Profile]) -> Any:  # noqa: ANN401 -- old opentelemetry-proto has no such class
    """Return a request with these profiles and the dictionary that they need.

    Raises:
        UsageError: The installed `opentelemetry-proto` has no profiles; or one has an id that is
            not hex, or a value out of OTLP's range.
    """
    request = request_class("profiles")()
    writer = _DictionaryWriter(request)
    for profile, message in ScopeEntries("profiles", request).items(profiles):
        with writing("a profile"):
            writer.write(profile, message)
    return request


class _DictionaryWriter:
    """A writer of profiles and their dictionary; each entry once (OTLP-PROF-009).

    Entry 0 of every table is its zero value (OTLP-PROF-005, -006).
    """

    def __init__(self, request: Any) -> None:  # noqa: ANN401 -- as above
        self._tables = request.dictionary
        self._known: dict[tuple[str, object], int] = {}
        self._tables.string_table.append("")
        self._known["string_table", ""] = 0
        for name in ("mapping", "location", "function", "attribute", "stack"):
            getattr(self._tables, f"{name}_table").add()
        self._tables.link_table.add(trace_id=bytes(16), span_id=bytes(8))  # OTLP-PROF-007

    def write(self, profile: Profile, message: Any) -> None:  # noqa: ANN401 -- as above
        message.profile_id = written_id(profile.profile_id)
        self._write_type(profile.sample_type, message.sample_type)
        message.time_unix_nano = profile.time_unix_nano
        message.duration_nano = profile.duration_nano
        self._write_type(profile.period_type, message.period_type)
        message.period = profile.period
        message.attribute_indices.extend(self._attributes(profile.attributes))
        message.dropped_attributes_count = profile.dropped_attributes_count
        message.original_payload_format = profile.original_payload_format
        message.original_payload = profile.original_payload
        for sample in profile.samples:
            message.samples.add(
                stack_index=self._stack(sample.stack),
                attribute_indices=self._attributes(sample.attributes),
                link_index=self._link(sample.trace_id, sample.span_id),
                values=sample.values,
                timestamps_unix_nano=sample.timestamps_unix_nano,
            )

    def _write_type(self, value: ValueType, message: Any) -> None:  # noqa: ANN401 -- as above
        message.type_strindex = self._string(value.type)
        message.unit_strindex = self._string(value.unit)

    def _string(self, text: str) -> int:
        index = self._known.get(("string_table", text))
        if index is None:
            index = self._known["string_table", text] = len(self._tables.string_table)
            self._tables.string_table.append(text)
        return index

    def _new(self, table: str, content: tuple[tuple[str, object], ...]) -> int:
        """Return the index of the entry with this content, new if missing; 0 for the zero value."""
        if not any(value for _, value in content):
            return 0
        index = self._known.get((table, content))
        if index is None:
            entries = getattr(self._tables, table)
            index = self._known[table, content] = len(entries)
            entries.add(**dict(content))
        return index

    def _attributes(self, attributes: Attributes) -> list[int]:
        indices = []
        for key, value in attributes.items():
            entry = type(self._tables.attribute_table[0])(key_strindex=self._string(key))
            if value is not None:
                value_into_message(value, entry.value)
            identity = ("attribute_table", entry.SerializeToString(deterministic=True))
            index = self._known.get(identity)
            if index is None:
                index = self._known[identity] = len(self._tables.attribute_table)
                self._tables.attribute_table.append(entry)
            indices.append(index)
        return indices

    def _link(self, trace_id: str | None, span_id: str | None) -> int:
        return self._new(
            "link_table", (("trace_id", written_id(trace_id)), ("span_id", written_id(span_id)))
        )

    def _stack(self, frames: tuple[Frame, ...]) -> int:
        locations = tuple(map(self._location, frames))
        return self._new("stack_table", (("location_indices", locations),))

    def _location(self, frame: Frame) -> int:
        if frame == Frame():
            return 0
        index = self._known.get(("location_table", frame))
        if index is None:
            index = self._known["location_table", frame] = len(self._tables.location_table)
            mapping = self._new(
                "mapping_table", (("filename_strindex", self._string(frame.mapping)),)
            )
            entry = self._tables.location_table.add(mapping_index=mapping, address=frame.address)
            if frame != Frame(address=frame.address, mapping=frame.mapping):
                entry.lines.add(
                    function_index=self._function(frame), line=frame.line, column=frame.column
                )
        return index

    def _function(self, frame: Frame) -> int:
        return self._new(
            "function_table",
            (
                ("name_strindex", self._string(frame.function)),
                ("system_name_strindex", self._string(frame.system_name)),
                ("filename_strindex", self._string(frame.filename)),
            ),
        )
