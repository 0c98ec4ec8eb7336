"""The receiver suite: cases, their lab, and the receiver under test."""
