"""Counts of the occasions of rules about profiles (profiles.proto, Development)."""

from collections import Counter
from collections.abc import Iterator

from otlptest.validation.dictionaries import TABLES
from otlptest.validation.finding_builder import Message
from otlptest.validation.occasions import Occasion


def count_profiles(counts: Counter[Occasion], request: Message) -> None:
    """Count in the dictionary and the profiles of one request."""
    if not request.resource_profiles:
        return
    for profile in _profiles_of(request):
        _count_profile(counts, profile)
    if request.HasField("dictionary"):
        _count_dictionary(counts, request.dictionary)


def _profiles_of(request: Message) -> Iterator[Message]:
    for holder in request.resource_profiles:
        for scope in holder.scope_profiles:
            yield from scope.profiles


def _count_profile(counts: Counter[Occasion], profile: Message) -> None:
    samples = profile.samples
    has_period = bool(profile.time_unix_nano and profile.duration_nano)
    counts[Occasion.PROFILE] += 1
    counts[Occasion.PROFILE_ID] += bool(profile.profile_id)
    counts[Occasion.ORIGINAL_PAYLOAD] += bool(
        profile.original_payload or profile.original_payload_format
    )
    counts[Occasion.ATTRIBUTE_INDICES] += len(profile.attribute_indices) > 1
    counts[Occasion.SAMPLE] += len(samples)
    counts[Occasion.SAMPLE_PAIR] += max(len(samples) - 1, 0)
    for sample in samples:
        times = len(sample.timestamps_unix_nano)
        counts[Occasion.SAMPLE_WITH_BOTH] += bool(sample.values and times)
        counts[Occasion.SAMPLE_TIME] += times if has_period else 0
        counts[Occasion.ATTRIBUTE_INDICES] += len(sample.attribute_indices) > 1


def _count_dictionary(counts: Counter[Occasion], dictionary: Message) -> None:
    counts[Occasion.DICTIONARY] += 1
    for table in TABLES:
        counts[Occasion.DICTIONARY_ENTRY] += max(len(getattr(dictionary, table)) - 1, 0)
    for mapping in dictionary.mapping_table[1:]:
        counts[Occasion.MAPPING] += 1
        counts[Occasion.ATTRIBUTE_INDICES] += len(mapping.attribute_indices) > 1
    for function in dictionary.function_table[1:]:
        counts[Occasion.FUNCTION] += 1
        counts[Occasion.LINE] += bool(function.start_line)
    counts[Occasion.PROFILE_LINK] += max(len(dictionary.link_table) - 1, 0)
    mappings = dictionary.mapping_table
    for location in dictionary.location_table[1:]:
        counts[Occasion.LINE] += len(location.lines)
        counts[Occasion.ATTRIBUTE_INDICES] += len(location.attribute_indices) > 1
        is_mapped = 0 < location.mapping_index < len(mappings)
        counts[Occasion.MAPPED_ADDRESS] += bool(location.address and is_mapped)
