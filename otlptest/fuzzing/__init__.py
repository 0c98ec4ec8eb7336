"""Fuzzing of receivers: drawn payloads, an oracle for the answers, and shrinking."""
