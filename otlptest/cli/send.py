"""`otlptest send`: sends captures and payloads to any receiver, and shows each answer."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from otlptest.cli.exits import Exit
from otlptest.cli.files import named_file
from otlptest.cli.options import NarrowCommand, format_option
from otlptest.cli.streams import complain, write
from otlptest.errors import FileFormatError, SendError, UsageError
from otlptest.report import json_text, sent_finding, sent_line, sent_record, verdict_record

if TYPE_CHECKING:
    from otlptest.sending import ExportResult

_HELP = """\
Send captures or payloads to a receiver and tell what it answered to each request.

FILE holds requests in any form that the Collector's file exporter writes (JSON lines, proto,
zstd), or single ones in JSON or protobuf, also as .gz or .zst; or it is a shipped one
(builtin:payloads/traces/checkout.json). With --raw it is sent as it is, whatever it says. Exit
code 1 if a request was refused or taken only in part, 3 if nothing could be sent.

\b
Example:
  otlptest send builtin:payloads/traces/checkout.json --to http://127.0.0.1:4318
"""


@click.command("send", cls=NarrowCommand, help=_HELP)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--to", required=True, metavar="URL", help="Where to: a URL or HOST:PORT.")
@click.option(
    "--protocol",
    type=click.Choice(["grpc", "http/protobuf", "http/json"]),
    metavar="P",
    help="grpc, http/protobuf or http/json; without it gRPC for port 4317, else http/protobuf.",
)
@click.option(
    "--signal",
    "signal_name",
    type=click.Choice(["traces", "metrics", "logs", "profiles"]),
    metavar="S",
    help="traces, metrics, logs or profiles: for protobuf files whose signal cannot be detected.",
)
@click.option(
    "--raw", "is_raw", is_flag=True, help="Send the bytes of FILE as they are; needs --signal."
)
@click.option(
    "--header", "headers", multiple=True, metavar="NAME=VALUE", help="Header to add; repeatable."
)
@click.option(
    "--compression",
    type=click.Choice(["gzip", "deflate", "zstd"]),
    help="Compress the requests.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM of the authority to trust, for https.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one request may take.",
)
@format_option
def command(
    *,
    files: tuple[str, ...],
    headers: tuple[str, ...],
    signal_name: str | None,
    is_raw: bool,
    output_format: str,
    **options: Any,  # noqa: ANN401 -- those of `otlptest.send`, by the same names
) -> int:
    """Send every file and judge the answers.

    Raises:
        UsageError: Bytes are to be sent as they are, and it is not said of which signal.
    """
    from otlptest.sending import send  # noqa: PLC0415 -- loads protobuf

    given = {**options, "headers": _pairs(headers), "signal": signal_name}
    if is_raw and signal_name is None:
        raise UsageError("--raw does not look into a file", "say what it is with --signal")
    paths = [named_file(name) for name in files]  # a misspelt name stops it before anything is sent
    exports: list[ExportResult] = []
    failures: list[FileFormatError | SendError] = []
    for path in paths:
        try:
            exports += send(_bytes_of(path) if is_raw else path, **given)
        except (FileFormatError, SendError) as problem:
            failures.append(problem)
    _print(exports, is_json=output_format == "json")
    for failure in failures:
        complain(failure)
    if not exports:
        return Exit.ENVIRONMENT
    is_taken = all(sent_finding(export) is None for export in exports)
    return Exit.OK if is_taken and not failures else Exit.FINDINGS


def _bytes_of(file: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        FileFormatError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as problem:
        raise FileFormatError(str(file), "", problem.strerror or str(problem)) from problem


def _pairs(headers: Iterable[str]) -> dict[str, str]:
    """Return headers given as `NAME=VALUE`.

    Raises:
        UsageError: One has no `=`; the message omits its text, which may be a secret.
    """
    pairs: dict[str, str] = {}
    for header in headers:
        name, separator, value = header.partition("=")
        if not separator or not name.strip():
            raise UsageError("a --header is not of the form NAME=VALUE", "e.g. --header x-tenant=a")
        pairs[name.strip()] = value
    return pairs


def _print(exports: "list[ExportResult]", *, is_json: bool) -> None:
    if is_json:
        findings = [finding for finding in map(sent_finding, exports) if finding is not None]
        write(
            json_text(verdict_record(findings, requests=list(map(sent_record, exports))), indent=2)
        )
        return
    for export in exports:
        write(sent_line(export))
