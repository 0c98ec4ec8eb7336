"""Evidence for absence and exact counts."""
