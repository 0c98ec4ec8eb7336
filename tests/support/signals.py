"""Signals as test parameters: profiles only where the installed opentelemetry-proto has them."""

import pytest

from otlptest.model import SIGNALS
from otlptest.wire.otlp.signals import has_profiles

needs_profiles = pytest.mark.skipif(
    not has_profiles(), reason="the installed opentelemetry-proto has no profiles"
)
EACH_SIGNAL = [
    pytest.param(signal, id=signal, marks=[needs_profiles] if signal == "profiles" else [])
    for signal in SIGNALS
]
