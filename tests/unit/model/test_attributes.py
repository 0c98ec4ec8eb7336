"""Attributes and headers that are read by name: a name that is not there is explained."""

import pytest

from otlptest.errors import MissingAttributeError
from otlptest.model import Attributes, Headers, Resource, Span

HEADERS = Headers((("Content-Type", "a"), ("Authorization", "Bearer secret")))


def test_missing_name_raises_a_key_error_that_says_what_is_there() -> None:
    for mapping, noun in ((Attributes({"a": 1}), "attribute"), (Resource(), "resource attribute")):
        with pytest.raises(MissingAttributeError) as caught:
            mapping["b"]
        assert isinstance(caught.value, KeyError)
        assert (caught.value.noun, caught.value.name) == (noun, "b")
        assert caught.value.__cause__ is None


def test_missing_header_does_not_show_secrets() -> None:
    with pytest.raises(MissingAttributeError) as caught:
        HEADERS["authorisation"]
    assert str(caught.value) == (
        "there is no header 'authorisation'; there is 'authorization' = '***'\n"
        "  hint: the header has another name than the test expects"
    )


def test_name_that_may_be_missing_can_be_asked_for() -> None:
    attributes = Attributes({"a": None})
    assert attributes.get("a", 1) is None
    assert attributes.get("b") is None
    assert attributes.get("b", 2) == 2
    assert ("a" in attributes, "b" in attributes) == (True, False)
    assert HEADERS.get("CONTENT-TYPE") == "a"
    assert HEADERS.get("x") is None
    assert HEADERS.get("x", 3) == 3


def test_span_is_shown_by_what_tells_it_from_others() -> None:
    span = Span(
        trace_id="4b" * 16,
        span_id="00" * 8,
        name="charge",
        resource=Resource({"service.name": "shop"}),
        attributes=Attributes({"a": "x" * 1000}),
    )
    assert repr(span) == (
        f"<Span 'charge' of service 'shop', span_id='0000000000000000', trace_id={'4b' * 16!r}>"
    )
