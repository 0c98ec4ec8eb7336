"""Texts that are hard to encode: non-ASCII, escapes, and bytes that are not UTF-8.

They go in by OTEL_RESOURCE_ATTRIBUTES, percent-encoded. OTLP-CFG-077 checks how
an SDK reads the variable: a text that arrives wrong or not at all does not fail here.
"""

from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import own_requests, resources_of
from otlptest.model import Request
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_VARIABLE: Final = "OTEL_RESOURCE_ATTRIBUTES"
_NAME: Final = "otlptest.text"
_HARD: Final = "%F0%9F%98%80%C3%A9%22%5C%09"
_DECODED: Final = '\N{GRINNING FACE}\N{LATIN SMALL LETTER E WITH ACUTE}"\\\t'
_NO_UTF8: Final = "a%FF%FEb"
_NOT_UTF8: Final = "not UTF-8"  # the message of both readers about such a text
_JSON_UTF8: Final = "OTLP-JSON-035"
_ESCAPED_TWICE: Final = ("\\u", '\\"')


@CASES.add(
    "text/json",
    "JSON text: UTF-8, escapes and what is beyond them",
    (_JSON_UTF8,),
    protocols=("http/json",),
    runs=2,
)
def _judge_json(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = _JSON_UTF8
    hard = lab.start({_VARIABLE: f"{_NAME}={_HARD}"})
    bytes_run = lab.run({_VARIABLE: f"{_NAME}={_NO_UTF8}"})
    seen = hard.result()
    was_json = all(each.is_accepted for each in own_requests(lab, lab.baseline))
    for run, value in ((seen, _HARD), (bytes_run, _NO_UTF8)):
        wrong = [each for each in own_requests(lab, run) if _is_bad_json(each, was_json=was_json)]
        if wrong:
            yield failed(rule, _told_refused(run, value, wrong[0]))
            return
    texts = _texts(lab, seen)
    told = (
        f"{_VARIABLE}={_NAME}={_HARD}; received {', '.join(map(ascii, texts)) or 'nothing of it'}"
    )
    if any(mark in str(text).replace(_DECODED, "") for text in texts for mark in _ESCAPED_TWICE):
        yield failed(rule, f"{told}; the text was escaped twice")
    elif texts and all(text == _DECODED for text in texts):
        yield passed(rule, told)
    else:
        yield inconclusive(rule, f"{told}: what the variable said did not get so far")


@CASES.add(
    "text/protobuf",
    "Protobuf strings: valid UTF-8 whatever the source",
    ("OTLP-HTTP-052",),
    protocols=("grpc", "http/protobuf"),
)
def _judge_protobuf(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-HTTP-052"
    seen = lab.run({_VARIABLE: f"{_NAME}={_NO_UTF8}"})
    for run, value in ((seen, _NO_UTF8), (lab.baseline, "")):
        wrong = [each for each in own_requests(lab, run) if _is_refused_for_utf8(each)]
        if wrong:
            yield failed(rule, _told_refused(run, value, wrong[0]))
            return
    texts = _texts(lab, seen)
    told = f"{_VARIABLE}={_NAME}={_NO_UTF8}"
    if texts:
        yield passed(rule, f"{told}; received {', '.join(map(ascii, texts))}, all text valid")
    else:
        yield inconclusive(rule, f"{told}; the text did not arrive", exchanges=seen.describe())


def _is_refused_for_utf8(request: Request) -> bool:
    problem = request.problem
    return problem is not None and problem.kind == "malformed" and _NOT_UTF8 in problem.message


def _is_bad_json(request: Request, *, was_json: bool) -> bool:
    """Return whether the text is not UTF-8, or not JSON when it has characters to escape."""
    problem = request.problem
    if problem is None or problem.kind != "malformed":
        return False
    return problem.rule == _JSON_UTF8 or was_json


def _told_refused(run: Observation, value: str, request: Request) -> str:
    said = f"{_VARIABLE}={_NAME}={value}; " if value else ""
    why = request.problem.message if request.problem else ""
    return f"{said}{why}\n{run.describe([request])}"


def _texts(lab: ExporterLab, seen: Observation) -> tuple[object, ...]:
    """Return the values that arrived under the name, each once."""
    resources = resources_of(own_requests(lab, seen))
    return tuple(dict.fromkeys(each[_NAME] for each in resources if _NAME in each))
