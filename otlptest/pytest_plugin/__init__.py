"""The pytest plugin: options, markers and fixtures, and nothing heavier at import."""
