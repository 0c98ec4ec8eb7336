"""JSON text to Python values and back, as strictly as RFC 8259 is.

Refused: anything but UTF-8 without a byte order mark, bare `NaN` and `Infinity`, bytes after the
document, and nesting deeper than a limit (OTLP-JSON-024, -035, -036, -043, -044, -048). A repeated
key counts once, with its last value (OTLP-JSON-034).
"""

import json
import re
from itertools import accumulate
from typing import Any, Final, NoReturn

from otlptest.errors import WireError
from otlptest.wire.transport.limits import DEFAULT_LIMITS

_BOM: Final = b"\xef\xbb\xbf"
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_STEPS: Final = {ord("["): 1, ord("]"): -1}
_QUICK_PASSES: Final = 24
_TEXTS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class _BareConstantError(ValueError):
    """`NaN`, `Infinity` or `-Infinity` without quotes."""


def load_json(data: bytes, *, max_depth: int = DEFAULT_LIMITS.json_depth) -> Any:  # noqa: ANN401 -- any JSON value
    """Return the value of the JSON text `data`.

    Args:
        data: One JSON document in UTF-8; white space around it is fine.
        max_depth: Deepest nesting of objects and lists.

    Raises:
        WireError: Kind `malformed`; the place is an offset.
    """
    if not data.strip(b" \t\r\n"):
        raise WireError(*_fault("048", "the body is empty, which is not valid JSON document"))
    if data.startswith(_BOM):
        raise WireError(*_fault("036", "the text begins with a byte order mark", "byte 0"))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as bad:
        raise WireError(*_fault("035", "the text is not UTF-8", f"byte {bad.start}")) from bad
    too_deep = _fault("044", f"the JSON nests deeper than {max_depth} levels")
    if _nests_deeper(data, max_depth):
        raise WireError(*too_deep)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as bad:
        rule = "043" if bad.msg == "Extra data" else "036"
        place = f"byte {len(text[: bad.pos].encode())}"
        raise WireError(*_fault(rule, f"the text is not valid JSON: {bad.msg}", place)) from bad
    except _BareConstantError as bad:
        raise WireError(
            *_fault("024", f"{bad} stands without quotes, which is not valid JSON")
        ) from bad
    except ValueError as bad:  # an integer of thousands of digits
        raise WireError(*_fault("036", f"the JSON has a number that is too long: {bad}")) from bad
    except RecursionError as bad:  # the caller's own stack was nearly full
        raise WireError(*too_deep) from bad


def dump_json(value: object) -> bytes:
    """Return `value` as compact JSON in UTF-8, on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _fault(number: str, problem: str, place: str = "") -> tuple[str, str, str, str]:
    return "malformed", f"OTLP-JSON-{number}", problem, place


def _refuse_constant(name: str) -> NoReturn:
    """Refuse a constant that Python's parser would take.

    Raises:
        _BareConstantError: Always.
    """
    raise _BareConstantError(name)


def _nests_deeper(data: bytes, limit: int) -> bool:
    """Return whether brackets nest deeper than `limit`.

    Brackets within texts are first taken for real ones, and the texts are only cut out if that
    gives a doubtful answer, as for few payloads.
    """
    return _brackets_nest_deeper(data, limit) and _brackets_nest_deeper(
        _TEXTS.sub(b"", data), limit
    )


def _brackets_nest_deeper(data: bytes, limit: int) -> bool:
    """Return whether brackets open `limit + 1` times without closing.

    Both kinds count as one here: the parser refuses unbalanced or crossed ones. Some
    passes that take out the innermost pairs make short work of ordinary payloads; counting
    bracket by bracket is slower, and takes linear time for every text.
    """
    brackets = data.translate(_ONE_KIND, _NO_BRACKETS)
    if b"[" * (limit + 1) in brackets:
        return True
    passes = 0
    while b"[]" in brackets and passes < min(limit, _QUICK_PASSES):
        brackets = brackets.replace(b"[]", b"")
        passes += 1
    steps = map(_STEPS.__getitem__, brackets)
    return passes + max(accumulate(steps), default=0) > limit
