"""What an exporter sends again, when, and what that proves."""
