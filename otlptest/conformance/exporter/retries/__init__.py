"""Retries of an exporter: what it sends again, when, and what that proves."""
