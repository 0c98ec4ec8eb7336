"""Borderline data: right encodings of requests that break a rule about data, or are unusual.

Each oddity changes a message in one way and names the requirement that says what a receiver has to
do with it. Those of one signal's own fields are in `item_oddities`.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from otlptest.model import Signal
from otlptest.strategies.borderline_items import ITEM_ODDITIES
from otlptest.strategies.drawing import Draw, has_message, new, pick, upto
from otlptest.strategies.mutations import Expected
from otlptest.wire.otlp.signals import SIGNAL_NAMES

_TEXTS: Final = (
    "a\x00b",
    "\x1b[31mred\x1b[0m\r\n",
    "\u202eright to left\u202c",
    "e\u0301\u0327" * 8,
    "👩‍👩‍👧‍👦",  # joined by zero-width joiners
    "\ufffe\uffff\ufeff",
    "<script>alert(1)</script>",
    "${jndi:ldap://127.0.0.1/a}",
    "'; DROP TABLE spans; --",
    "{{7*7}} %s %n",
)
_MARKUP_FROM: Final = 6  # texts from here on look like code
_URLS: Final = ("x", "://", "https://", "file:///etc/passwd", "a" * 65_536, "größe")
_MAYBE_DECODED: Final = frozenset({"OTLP-TRACE-044", "OTLP-LOG-018"})
_LARGE: Final = ("attributes", "key", "value")


class Oddity(NamedTuple):
    """One change of a message, and what a receiver has to do with it."""

    rule: str
    fault: str
    expected: Expected

    @property
    def is_decodable(self) -> bool:
        """Return whether every correct decoder reads it: some check the length of ids."""
        return self.rule not in _MAYBE_DECODED


Change: TypeAlias = Callable[[Draw, Signal, Any], Oddity]
"""A function that changes a message in one way."""


def _first_holder(signal: Signal, message: Any) -> Any:  # noqa: ANN401 -- a generated message
    return getattr(message, SIGNAL_NAMES[signal].field)[0]


def _first_scope(signal: Signal, message: Any) -> Any:  # noqa: ANN401 -- a generated message
    return getattr(_first_holder(signal, message), SIGNAL_NAMES[signal].scope_field)[0]


def _first_item(signal: Signal, message: Any) -> Any:  # noqa: ANN401 -- a generated message
    return getattr(_first_scope(signal, message), SIGNAL_NAMES[signal].item_field)[0]


def _add_attribute(owner: Any, key: str, **value: Any) -> None:  # noqa: ANN401 -- a generated message
    entry = owner.attributes.add(key=key)
    entry.value.SetInParent()
    for name, held in value.items():
        setattr(entry.value, name, held)


def _hollow(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    names = SIGNAL_NAMES[signal]
    where = upto(draw, 2)
    if where == 0:
        getattr(message, names.field).add()
        fault = "a resource without scopes"
    elif where == 1:
        getattr(_first_holder(signal, message), names.scope_field).add()
        fault = "a scope without items"
    else:
        del getattr(_first_scope(signal, message), names.item_field)[:]
        fault = "a scope without items"
    return Oddity("OTLP-RESP-007", fault, "must_accept")


def _no_resource(_draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    _first_holder(signal, message).ClearField("resource")
    return Oddity("OTLP-SRV-014", "no resource", "may_refuse")


def _no_scope(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    scope = _first_scope(signal, message)
    if upto(draw, 1):
        scope.scope.name = scope.scope.version = ""
        return Oddity("OTLP-COMMON-048", "a scope without name and version", "must_accept")
    scope.ClearField("scope")
    return Oddity("OTLP-COMMON-048", "no scope", "must_accept")


def _repeated_key(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    holder = _first_holder(signal, message)
    owner, name = pick(
        draw, [(holder.resource, "resource"), (_first_scope(signal, message).scope, "scope")]
    )
    _add_attribute(owner, "otlptest.twice", int_value=1)
    if upto(draw, 1):
        _add_attribute(owner, "otlptest.twice", int_value=1)
    else:
        _add_attribute(owner, "otlptest.twice", string_value="other")
    return Oddity("OTLP-COMMON-007", f"a key twice in a {name}", "may_refuse")


def _empty_key(_draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    _add_attribute(_first_holder(signal, message).resource, "", int_value=1)
    return Oddity("OTLP-SRV-014", "an empty key", "may_refuse")


def _no_value(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    resource = _first_holder(signal, message).resource
    if upto(draw, 1):
        _add_attribute(resource, "otlptest.empty")
        return Oddity("OTLP-COMMON-009", "an attribute with an empty value", "must_accept")
    resource.attributes.add(key="otlptest.none")
    return Oddity("OTLP-COMMON-010", "an attribute without a value", "must_accept")


def _schema_url(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    owner = pick(draw, [_first_holder(signal, message), _first_scope(signal, message)])
    owner.schema_url = url = pick(draw, _URLS)
    return Oddity("OTLP-COMMON-044", f"the schema URL {url[:30]!r}", "must_accept")


def _text(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    number = upto(draw, len(_TEXTS) - 1)
    text = _TEXTS[number]
    resource = _first_holder(signal, message).resource
    _add_attribute(resource, "otlptest.odd" + text * upto(draw, 1), string_value=text)
    rule = "OTLP-COMMON-054" if number >= _MARKUP_FROM else "OTLP-COMMON-053"
    return Oddity(rule, f"the text {text[:30]!r}", "must_accept")


def _large(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    resource = _first_holder(signal, message).resource
    what = pick(draw, _LARGE)
    if what == "attributes":
        for number in range(1000):
            _add_attribute(resource, f"otlptest.{number}", int_value=number)
        return Oddity("OTLP-COMMON-052", "1000 attributes", "may_refuse")
    if what == "key":
        _add_attribute(resource, "k" * 65_536, int_value=1)
        return Oddity("OTLP-COMMON-052", "a key of 64 KiB", "may_refuse")
    _add_attribute(resource, "otlptest.large", string_value="v" * 262_144)
    return Oddity("OTLP-COMMON-052", "a value of 256 KiB", "may_refuse")


def _repeated_group(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    names = SIGNAL_NAMES[signal]
    owner, field = pick(
        draw, [(message, names.field), (_first_holder(signal, message), names.scope_field)]
    )
    groups = getattr(owner, field)
    copy = groups.add()
    copy.CopyFrom(groups[0])
    return Oddity("OTLP-COMMON-041", f"an equal entry of {field} twice", "must_accept")


def _entity(_draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    if not has_message(signal, "EntityRef"):
        return _no_value(_draw, signal, message)
    resource = _first_holder(signal, message).resource
    resource.entity_refs.append(new(signal, "EntityRef", type="x", id_keys=["otlptest.nowhere"]))
    return Oddity("OTLP-COMMON-051", "an entity whose key is not an attribute", "must_accept")


def _by_index(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
    """Use indexes into a dictionary of profiles that does not exist."""
    resource = _first_holder(signal, message).resource
    entry = resource.attributes.add()
    known = entry.value.DESCRIPTOR.fields_by_name
    if (
        "string_value_strindex" not in known
        or "key_strindex" not in entry.DESCRIPTOR.fields_by_name
    ):
        entry.key = "otlptest.none"
        return Oddity("OTLP-COMMON-010", "an attribute without a value", "must_accept")
    entry.key_strindex = 1 + upto(draw, 7)
    entry.value.string_value_strindex = pick(draw, (1, 0, -1, 2**31 - 1))
    if signal == "profiles":
        return Oddity("OTLP-PROF-032", "an index beyond its table", "may_refuse")
    return Oddity("OTLP-PROF-033", "a key and a text by index, outside profiles", "must_accept")


_CHANGES: Final[tuple[Change, ...]] = (
    _hollow,
    _no_resource,
    _no_scope,
    _repeated_key,
    _empty_key,
    _no_value,
    _schema_url,
    _text,
    _repeated_group,
    _entity,
    _by_index,
    _large,
)


def _of_item(change: Callable[[Draw, Any], tuple[str, str, Expected]]) -> Change:
    def make(draw: Draw, signal: Signal, message: Any) -> Oddity:  # noqa: ANN401 -- a generated message
        return Oddity(*change(draw, _first_item(signal, message)))

    return make


def oddities(signal: Signal) -> tuple[Change, ...]:
    """Return each way to make the data of a request odd; all change the message that they get."""
    return (*_CHANGES, *map(_of_item, ITEM_ODDITIES[signal]))
