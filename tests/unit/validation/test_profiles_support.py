"""Profiles that the installed protobuf classes do not have are passed over, not judged."""

import sys
from collections.abc import Iterator

import pytest

from otlptest.validation import validate_requests
from otlptest.wire.otlp.signals import SIGNAL_NAMES, request_class
from tests.support.right_requests import trace_request
from tests.support.validated import accepted


@pytest.fixture
def _no_profiles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An `opentelemetry-proto` without profiles, as far as imports can tell."""
    request_class.cache_clear()
    monkeypatch.setitem(sys.modules, SIGNAL_NAMES["profiles"].module, None)
    yield
    request_class.cache_clear()


@pytest.mark.usefixtures("_no_profiles")
def test_signal_that_cannot_be_read_gives_no_finding() -> None:
    assert validate_requests([accepted("profiles", trace_request())]) == ()
