"""`otlptest conform`: the conformance suites, fuzzing, and tables of their results."""

from otlptest.cli.conform.group import command

__all__ = ["command"]
