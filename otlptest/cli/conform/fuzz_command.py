"""`otlptest conform receiver --fuzz` and `--replay`: payloads by the thousand, or one again."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from otlptest.cli.conform.conform_options import finish
from otlptest.cli.streams import note, write
from otlptest.errors import UsageError
from otlptest.model import Protocol, Signal

if TYPE_CHECKING:
    from otlptest.conformance import Policy, Target
    from otlptest.fuzzing.fuzz_session import FuzzEvent
    from otlptest.fuzzing.run import FuzzReport

_STORAGE: Final = "HYPOTHESIS_STORAGE_DIRECTORY"

_Command = TypeVar("_Command", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzOptions:
    """The fuzzing options of the command line.

    Attributes:
        payloads: How many to send; None without `--fuzz`.
        seed: The seed of the draws.
        replay: A payload to send again.
        folder: Where failing payloads go.
    """

    payloads: int | None
    seed: int
    replay: Path | None
    folder: Path

    @property
    def is_wanted(self) -> bool:
        """Return whether fuzzing or a replay was asked for."""
        return self.payloads is not None or self.replay is not None

    def check_alone(self, others: Mapping[str, object]) -> None:
        """Check that no option is given that only the cases use.

        Args:
            others: Those options, each with its value.

        Raises:
            UsageError: One is, or both ways of fuzzing are asked for.
        """
        if self.payloads is not None and self.replay is not None:
            raise UsageError("--fuzz and --replay exclude each other", "give one of them")
        for option, given in others.items():
            if given:
                raise UsageError(f"{option} is about cases, and --fuzz runs none", "leave it out")


def fuzz_options(command: _Command) -> _Command:
    """Add `--fuzz`, `--seed`, `--replay` and `--failures`."""
    options = [
        click.option(
            "--fuzz",
            "fuzz_payloads",
            type=click.IntRange(min=1),
            metavar="N",
            help="Instead of the cases: send N right, odd and wrong payloads.",
        ),
        click.option(
            "--seed",
            type=int,
            default=0,
            show_default=True,
            metavar="S",
            help="With --fuzz: the same seed draws the same payloads.",
        ),
        click.option(
            "--replay",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Send one payload that --fuzz wrote again, and judge the answer.",
        ),
        click.option(
            "--failures",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path("otlptest-fuzz"),
            show_default=True,
            metavar="FOLDER",
            help="With --fuzz: where failing payloads are written to.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def fuzz(
    target: "Target",
    options: FuzzOptions,
    *,
    protocols: tuple[Protocol, ...],
    signals: tuple[Signal, ...],
    policy: "Policy",
    timeout_s: float,
    reports: Iterable[tuple[str, Path]],
    is_json: bool,
) -> int:
    """Fuzz or replay, report, and return the exit code.

    Raises:
        MissingPartError: Hypothesis is not installed.
    """
    with _no_storage():
        from otlptest.fuzzing.run import (  # noqa: PLC0415 -- loads Hypothesis
            FuzzPlan,
            fuzz_receiver,
            replay_payload,
        )

        plan = FuzzPlan(
            payloads=options.payloads or 1,
            seed=options.seed,
            folder=options.folder,
            signals=signals,
            timeout_s=timeout_s,
            policy=policy,
        )
        if options.replay is not None:
            conformance = replay_payload(
                target,
                options.replay,
                protocol=_only(protocols, "--protocol"),
                signal=_only(signals, "--signal"),
                plan=plan,
            )
            return finish(conformance, reports=reports, is_json=is_json)
        report = fuzz_receiver(target, plan, protocols=protocols, on_event=_progress())
    more = {"fuzzing": _record(report)}
    if not is_json:
        _tell(report)
    return finish(report.conformance, reports=reports, is_json=is_json, more=more)


_One = TypeVar("_One")


def _only(given: tuple[_One, ...], option: str) -> _One | None:
    """Return the only one of these values; None if there is none.

    Raises:
        UsageError: There are several.
    """
    if len(given) > 1:
        raise UsageError(f"--replay takes one {option}, and there are {len(given)}")
    return given[0] if given else None


@contextmanager
def _no_storage() -> Iterator[None]:
    """Keep Hypothesis from writing into the working folder."""
    if _STORAGE in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="otlptest-fuzz-") as folder:
        os.environ[_STORAGE] = folder
        try:
            yield
        finally:
            del os.environ[_STORAGE]


def _progress() -> "Callable[[FuzzEvent], None]":
    """Report failures and, on a terminal, the progress to stderr."""
    from otlptest.fuzzing.fuzz_session import (  # noqa: PLC0415 -- loads Hypothesis
        FuzzProgress,
    )

    watched = sys.stderr.isatty()

    def tell(event: "FuzzEvent") -> None:
        if not isinstance(event, FuzzProgress):
            what = "smallest" if event.is_shrunk else "failing"
            note(f"{what} {event.payload}: {event.fault.told}")
        elif watched:
            rate = event.sent / max(event.elapsed_s, 0.001)
            note(
                f"{event.sent:,} of {event.payloads:,} payloads over {event.protocol}, "
                f"{event.failures} kinds of failures, {rate:,.0f} a second"
            )

    return tell


def _tell(report: "FuzzReport") -> None:
    """Print the numbers of the run, before its verdicts."""
    for run in report.runs:
        memory = ""
        if run.memory is not None:
            base, highest = (size / 2**20 for size in run.memory)
            memory = f", its memory {base:,.0f} to {highest:,.0f} MiB"
        write(
            f"{run.sent:,} payloads over {run.protocol} (seed {report.seed}) in "
            f"{run.duration_s:,.1f} s, {run.sent_bytes / 2**20:,.1f} MiB{memory}: "
            f"{len(run.failures)} kinds of failures"
        )
        if run.ended_early:
            write(f"  ended early: {run.ended_early}")
        for found in run.failures:
            write(f"  {found.failure.fault.kind}: {found.failure.payload}\n    {found.command}")
    if report.runs:
        write("")


def _record(report: "FuzzReport") -> dict[str, Any]:
    """Return the numbers of the run for JSON."""
    return {
        "seed": report.seed,
        "runs": [
            {
                "protocol": run.protocol,
                "payloads": run.sent,
                "bytes": run.sent_bytes,
                "duration_s": round(run.duration_s, 3),
                "memory_bytes": list(run.memory) if run.memory else None,
                "ended_early": run.ended_early,
                "failures": [
                    {
                        "kind": found.failure.fault.kind,
                        "rules": list(found.failure.fault.rules),
                        "answer": found.failure.fault.told,
                        "payload": str(found.failure.payload),
                        "bytes": len(found.failure.payload.body),
                        "times": found.failure.times,
                        "is_shrunk": found.failure.is_shrunk,
                        "note": found.failure.note,
                        "file": str(found.file),
                        "command": found.command,
                    }
                    for found in run.failures
                ],
            }
            for run in report.runs
        ],
    }
