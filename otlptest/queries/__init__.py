"""Questions about telemetry from any source: queries, matchers, trees, evidence."""

from otlptest.queries.criteria import matchers as match

__all__ = ["match"]
