"""The lists of what the tests need say the same."""

import tomllib
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))


def lines(path: str) -> list[str]:
    text = (REPO / path).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_requirements_file_mirrors_the_dependency_group() -> None:
    assert lines("tests/requirements.txt") == PROJECT["dependency-groups"]["tests"]


def lower_bounds() -> dict[str, str]:
    extras = PROJECT["project"]["optional-dependencies"]
    bounds = {}
    for requirement in (*PROJECT["project"]["dependencies"], *extras["sdk"]):
        name, _, version = requirement.partition(";")[0].strip().partition(">=")
        bounds[name] = version
    return bounds


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, id=name) for name in lower_bounds() if name != "pytest"],
)
def test_oldest_constraints_pin_every_lower_bound(name: str) -> None:
    pinned = dict(line.split("==") for line in lines("tests/constraints-oldest.txt"))
    bound = lower_bounds()[name]
    assert f"{pinned[name]}.".startswith(f"{bound}.")
