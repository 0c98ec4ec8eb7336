"""`otlptest doctor`: checks of this machine."""
