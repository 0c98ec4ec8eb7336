"""Criteria and matchers: the demands on an item."""
