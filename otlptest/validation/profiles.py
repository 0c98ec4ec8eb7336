"""Rules about profiles (profiles.proto, in Development; section 9 of the requirements)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from otlptest.validation.dictionaries import TABLES, check_dictionary, check_orphans
from otlptest.validation.finding_builder import Context, Item, Message, Notes, quoted
from otlptest.validation.indexes import Indexes, attribute_keys
from otlptest.wire.otlp.mistaken_ids import mistake_in_bytes

_PROFILE_ID_BYTES: Final = 16


def check_profiles_request(notes: Notes, context: Context, request: Message) -> None:
    """Check the dictionary and every profile of one request."""
    if not request.resource_profiles:
        return
    dictionary = request.dictionary
    indexes = Indexes(dictionary)
    if not request.HasField("dictionary"):
        if any(_uses_indexes(profile) for profile in _profiles_of(request)):
            item = Item(context, "dictionary", dictionary)
            notes.note("OTLP-PROF-004", item, "", "indexes and no dictionary")
        return
    item = Item(context, "dictionary", dictionary)
    check_dictionary(notes, item, dictionary)
    _check_table_indexes(notes, item, dictionary, indexes)
    _check_groups(notes, context, request, indexes)
    for number, profile in enumerate(_profiles_of(request), start=1):
        _check_profile(notes, Item(context, "profile", profile, number), profile, indexes)
        _check_samples(
            notes, Item(context, "profile", profile, number), dictionary, profile, indexes
        )
    check_orphans(notes, item, dictionary, indexes)


def _profiles_of(request: Message) -> Iterator[Message]:
    for holder in request.resource_profiles:
        for scope in holder.scope_profiles:
            yield from scope.profiles


def _uses_indexes(profile: Message) -> bool:
    kind = profile.sample_type
    return bool(
        kind.type_strindex
        or kind.unit_strindex
        or profile.attribute_indices
        or any(sample.stack_index or sample.attribute_indices for sample in profile.samples)
    )


def _check_table_indexes(notes: Notes, item: Item, dictionary: Message, indexes: Indexes) -> None:
    for table in TABLES:
        if table == "string_table":
            continue
        for number, entry in enumerate(getattr(dictionary, table)):
            indexes.check(notes, item, f"{table}[{number}].", entry, f"{table}.")
            if table == "attribute_table":
                path = f"{table}[{number}].value"
                indexes.check_value(notes, item, path, entry.value, f"{table}.value")
            elif table == "location_table":
                for line in entry.lines:
                    indexes.check(notes, item, f"{table}[{number}].lines.", line, f"{table}.lines.")
            if table in {"mapping_table", "location_table"}:
                _check_attribute_keys(notes, item, f"{table}[{number}].", dictionary, entry)


def _check_groups(notes: Notes, context: Context, request: Message, indexes: Indexes) -> None:
    """Check the attributes of resources and scopes, whose keys may be indexes."""
    for holder in request.resource_profiles:
        own = Context(context.request, holder.resource, context.strings)
        item = Item(own, "resource", holder)
        _check_attributes(notes, item, holder.resource.attributes, indexes)
        for scope in holder.scope_profiles:
            item = Item(own, "scope", scope.scope)
            _check_attributes(notes, item, scope.scope.attributes, indexes)


def _check_attributes(
    notes: Notes, item: Item, attributes: Sequence[Message], indexes: Indexes
) -> None:
    for attribute in attributes:
        index = getattr(attribute, "key_strindex", 0)  # since OTLP 1.10
        if attribute.key and index:
            received = f"{quoted(attribute.key)} and the index {index}"
            notes.note("OTLP-PROF-028", item, "attributes", received)
        indexes.check(notes, item, "attributes.", attribute, "attributes.")
        indexes.check_value(notes, item, "attributes", attribute.value, "attributes")


def _check_attribute_keys(
    notes: Notes, item: Item, path: str, dictionary: Message, message: Message
) -> None:
    keys = Counter(attribute_keys(dictionary, message.attribute_indices))
    repeated = [key for key, count in keys.items() if count > 1]
    if repeated:
        received = f"the key {quoted(repeated[0])} {keys[repeated[0]]} times"
        notes.note(
            "OTLP-PROF-027",
            item,
            f"{path}attribute_indices",
            received,
            shape=message.DESCRIPTOR.name,
        )


def _check_profile(notes: Notes, item: Item, profile: Message, indexes: Indexes) -> None:
    identifier = profile.profile_id
    if identifier and (len(identifier) != _PROFILE_ID_BYTES or not any(identifier)):
        received = f"{identifier[:32].hex()}, {len(identifier)} bytes"
        hint = mistake_in_bytes(identifier, _PROFILE_ID_BYTES)
        notes.note("OTLP-PROF-019", item, "profile_id", received, hint=hint)
    if bool(profile.original_payload) != bool(profile.original_payload_format):
        received = "only the payload" if profile.original_payload else "only the format"
        notes.note("OTLP-PROF-020", item, "original_payload", received)
    kind = profile.sample_type
    if not (kind.type_strindex and kind.unit_strindex):
        received = f"type_strindex {kind.type_strindex}, unit_strindex {kind.unit_strindex}"
        notes.note("OTLP-PROF-021", item, "sample_type", received)
    indexes.check(notes, item, "", profile, "")
    for field in ("sample_type", "period_type"):
        indexes.check(notes, item, f"{field}.", getattr(profile, field), f"{field}.")


def _check_samples(
    notes: Notes, item: Item, dictionary: Message, profile: Message, indexes: Indexes
) -> None:
    _check_attribute_keys(notes, item, "", dictionary, profile)
    shapes = set()
    identities: Counter[object] = Counter()
    for number, sample in enumerate(profile.samples):
        path = f"samples[{number}]"
        indexes.check(notes, item, f"{path}.", sample, "samples.")
        _check_attribute_keys(notes, item, f"{path}.", dictionary, sample)
        _check_observations(notes, item, path, profile, sample)
        shapes.add(_shape(sample))
        identities[
            (sample.stack_index, frozenset(sample.attribute_indices), sample.link_index)
        ] += 1
    if len(shapes - {""}) > 1:
        received = " and ".join(sorted(shapes - {""}))
        notes.note("OTLP-PROF-016", item, "samples", received)
    repeated = sum(count - 1 for count in identities.values())
    if repeated:
        notes.note("OTLP-PROF-017", item, "samples", f"{repeated} samples that could be merged")


def _check_observations(
    notes: Notes, item: Item, path: str, profile: Message, sample: Message
) -> None:
    values, times = sample.values, sample.timestamps_unix_nano
    if not values and not times:
        notes.note("OTLP-PROF-013", item, path, "neither", shape="samples")
    elif values and times and len(values) != len(times):
        received = f"{len(values)} values and {len(times)} timestamps"
        notes.note("OTLP-PROF-014", item, path, received, shape="samples")
    start = profile.time_unix_nano
    end = start + profile.duration_nano
    if start < end and start and any(not start <= time < end for time in times):
        stray = next(time for time in times if not start <= time < end)
        received = f"{stray}, outside [{start}, {end})"
        where = f"{path}.timestamps_unix_nano"
        notes.note("OTLP-PROF-018", item, where, received, shape="samples")


def _shape(sample: Message) -> str:
    """Return whether a sample has values, timestamps, or both; empty for neither."""
    if sample.timestamps_unix_nano:
        return "values with timestamps" if sample.values else "timestamps alone"
    return "values alone" if sample.values else ""
