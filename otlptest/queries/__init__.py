"""Questions about telemetry, whichever source holds it: queries, matchers, trees, evidence."""

from otlptest.queries.criteria import matchers as match

__all__ = ["match"]
