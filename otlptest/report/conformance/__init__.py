"""Conformance results as text, JSON, JUnit and Markdown."""
