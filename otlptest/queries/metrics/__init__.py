"""Metrics, points and series, and their totals."""
