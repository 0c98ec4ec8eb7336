"""The exporter suite: cases, their lab, and the command under test."""
