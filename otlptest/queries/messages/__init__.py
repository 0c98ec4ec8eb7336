"""The messages of failed queries."""
