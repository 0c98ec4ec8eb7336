"""The exit codes of commands, and the errors that lead to them."""

from enum import IntEnum

from otlptest.errors import OtlptestError, UnknownBundledFileError, UsageError


class Exit(IntEnum):
    """Exit codes, stable across versions."""

    OK = 0
    """As expected; warnings alone count as this too."""
    FINDINGS = 1
    """Completed, with findings."""
    USAGE = 2
    """The command line is wrong."""
    ENVIRONMENT = 3
    """A requirement is missing or taken, or nothing could be judged."""
    INTERRUPTED = 130
    """Ended by Ctrl-C (128 + SIGINT)."""
    PIPE_CLOSED = 141
    """Nobody reads the output any more (128 + SIGPIPE), as after `| head`."""
    TERMINATED = 143
    """Ended by SIGTERM (128 + SIGTERM), by a command that reports something before it ends."""


def exit_for(error: OtlptestError) -> Exit:
    """Return the exit code of a command that ended with `error`."""
    if isinstance(error, UsageError | UnknownBundledFileError):
        return Exit.USAGE
    return Exit.ENVIRONMENT
