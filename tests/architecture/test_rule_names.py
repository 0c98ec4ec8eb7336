"""Every rule that the package can put into a finding can be explained."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import otlptest
from otlptest.queries.criteria import vocabularies
from otlptest.queries.criteria.criteria import Vocabulary
from otlptest.requirements import all_requirements, all_verdicts, find_verdict

ROOT = Path(otlptest.__file__).resolve().parent
REQUIREMENT = re.compile(r"OTLP-[A-Z]+-\d{3}")


def modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if ROOT / "_bundled" not in path.parents]


def rule_arguments(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Text given as `rule=…` in any call, in either branch of a conditional too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "rule":
                    yield from texts(keyword.value)


def texts(node: ast.expr) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def requirement_ids(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Text that is a requirement id and nothing else, wherever it stands."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and REQUIREMENT.fullmatch(node.value)
        ):
            yield node.lineno, node.value


def test_every_rule_that_findings_carry_can_be_explained() -> None:
    known = {verdict.name for verdict in all_verdicts()} | {r.id for r in all_requirements()}
    unknown = [
        f"{path.relative_to(ROOT)}:{line} {rule}"
        for path in modules()
        for line, rule in rule_arguments(ast.parse(path.read_text("utf-8")))
        if rule not in known
    ]
    assert not unknown, "add them to contracts/verdicts.toml"


def test_every_kind_of_item_that_can_be_waited_for_has_a_verdict() -> None:
    kinds = [value for value in vars(vocabularies).values() if isinstance(value, Vocabulary)]
    assert kinds
    for kind in kinds:
        name = f"no_matching_{kind.noun.split()[0]}"
        assert find_verdict(name).name == name


def test_every_requirement_id_in_the_code_exists() -> None:
    known = {rule.id for rule in all_requirements()}
    unknown = [
        f"{path.relative_to(ROOT)}:{line} {rule}"
        for path in modules()
        for line, rule in requirement_ids(ast.parse(path.read_text("utf-8")))
        if rule not in known
    ]
    assert not unknown


def test_a_rule_that_nothing_explains_is_found() -> None:
    planted = ast.parse('Finding(rule="no_such_verdict" if x else "leftover", where="")')
    assert [rule for _, rule in rule_arguments(planted)] == ["no_such_verdict", "leftover"]
    assert [rule for _, rule in requirement_ids(ast.parse('x = "OTLP-TRACE-999"'))] == [
        "OTLP-TRACE-999"
    ]
