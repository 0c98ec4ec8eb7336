"""Conformance of exporters and receivers: cases against a subject, a verdict per requirement."""
