"""What a failed query says."""
