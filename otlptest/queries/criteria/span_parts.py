"""Criteria on the relations of a span: its parent, its events, its links."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from otlptest.errors import UsageError
from otlptest.model import Link, Root, Span, SpanEvent
from otlptest.queries.criteria.conditions import (
    Condition,
    Difference,
    FieldCondition,
    PartCondition,
    difference,
    phrase,
)
from otlptest.queries.criteria.criterion_values import attributes_wanted, choice_wanted, text_wanted
from otlptest.queries.criteria.matching import Matcher, equals
from otlptest.queries.messages.wording import ABSENT, show

_TEXT_MATCHERS: Final = {"regex", "starts_with", "ends_with"}  # of no use for a list


@dataclass(frozen=True, slots=True)
class DurationCondition:
    """A criterion on a span's duration in milliseconds; a span without an end has none."""

    wanted: object
    criterion: str = "duration_ms"

    def matches(self, item: Span) -> bool:
        """See `Condition.matches`."""
        return equals(self.wanted, _duration_of(item))

    def differences(self, item: Span) -> tuple[Difference, ...]:
        """See `Condition.differences`."""
        if self.matches(item):
            return ()
        found = difference(self.criterion, self.wanted, _duration_of(item))
        if item.end_time_unix_nano:
            return (found,)
        return (replace(found, received="none: the span has no end (end_time_unix_nano is 0)"),)

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        return (phrase(self.criterion, self.wanted),)


def _duration_of(span: Span) -> object:
    return span.duration_ms if span.end_time_unix_nano else ABSENT


@dataclass(frozen=True, slots=True)
class ParentCondition:
    """A criterion on a span's parent: a span, a span id, `ROOT`, or a matcher for the id."""

    wanted: object
    criterion: str = "parent"

    def matches(self, item: Span) -> bool:
        """See `Condition.matches`."""
        wanted = self.wanted
        if isinstance(wanted, Root):
            return item.parent_span_id is None or item.has_outside_parent
        if isinstance(wanted, Span):
            return (item.trace_id, item.parent_span_id) == (wanted.trace_id, wanted.span_id)
        parent = item.parent_span_id
        return equals(wanted, ABSENT if parent is None else parent)

    def differences(self, item: Span) -> tuple[Difference, ...]:
        """See `Condition.differences`."""
        if self.matches(item):
            return ()
        parent = item.parent_span_id
        if isinstance(self.wanted, Matcher):
            received: object = ABSENT if parent is None else parent
            return (difference("parent", self.wanted, received),)
        shown = "ROOT" if parent is None else f"span {parent}"
        if isinstance(self.wanted, Span) and parent == self.wanted.span_id:
            shown = f"span {parent} of trace {item.trace_id}"
        return (Difference(field="parent", expected=self._shown(), received=shown, distance=0.9),)

    def _shown(self) -> str:
        if isinstance(self.wanted, Root):
            return "ROOT"
        if isinstance(self.wanted, Span):
            return f"{show(self.wanted.name)} (span {self.wanted.span_id})"
        return f"span {self.wanted}"

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        if isinstance(self.wanted, Matcher):
            return (phrase("parent", self.wanted),)
        return (f"parent = {self._shown()}",)


def events_condition(wanted: object) -> Condition:
    """Return a criterion on a span's events; see `otlptest.queries.criteria.vocabularies`.

    Raises:
        UsageError: It is something else.
    """
    if isinstance(wanted, Matcher) and wanted.name not in _TEXT_MATCHERS:
        return FieldCondition("events", wanted, _event_names)
    parts = [_event_part(each) for each in _several("events", wanted)]
    return PartCondition(
        "events", wanted, parts, lambda span: span.events, lambda event: show(event.name)
    )


def _event_names(span: Span) -> object:
    return [event.name for event in span.events] or ABSENT


def _several(criterion: str, wanted: object) -> list[object]:
    if isinstance(wanted, str | Matcher | Mapping | Span):
        return [wanted]
    if isinstance(wanted, list | tuple) and wanted:
        return list(wanted)
    raise UsageError(
        f"{criterion} must be one or several of what the span has, and is {show(wanted)}",
        f"{criterion}=match.absent() is a span without {criterion}",
    )


def _event_part(wanted: object) -> tuple[str, Callable[[Any], bool]]:
    if not isinstance(wanted, Mapping):
        name = text_wanted("events", wanted)
        return show(name), lambda event: equals(name, event.name)
    for key in wanted:
        choice_wanted("part of an event", key, ("name", "attributes"))
    name_test = text_wanted("name of an event", wanted.get("name", ANY))
    attributes = attributes_wanted("attributes", wanted.get("attributes", {}))

    def test(event: SpanEvent) -> bool:
        return equals(name_test, event.name) and _has(attributes, event.attributes)

    return show(dict(wanted)), test


ANY: Final = Matcher("present", (), lambda value: value is not ABSENT)


def _has(wanted: Mapping[str, object], received: Mapping[str, object]) -> bool:
    return all(equals(value, received.get(key, ABSENT)) for key, value in wanted.items())


def links_condition(wanted: object) -> Condition:
    """Return a criterion on a span's links; see `otlptest.queries.criteria.vocabularies`.

    Raises:
        UsageError: It is something else.
    """
    if isinstance(wanted, Matcher) and wanted.name not in _TEXT_MATCHERS:
        return FieldCondition("links", wanted, _linked_ids)
    parts = [_link_part(each) for each in _several("links", wanted)]
    return PartCondition(
        "links",
        wanted,
        parts,
        lambda span: span.links,
        lambda link: (
            f"span {link.span_id or 'without id'} of trace {link.trace_id or 'without id'}"
        ),
    )


def _linked_ids(span: Span) -> object:
    return [link.span_id for link in span.links] or ABSENT


def _link_part(wanted: object) -> tuple[str, Callable[[Any], bool]]:
    if isinstance(wanted, Span):
        ids = (wanted.trace_id, wanted.span_id)
        text = f"{show(wanted.name)} (span {wanted.span_id})"
        return text, lambda link: (link.trace_id, link.span_id) == ids
    if isinstance(wanted, Mapping):
        return _link_fields(wanted)
    given = text_wanted("links", wanted)
    if isinstance(given, str):
        given = given.lower()
    return show(given), lambda link: equals(given, link.span_id) or equals(given, link.trace_id)


def _link_fields(wanted: Mapping[Any, Any]) -> tuple[str, Callable[[Any], bool]]:
    for key in wanted:
        choice_wanted("part of a link", key, ("trace_id", "span_id", "attributes"))
    trace_id, span_id = wanted.get("trace_id", ANY), wanted.get("span_id", ANY)
    attributes = attributes_wanted("attributes", wanted.get("attributes", {}))

    def test(link: Link) -> bool:
        return (
            equals(trace_id, link.trace_id)
            and equals(span_id, link.span_id)
            and _has(attributes, link.attributes)
        )

    return show(dict(wanted)), test
