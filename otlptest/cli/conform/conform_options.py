"""The command-line options that both conformance suites share."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

from otlptest.cli.exits import Exit
from otlptest.cli.options import format_option
from otlptest.cli.streams import line_width, write
from otlptest.errors import UsageError
from otlptest.model import SIGNALS, Protocol, Signal

if TYPE_CHECKING:
    from otlptest.conformance import Conformance, Policy
    from otlptest.conformance.case import AnyCase

PROTOCOLS: Final = ("grpc", "http/protobuf", "http/json")
REPORT_KINDS: Final = ("json", "junit", "markdown")
_VERSION_PARTS: Final = 2

_Command = TypeVar("_Command", bound=Callable[..., object])


def suite_options(command: _Command) -> _Command:
    """Add the options of both suites, in the order of the help."""
    options = [
        click.option(
            "--protocol",
            "protocol_names",
            multiple=True,
            type=click.Choice([*PROTOCOLS, "all"]),
            metavar="P",
            help="grpc, http/protobuf, http/json or all; repeatable.",
        ),
        click.option(
            "--signal",
            "signal_names",
            multiple=True,
            type=click.Choice(SIGNALS),
            metavar="S",
            help="Only traces, metrics or logs; repeatable.",
        ),
        click.option(
            "--case",
            "cases",
            multiple=True,
            metavar="ID",
            help="Only this case, folder of cases or requirement; repeatable.",
        ),
        click.option("--list", "is_list", is_flag=True, help="Show the cases and run none."),
        click.option(
            "--strict", "is_strict", is_flag=True, help="Also fail on broken SHOULD requirements."
        ),
        click.option(
            "--target-version",
            default="1.10",
            show_default=True,
            metavar="X.Y",
            help="OTLP version to hold it to; newer requirements are not judged.",
        ),
        click.option("--name", default="", metavar="TEXT", help="Name shown in reports."),
        click.option(
            "--report",
            "reports",
            multiple=True,
            metavar="KIND=FILE",
            help="Also write json, junit or markdown; repeatable.",
        ),
        format_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def protocols_of(names: Sequence[str]) -> tuple[Protocol, ...]:
    """Return the requested protocols, each once; empty if none was given."""
    chosen = PROTOCOLS if "all" in names else tuple(dict.fromkeys(names))
    return cast("tuple[Protocol, ...]", tuple(chosen))


def signals_of(names: Sequence[str]) -> tuple[Signal, ...]:
    """Return the requested signals."""
    return cast("tuple[Signal, ...]", tuple(dict.fromkeys(names)))


def policy_of(*, is_strict: bool, target_version: str) -> "Policy":
    """Return the policy to judge by.

    Raises:
        UsageError: The version is not valid.
    """
    from otlptest.conformance import Policy  # noqa: PLC0415 -- loads all cases

    parts = target_version.split(".")
    if len(parts) != _VERSION_PARTS or not all(part.isdecimal() for part in parts):
        raise UsageError(f"{target_version!r} is not a version of OTLP", "write e.g. 1.11")
    return Policy(is_strict=is_strict, target_version=tuple(map(int, parts)))


def checked_reports(reports: Iterable[str]) -> list[tuple[str, Path]]:
    """Return the reports to write, as kinds and files, before a run that may take minutes.

    Raises:
        UsageError: One is not of the form KIND=FILE, its kind or folder does not exist, or it
            cannot be a file.
    """
    checked: list[tuple[str, Path]] = []
    for report in reports:
        kind, separator, file = report.partition("=")
        if not separator or not file or kind not in REPORT_KINDS:
            kinds = ", ".join(REPORT_KINDS)
            raise UsageError(f"--report {report!r} is not KIND=FILE", f"there are: {kinds}")
        path = Path(file)
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {file}: there is no folder {str(path.parent)!r}")
        if path.is_dir():
            raise UsageError(f"cannot write {file}: it is a folder", f"{kind}={file}/FILE")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError(f"cannot write {file}: permission denied")
        if any(path == other for _, other in checked):
            raise UsageError(f"two reports go to {file}", "give each a file of its own")
        checked.append((kind, path))
    return checked


def list_cases(cases: Iterable["AnyCase"], *, protocols: Sequence[Protocol], is_json: bool) -> int:
    """Print each case: its id, title, protocols, requirements.

    Args:
        cases: The requested cases.
        protocols: Only cases of these protocols; empty means all.
        is_json: Whether to print JSON.
    """
    from otlptest.report import json_text, wrapped  # noqa: PLC0415 -- loads more than a list needs

    wanted = [case for case in cases if not protocols or set(protocols) & set(case.protocols)]
    if is_json:
        records = [
            {
                "id": case.id,
                "title": case.title,
                "protocols": list(case.protocols),
                "requirements": list(case.requirements),
            }
            for case in wanted
        ]
        write(json_text({"cases": records}, indent=2))
        return Exit.OK
    width = line_width()
    for case in wanted:
        judged = f"{', '.join(case.protocols)}; judges {', '.join(case.requirements)}"
        if width is None:
            write(f"{case.id}: {case.title}\n  {judged}")
        else:
            write(wrapped(f"{case.id}: {case.title}", width))
            write(wrapped(judged, width, indent="  "))
    return Exit.OK


def finish(
    conformance: "Conformance",
    *,
    reports: Iterable[tuple[str, Path]],
    is_json: bool,
    more: Mapping[str, Any] | None = None,
    interrupted: Exit | None = None,
) -> int:
    """Print the result, write the reports, and return the exit code.

    Args:
        conformance: The verdicts.
        reports: Kinds and files.
        is_json: Whether to print JSON.
        more: What JSON holds in addition to the verdicts.
        interrupted: The exit code of an interrupted run, with the verdicts reached so far.
    """
    from otlptest.report import json_text  # noqa: PLC0415 -- with the next
    from otlptest.report.conformance.conformance_json import (  # noqa: PLC0415 -- loads all cases
        conformance_record,
    )
    from otlptest.report.conformance.conformance_text import conformance_text  # noqa: PLC0415 -- as above

    if is_json:
        write(json_text({**conformance_record(conformance), **(more or {})}, indent=2))
    else:
        write(conformance_text(conformance, width=line_width() or 100))
    for kind, path in reports:
        _write_report(path, _report(kind, conformance, more or {}))
    if interrupted is not None:
        return interrupted
    if conformance.has_failed:
        return Exit.FINDINGS
    return Exit.OK if conformance.has_judged else Exit.ENVIRONMENT


def _write_report(path: Path, text: str) -> None:
    """Write a whole report.

    Raises:
        OSError: It cannot be written; the error names the file, also when the disk is full.
    """
    try:
        path.write_text(text, "utf-8")
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from problem


def _report(kind: str, conformance: "Conformance", more: Mapping[str, Any]) -> str:
    from otlptest.report import json_text  # noqa: PLC0415 -- with the next
    from otlptest.report.conformance.conformance_json import (  # noqa: PLC0415 -- loads all cases
        conformance_record,
    )
    from otlptest.report.conformance.conformance_junit import conformance_junit  # noqa: PLC0415 -- as above
    from otlptest.report.conformance.conformance_markdown import (  # noqa: PLC0415 -- as above
        conformance_markdown,
    )

    if kind == "junit":
        return conformance_junit(conformance)
    if kind == "markdown":
        return conformance_markdown(conformance)
    return json_text({**conformance_record(conformance), **more}, indent=2) + "\n"
