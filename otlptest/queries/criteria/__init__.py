"""Criteria and matchers: what an item must have."""
