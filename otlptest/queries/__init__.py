"""Questions about telemetry, whichever source holds it: queries, matchers, trees, evidence."""

from otlptest.queries import matchers as match

__all__ = ["match"]
