"""`otlptest conform`: the conformance suites, fuzzing, and tables of their results."""
