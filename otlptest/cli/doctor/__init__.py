"""`otlptest doctor`: checks of this machine."""

from otlptest.cli.doctor.doctor_command import command

__all__ = ["command"]
