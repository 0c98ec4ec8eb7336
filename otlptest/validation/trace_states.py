"""Faults of trace states.

Sources: W3C Trace Context "tracestate Header Field Values" (OTLP-TRACE-026); TSTATE, in
Development, for the member `ot` (OTLP-TRACE-028). Keys are taken as in level 1 and 2 of the W3C
document: a key is valid if either allows it. Empty members are allowed by both.
"""

import re
from typing import Final

_MAX_MEMBERS: Final = 32
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}")
_VALUE: Final = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_OT_PAIR: Final = re.compile(r"([a-z][a-z0-9]*):([A-Za-z0-9._-]*)")
_OT_VALUES: Final = {"rv": re.compile(r"[0-9a-f]{14}"), "th": re.compile(r"[0-9a-f]{1,14}")}


def fault_of_trace_state(text: str) -> str:
    """Return the fault of a trace state as a W3C list; empty if none."""
    members = _members(text)
    if len(members) > _MAX_MEMBERS:
        return f"{len(members)} members, {_MAX_MEMBERS} are allowed"
    seen = set()
    for member in members:
        key, separator, value = member.partition("=")
        if not separator:
            return f"the member {member!r} without '='"
        if not _KEY.fullmatch(key):
            return f"the key {key!r}"
        if not _VALUE.fullmatch(value):
            return f"the value {value!r} of {key!r}"
        if key in seen:
            return f"the key {key!r} twice"
        seen.add(key)
    return ""


def fault_of_ot_member(text: str) -> str:
    """Return the fault of the member `ot` of a valid trace state; empty if none.

    Its limit of 256 characters is that of every W3C value.
    """
    for member in _members(text):
        key, _, value = member.partition("=")
        if key == "ot":
            return _fault_of_ot(value)
    return ""


def _fault_of_ot(value: str) -> str:
    seen = set()
    for pair in value.split(";"):
        match = _OT_PAIR.fullmatch(pair)
        if not match:
            return f"the pair {pair!r}"
        key, content = match.groups()
        if key in seen:
            return f"the key {key!r} twice"
        seen.add(key)
        wanted = _OT_VALUES.get(key)
        if wanted is not None and not wanted.fullmatch(content):
            return f"the value {content!r} of {key!r}"
    return ""


def _members(text: str) -> list[str]:
    """Return the members of the list that are not empty, without the white space around them."""
    stripped = (member.strip(" \t") for member in text.split(","))
    return [member for member in stripped if member]
