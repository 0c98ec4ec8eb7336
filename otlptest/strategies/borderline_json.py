"""Borderline JSON: valid requests as no SDK writes them, and cases where decoders differ."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from hypothesis import assume

from otlptest.model import Signal
from otlptest.strategies.drawing import ASCII_TEXTS, Draw, pick, upto
from otlptest.strategies.json_documents import Literally, Pairs, first_holder, restyled, written
from otlptest.strategies.mutations import Expected, Maker, MutatedPayload
from otlptest.wire.otlp.json_tables import FieldTable, JsonKind
from otlptest.wire.otlp.otlp_json import encode_message, json_object
from otlptest.wire.otlp.signals import SIGNAL_NAMES

_MOST_EXACT: Final = 2**63 - 1
_READ_BY_ALL: Final = 40
_DEPTHS: Final = (3, 30, 40, 60, 101, 500, 10_000)
_ENUM_NAMES: Final[dict[Signal, tuple[str, str]]] = {
    "traces": ("kind", "SPAN_KIND_SERVER"),
    "logs": ("severityNumber", "SEVERITY_NUMBER_INFO"),
}


_ABOUT_ENUMS: Final = frozenset({"OTLP-JSON-010", "OTLP-JSON-011"})


class _Form(NamedTuple):
    """One way to be borderline; `make` returns the text, None if it does not apply."""

    rule: str
    fault: str
    make: Callable[[Draw, Signal, Any], bytes | None]
    expected: Expected = "must_accept"


def _maker(form: _Form) -> Maker:
    def make(draw: Draw, signal: Signal, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
        plain = encode_message(message)
        body = form.make(draw, signal, message)
        assume(body is not None)  # the request may not have such a value
        return MutatedPayload(
            body=body or b"",
            rule=form.rule,
            fault=form.fault,
            expected=form.expected,
            plain=plain,
        )

    return make


def _spaced(draw: Draw, _signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    return written(json_object(message), is_pretty=True, is_reversed=bool(upto(draw, 1)))


def _escaped(_draw: Draw, _signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    return written(json_object(message), is_escaped=True)


def _with(kinds: frozenset[JsonKind], write: Callable[[FieldTable, Any], Any]) -> Any:  # noqa: ANN401 -- a form's `make`
    """Return a form that writes all values of some kinds in another way."""

    def make(_draw: Draw, _signal: Signal, message: Any) -> bytes | None:  # noqa: ANN401 -- a generated message
        changed: list[bool] = []

        def style(field: FieldTable, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
            if field.kind not in kinds:
                return value
            other = write(field, value)
            changed.append(other != value)
            return other

        document = restyled(message, style)
        return written(document) if any(changed) else None

    return make


def _as_number(_field: FieldTable, value: str) -> Any:  # noqa: ANN401 -- any JSON value
    return Literally(value) if abs(int(value)) <= _MOST_EXACT else value


def _as_exponent(_field: FieldTable, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    number = int(value)
    if number % 10 or not number:
        return Literally(f"{number}.0")
    zeros = len(str(number)) - len(str(number).rstrip("0"))
    return Literally(f"{number // 10**zeros}e{zeros}")


def _as_text(_field: FieldTable, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    return value if isinstance(value, str) else repr(value)


def _as_url_base64(_field: FieldTable, value: str) -> str:
    return value.replace("+", "-").replace("/", "_").rstrip("=")


def _as_upper(_field: FieldTable, value: str) -> str:
    return value.upper()


def _unknown_keys(draw: Draw, _signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    values: tuple[Any, ...] = (1, "x", None, True, [], {}, [{"a": [1, "b"]}], {"resourceSpans": 7})
    added = {"otlptestUnknown": pick(draw, values)}
    return written(_added(draw, json_object(message), added))


def _empty_key(draw: Draw, _signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    return written(_added(draw, json_object(message), {"": 1}))


def _added(draw: Draw, document: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """Return the document with keys added to the request, an entry, a scope or an item."""
    places = [document, first_holder(document)]
    places.append(first_holder(places[-1]))
    places.append(first_holder(places[-1]))
    if "resource" in places[1]:
        places.append(places[1]["resource"])
    place = pick(draw, places)
    rest = dict(place)
    place.clear()
    place.update({**added, **rest} if upto(draw, 1) else {**rest, **added})
    return document


def _nulls(_draw: Draw, signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    holder = first_holder(document)
    for key in (
        "resource",
        "schemaUrl",
        SIGNAL_NAMES[signal].json_key.replace("resource", "scope"),
    ):
        holder.setdefault(key, None)
    scope = first_holder(holder)
    for key in ("scope", "schemaUrl"):
        scope.setdefault(key, None)
    for key in ("attributes", "traceState", "status", "description", "body"):
        first_holder(scope).setdefault(key, None)
    return written(document)


def _repeated_key(draw: Draw, signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    key = SIGNAL_NAMES[signal].json_key
    repeated = [(key, document[key]), (key, document[key] if upto(draw, 1) else [])]
    others = [(name, value) for name, value in document.items() if name != key]
    return written(Pairs([*repeated, *others]))


def _enum_names(_draw: Draw, signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    key, name = _ENUM_NAMES[signal]
    first_holder(first_holder(first_holder(document)))[key] = name
    return written(document)


def _unknown_enum(draw: Draw, signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    item = first_holder(first_holder(first_holder(document)))
    item[_ENUM_NAMES[signal][0]] = pick(draw, (77, 99, 2**31 - 1))
    return written(document)


def _snake_case(_draw: Draw, signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    names = SIGNAL_NAMES[signal]
    return written({names.field: document[names.json_key]})


def _attribute(value: Any) -> Callable[[Draw, Signal, Any], bytes]:  # noqa: ANN401 -- any JSON value
    """Return a form with one more attribute of that value."""

    def make(_draw: Draw, _signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
        document = json_object(message)
        resource = first_holder(document).setdefault("resource", {})
        resource.setdefault("attributes", []).append({"key": "otlptest.odd", "value": value})
        return written(document)

    return make


def _deep(draw: Draw, signal: Signal, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    plain = encode_message(message)
    depth = pick(draw, _DEPTHS)
    is_read_by_all = depth <= _READ_BY_ALL
    return MutatedPayload(
        body=_attribute(Literally(_nested(depth)))(draw, signal, message),
        rule="OTLP-COMMON-025" if is_read_by_all else "OTLP-JSON-044",
        fault=f"a value of {depth} lists within one another",
        expected="must_accept" if is_read_by_all else "may_refuse",
        is_decodable=is_read_by_all,
        plain=plain,
    )


@cache
def _nested(depth: int) -> str:
    return '{"arrayValue":{"values":[' * depth + "]}}" * depth


def _prefixed(prefix: bytes) -> Callable[[Draw, Signal, Any], bytes]:
    return lambda _draw, _signal, message: prefix + encode_message(message)


def _whole(body: bytes) -> Callable[[Draw, Signal, Any], bytes]:
    return lambda _draw, _signal, _message: body


def _no_text(_draw: Draw, _signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    first_holder(document)["schemaUrl"] = "otlptest-odd"
    return written(document).replace(b"otlptest-odd", b"a\xff\xfe", 1)


def _any_key(draw: Draw, _signal: Signal, message: Any) -> bytes:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    document["x" + draw(ASCII_TEXTS)] = [draw(ASCII_TEXTS)]
    return written(document)


_INT64: Final = frozenset({JsonKind.INT64})
_INT32: Final = frozenset({JsonKind.INT32})
_WHOLE: Final = frozenset({JsonKind.INT64, JsonKind.INT32})
_DOUBLE: Final = frozenset({JsonKind.DOUBLE})
_BASE64: Final = frozenset({JsonKind.BYTES})
_HEX: Final = frozenset({JsonKind.HEX_ID})
_ODD_DOUBLE: Final = {"doubleValue": Literally("1e400")}
_FORMS: Final = (
    _Form("OTLP-JSON-043", "white space everywhere, keys in another order", _spaced),
    _Form("OTLP-JSON-014", "an unknown key", _unknown_keys),
    _Form("OTLP-JSON-014", "an unknown key of the request", _any_key),
    _Form("OTLP-JSON-015", "the empty text as a key", _empty_key),
    _Form("OTLP-JSON-017", "64-bit integers as numbers", _with(_INT64, _as_number)),
    _Form("OTLP-JSON-022", "32-bit integers as texts", _with(_INT32, _as_text)),
    _Form("OTLP-JSON-025", "doubles as texts", _with(_DOUBLE, _as_text)),
    _Form("OTLP-JSON-020", "integers with exponents", _with(_WHOLE, _as_exponent), "may_refuse"),
    _Form("OTLP-JSON-027", "URL-safe base64 without padding", _with(_BASE64, _as_url_base64)),
    _Form("OTLP-JSON-006", "ids in capital hex digits", _with(_HEX, _as_upper)),
    _Form("OTLP-JSON-028", "null for what is not set", _nulls),
    _Form("OTLP-JSON-035", "every character escaped", _escaped),
    _Form("OTLP-JSON-034", "a key twice", _repeated_key, "may_refuse"),
    _Form("OTLP-JSON-010", "an enum by its name", _enum_names, "may_refuse"),
    _Form("OTLP-JSON-011", "an unknown enum number", _unknown_enum, "may_refuse"),
    _Form("OTLP-JSON-013", "keys in snake_case", _snake_case, "may_refuse"),
    _Form("OTLP-JSON-032", "an attribute with an empty value", _attribute({})),
    _Form(
        "OTLP-JSON-033",
        "a value with two members",
        _attribute({"intValue": "1", "stringValue": "a"}),
        "may_refuse",
    ),
    _Form(
        "OTLP-JSON-024",
        "NaN without quotes",
        _attribute({"doubleValue": Literally("NaN")}),
        "may_refuse",
    ),
    _Form("OTLP-JSON-024", "a number that no double holds", _attribute(_ODD_DOUBLE), "may_refuse"),
    _Form(
        "OTLP-JSON-035",
        "half a surrogate pair",
        _attribute({"stringValue": Literally('"\\ud800"')}),
        "may_refuse",
    ),
    _Form("OTLP-JSON-035", "a text that is not valid UTF-8", _no_text, "may_refuse"),
    _Form(
        "OTLP-JSON-036",
        "a raw line break in a text",
        _attribute({"stringValue": Literally('"a\nb"')}),
        "may_refuse",
    ),
    _Form("OTLP-JSON-036", "a byte order mark", _prefixed(b"\xef\xbb\xbf"), "may_refuse"),
    _Form("OTLP-JSON-048", "no bytes, which is not valid JSON", _whole(b""), "may_refuse"),
    _Form("OTLP-JSON-038", "an empty object", _whole(b"{}")),
)


def json_forms(signal: Signal) -> tuple[Maker, ...]:
    """Return each way to write a request as no SDK does, or to add something borderline."""
    has_enums = signal in _ENUM_NAMES
    forms = [form for form in _FORMS if has_enums or form.rule not in _ABOUT_ENUMS]
    return (*map(_maker, forms), _deep)
