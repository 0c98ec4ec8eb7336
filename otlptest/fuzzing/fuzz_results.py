"""The results of fuzzing: a verdict for each requirement that it is evidence for.

A requirement counts as met only where the answers alone show it; that data came out unchanged is
left to the receiver cases. A failure counts for every requirement that it breaks.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from otlptest.conformance.verdicts import Policy, Result, result_of
from otlptest.fuzzing.examine import Examination
from otlptest.fuzzing.fuzz_session import Failure, FuzzCounts
from otlptest.fuzzing.oracle import FAULT_TITLES, Fault
from otlptest.requirements import all_requirements
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.strategies import Payload

CASE: Final = "fuzzing"
"""The name of the case in reports."""

_FEWEST: Final = 10  # payloads; fewer show little
_SHOWN: Final = 64
_SHOWN_TEXT: Final = 500  # characters of JSON: the important part is in its middle
# Requirements that the answer alone shows to be met.
_SEEN_IN_ANSWERS: Final = frozenset(
    f"OTLP-{rule}"
    for rule in (
        *("GRPC-001", "GRPC-002", "GRPC-003", "HTTP-002", "HTTP-003", "HTTP-004"),
        *("HTTP-054", "PROF-001", "RESP-005", "RESP-006", "RESP-007"),
        *(f"SRV-{number:03}" for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 15, 34, 89)),
        *("JSON-010", "JSON-019", "JSON-022", "JSON-025", "JSON-028", "JSON-033", "JSON-034"),
        *("JSON-036", "JSON-037", "JSON-038", "JSON-043", "JSON-044", "JSON-048"),
        *("COMMON-010", "COMMON-025", "COMMON-044", "COMMON-048", "COMMON-052"),
        *("TRACE-017", "METRIC-030", "LOG-007", "LOG-014", "LOG-024", "LOG-037", "LOG-038"),
        *("PROF-031", "PROF-032"),
    )
)


def fuzz_results(
    tallies: Mapping[str, FuzzCounts],
    failures: Iterable[tuple[Failure, str]],
    examples: Mapping[str, str],
    policy: Policy,
    *,
    run_again: str,
    accusations: Sequence[CheckResult] = (),
) -> tuple[Result, ...]:
    """Return a verdict for each requirement, in the order of the catalogue.

    Args:
        tallies: The counts of answers to payloads about each requirement.
        failures: The failures, each with the command that sends it again.
        examples: For each requirement a description of one payload about it.
        policy: How strictly to judge.
        run_again: The command of the whole run.
        accusations: The faults in the answer to a plain valid request.
    """
    judged: dict[str, list[CheckResult]] = {each.rule: [each] for each in accusations}
    commands: dict[str, str] = {}
    for failure, command in failures:
        for rule in failure.fault.rules:
            evidence = _evidence(failure, command)
            judged.setdefault(rule, []).append(failed(rule, evidence, harm=failure.fault.harm))
            commands.setdefault(rule, command)
    for rule, tally in tallies.items():
        if rule not in judged and rule in _SEEN_IN_ANSWERS:
            judged[rule] = [_tallied(rule, tally, examples.get(rule, ""))]
    return tuple(
        result_of(
            rule.id,
            [(CASE, each) for each in judged[rule.id]],
            policy,
            run_again=commands.get(rule.id, run_again),
        )
        for rule in all_requirements()
        if rule.id in judged
    )


def accused_results(
    accusations: Sequence[CheckResult], policy: Policy, *, run_again: str
) -> tuple[Result, ...]:
    """Return the verdicts if fuzzing was impossible: the result of a plain valid request."""
    return tuple(
        result_of(each.rule, [(CASE, each)], policy, run_again=run_again) for each in accusations
    )


def _tallied(rule: str, tally: FuzzCounts, example: str) -> CheckResult:
    about = f", e.g. {example}" if example else ""
    told = f"payloads{about}: {tally}"
    if tally.judged >= _FEWEST:
        return passed(rule, told)
    return inconclusive(rule, f"too few to tell: {told}")


def _evidence(failure: Failure, command: str) -> str:
    lines = [
        f"{FAULT_TITLES[failure.fault.kind]}: {failure.fault.told}",
        f"payload: {failure.payload}",
        f"bytes: {_shown(failure.payload)}",
        f"seen {failure.times:,} times; send it again: {command}",
    ]
    if failure.payload.validity == "valid":
        lines.insert(1, "nothing is odd about the payload; requests with other data may be taken")
    if failure.others:
        lines.append(
            f"{failure.others:,} of them were odd or broken payloads; the cause is not that"
        )
    if failure.note:
        lines.append(failure.note)
    return "\n".join(lines)


def _shown(payload: Payload) -> str:
    body, most = payload.body, _SHOWN_TEXT if payload.protocol == "http/json" else _SHOWN
    shown = repr(body[:most])[1:]
    return f"{shown}… ({len(body)} bytes)" if len(body) > most else shown


def replay_results(
    payload: Payload, seen: Examination, policy: Policy, *, run_again: str
) -> tuple[Result, ...]:
    """Return the verdicts about one payload that was sent again."""
    fault = seen.fault
    judged = _replayed(payload, seen) if fault is None else _failed(payload, fault)
    return tuple(
        result_of(each.rule, [(CASE, each)], policy, run_again=run_again) for each in judged
    )


def _replayed(payload: Payload, seen: Examination) -> list[CheckResult]:
    told = f"payload: {payload}\nanswered {seen.answer.told}"
    if seen.answer.kind == "overloaded":
        return [inconclusive(payload.rule, f"refused for load or size: {told}")]
    return [passed(payload.rule, told)]


def _failed(payload: Payload, fault: Fault) -> list[CheckResult]:
    told = f"{FAULT_TITLES[fault.kind]}: {fault.told}"
    evidence = f"{told}\npayload: {payload}\nbytes: {_shown(payload)}"
    return [failed(rule, evidence, harm=fault.harm) for rule in fault.rules]
