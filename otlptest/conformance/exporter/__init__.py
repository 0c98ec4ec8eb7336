"""The exporter suite: cases, what they get to work with, and the command under test."""
