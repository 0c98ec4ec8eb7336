"""The receiver suite: cases, what they get to work with, and the receiver under test."""
