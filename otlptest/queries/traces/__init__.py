"""Traces and trees: spans that belong together."""
