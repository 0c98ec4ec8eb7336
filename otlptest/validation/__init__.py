"""Checks every received payload against the data rules of OTLP."""
