"""ARCHITECTURE.md's layer table, enforced. A module may import only from lower layers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import otlptest

ROOT = Path(otlptest.__file__).resolve().parent

LAYERS = (
    {"results"},
    {"errors"},
    {"bundled", "timing"},
    {"documents", "net"},
    {"model", "requirements"},
    {"processes", "wire"},
    {"faults", "queries", "validation"},
    {"collector", "sending", "strategies"},
    {"proxy"},
    {"conformance"},
    {"fuzzing"},
    {"report"},
    {"cli", "pytest_plugin"},
    {"__main__"},
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
ALLOWED_IN = {  # third-party package -> the only otlptest units that may import it
    "google": {"wire"},
    "opentelemetry": {"wire", "pytest_plugin"},
    "httptools": {"wire"},
    "hpack": {"wire"},
    "zstandard": {"wire"},
    "trustme": {"wire"},
    "cryptography": {"wire"},
    "ruamel": {"documents"},
    "pydantic": {"documents", "faults"},
    "grpc": {"sending"},
    "hypothesis": {"fuzzing", "strategies"},
    "click": {"cli"},
    "pytest": {"pytest_plugin", "conformance"},
}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "otlptest":
            yield from ((node.lineno, f"otlptest.{home(alias.name)}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def home(name: str) -> str:
    """The unit behind `from otlptest import name`: a module, or the home of a public name."""
    return otlptest._HOME.get(name, f"otlptest.{name}").removeprefix("otlptest.").split(".")[0]


def unit(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


MODULES = [
    p
    for p in sorted(ROOT.rglob("*.py"))
    if p != ROOT / "__init__.py" and ROOT / "_bundled" not in p.parents
]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_module_imports_only_from_lower_layers(path: Path) -> None:
    mine = unit(path)
    assert mine in RANK, f"{mine} is in no layer: add it to LAYERS and to ARCHITECTURE.md"
    for line, name in imports(path):
        head, *rest = name.split(".")
        if head == "otlptest" and rest and rest[0] not in {mine, "__version__"}:
            assert RANK[rest[0]] < RANK[mine], f"{path}:{line} {mine} may not import {name}"
        if head in ALLOWED_IN:
            assert mine in ALLOWED_IN[head], f"{path}:{line} only {ALLOWED_IN[head]} use {head}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_module_is_small_enough_to_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 500
