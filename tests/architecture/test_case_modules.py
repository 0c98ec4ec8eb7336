"""The id of a conformance case leads to the file that has it."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

MODULES = [
    f"otlptest.conformance.{side}.cases.{module.name}"
    for side in ("exporter", "receiver")
    for module in iter_modules(import_module(f"otlptest.conformance.{side}.cases").__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_the_folder_of_an_id_is_in_the_name_of_its_module(name: str) -> None:
    words = name.rpartition(".")[2]
    for case in getattr(import_module(name), "CASES", ()):
        folder = case.id.partition("/")[0]
        assert words == folder or words.startswith(f"{folder}_") or words.endswith(f"_{folder}")
