"""Files named on the command line: paths, and shipped ones as `builtin:NAME`."""

from pathlib import Path

from otlptest import bundled
from otlptest.errors import UsageError, nearest_name

_BUILTIN = "builtin:"


def named_file(name: str) -> Path:
    """Return the file that a name means.

    Args:
        name: A path, or `builtin:` and the name of a file in `fixtures`.

    Raises:
        UsageError: There is no such file, or it is a folder.
        UnknownBundledFileError: No shipped file has that name.
    """
    if name.startswith(_BUILTIN):
        return bundled.path("fixtures", name.removeprefix(_BUILTIN))
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{name} is a folder, and must be a file")
    if not path.exists():
        raise UsageError(f"there is no file {name}", _neighbour(path))
    return path


def _neighbour(path: Path) -> str:
    """Return the file next to it with the nearest name."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"there is no folder {path.parent} either"
    nearest = nearest_name(path.name, names)
    return f"did you mean {str(path.with_name(nearest))!r}?" if nearest else ""
