"""Metrics, points and series, and what they add up to."""
