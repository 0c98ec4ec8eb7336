"""Finds the data folders that ship with otlptest.

In a wheel they sit in `otlptest/_bundled/`; in a checkout, next to the package.
"""

from pathlib import Path

from otlptest.errors import UnknownBundledFileError

__all__ = ["KINDS", "builtin", "names", "path"]

KINDS = ("chaos", "contracts", "fixtures")  # a folder joins with its first file

_PACKAGE = Path(__file__).resolve().parent


def _folder(kind: str) -> Path:
    shipped = _PACKAGE / "_bundled" / kind
    return shipped if shipped.is_dir() else _PACKAGE.parent / kind


def names(kind: str) -> list[str]:
    """Sorted names of the shipped files of one kind, relative and with forward slashes.

    Args:
        kind: One of `KINDS`.
    """
    folder = _folder(kind)
    return sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and file.parent.name != "__pycache__"
    )


def path(kind: str, name: str) -> Path:
    """Absolute path of one shipped file.

    Args:
        kind: One of `KINDS`.
        name: A name from `names(kind)`.

    Raises:
        UnknownBundledFileError: No such file ships with this version.
    """
    known = names(kind)
    if name not in known:
        raise UnknownBundledFileError(kind, name, known)
    return _folder(kind) / name


def builtin(name: str) -> Path:
    """Absolute path of a shipped file, whichever folder it is in.

    Args:
        name: `payloads/traces/checkout.json`, as it follows `builtin:` on the command line; the
            prefix itself may be there.

    Raises:
        UnknownBundledFileError: No such file ships with this version.
    """
    wanted = name.removeprefix("builtin:")
    known = [each for kind in KINDS for each in names(kind)]
    for kind in KINDS:
        if wanted in names(kind):
            return _folder(kind) / wanted
    raise UnknownBundledFileError("otlptest", wanted, known)
