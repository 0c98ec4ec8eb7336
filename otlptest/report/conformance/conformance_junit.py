"""Conformance results as JUnit XML: a test suite per run, robustness in one of its own."""

from typing import Final
from xml.etree import ElementTree as ET

from otlptest.conformance.results import Conformance, SuiteRun
from otlptest.conformance.verdicts import Result

# The characters of XML 1.0 (section 2.2).
_XML_CHARACTERS: Final = (
    range(0x9, 0xB),
    range(0xD, 0xE),
    range(0x20, 0xD800),
    range(0xE000, 0xFFFE),
    range(0x10000, 0x110000),
)
_NOT_JUDGED: Final = frozenset({"skip", "inconclusive"})


def conformance_junit(conformance: Conformance) -> str:
    """Return the results as JUnit XML: a failing verdict is a failure, an unjudged one skipped.

    A warning that does not fail is a passed test with the warning as its output.
    """
    root = ET.Element("testsuites", name="otlptest conform")
    for run in conformance.runs:
        for group in ("conformance", "robustness"):
            results = [result for result in run.results if result.group == group]
            if results:
                _add_suite(root, run, group, results)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_suite(root: ET.Element, run: SuiteRun, group: str, results: list[Result]) -> None:
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_clean(f"{run.subject} over {run.protocol}: {group}"),
        tests=str(len(results)),
        failures=str(sum(1 for result in results if result.fails(run.policy))),
        errors="0",
        skipped=str(sum(1 for result in results if result.verdict in _NOT_JUDGED)),
        time=f"{run.duration_s:.3f}",
    )
    if run.interrupted:
        properties = ET.SubElement(suite, "properties")
        ET.SubElement(properties, "property", name="interrupted", value=run.interrupted)
    for result in results:
        _add_case(suite, run, result)


def _add_case(suite: ET.Element, run: SuiteRun, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{run.protocol}.{result.case}"),
        name=_clean(f"{result.id} {result.title}"),
        time="0",
    )
    text = f"{result.evidence}\nread: {result.source}\nrun again: {result.run_again}"
    if result.fails(run.policy):
        message = _clean(f"{result.level} {result.verdict}: {result.title}")
        ET.SubElement(case, "failure", message=message, type=result.id).text = _clean(text)
    elif result.verdict in _NOT_JUDGED:
        reason = _clean(f"{result.verdict}: {result.evidence}")
        ET.SubElement(case, "skipped", message=reason)
    elif result.verdict == "warn":
        ET.SubElement(case, "system-out").text = _clean(f"warning: {text}")


def _clean(text: str) -> str:
    """Return text without the characters that XML 1.0 does not allow."""
    return "".join(char if _is_xml(ord(char)) else "�" for char in text)


def _is_xml(code: int) -> bool:
    return any(code in characters for characters in _XML_CHARACTERS)
