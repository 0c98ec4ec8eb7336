"""Readings of a run: the signals that arrived, the protocols, the command's output.

A single run may miss something by chance; `steady` repeats such runs.
"""

import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.exporter.lab import Changes, ExporterLab, observed_again
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.payloads import items_of
from otlptest.errors import ProcessError
from otlptest.model import DataPoint, Protocol, Request, Resource, Signal
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.wire.otlp.signals import SIGNAL_NAMES

Spoken: TypeAlias = Literal["tls", "plaintext"]

_TLS_TO_A_PLAINTEXT_PORT: Final = "OTLP-SRV-063"
_FAILED_HANDSHAKE: Final = "OTLP-SRV-080"
_PLAINTEXT_TO_A_TLS_PORT: Final = "OTLP-SRV-081"
_SPOKEN: Final[Mapping[str, Spoken]] = {
    _TLS_TO_A_PLAINTEXT_PORT: "tls",
    _FAILED_HANDSHAKE: "tls",
    _PLAINTEXT_TO_A_TLS_PORT: "plaintext",
}
_MOST_WORDS: Final = 3
# Meaningless lines: empty ones, and those of a stack below an error.
_FRAME: Final = re.compile(r"\s*((at |\.\.\. \d+ ).*|[~^\s]*|File \".*)")
_LONGEST_LINE: Final = 200


def global_env_var(option: str) -> str:
    """Return the variable of an option for all signals, e.g. of `ENDPOINT`."""
    return f"OTEL_EXPORTER_OTLP_{option}"


def signal_env_var(signal: Signal, option: str) -> str:
    """Return the variable of an option for one signal."""
    return f"OTEL_EXPORTER_OTLP_{signal.upper()}_{option}"


def format_env(seen: Observation, names: Iterable[str]) -> str:
    """Return the variables as the command got them, for evidence."""
    variables = seen.environment
    return ", ".join(
        f"{name}={variables[name]}" if name in variables else f"{name} unset" for name in names
    )


def arrived_signals(arrived: Arrived | Observation) -> frozenset[Signal]:
    """Return the signals that came with only valid requests."""
    return frozenset(
        each.signal for each in arrived.requests if each.signal is not None and each.is_accepted
    )


def own_requests(lab: ExporterLab, seen: Observation) -> tuple[Request, ...]:
    """Return the requests in the lab's protocol and signals, valid or not."""
    return tuple(
        each
        for each in seen.requests
        if each.signal in lab.signals and each.protocol == lab.protocol
    )


def endpoint_at(fake: FakeCollector, signal: Signal, protocol: Protocol) -> str:
    """Return the value of a signal's endpoint variable that leads to `fake`."""
    if protocol == "grpc":
        return fake.grpc_endpoint
    return fake.http_endpoint + SIGNAL_NAMES[signal].http_path


def is_quiet(seen: Observation) -> bool:
    """Return whether the command exited with 0 and had sent nothing."""
    return seen.ended_well and not seen.requests and not seen.problems


def came_signals(lab: ExporterLab, arrived: Arrived | Observation) -> frozenset[Signal]:
    """Return the signals with a request as good as in the observing run.

    A request that was refused there for its content counts: no case changes that.
    """
    usual = arrived_signals(lab.baseline)
    tried = {each.signal for each in arrived.requests if each.signal is not None}
    return arrived_signals(arrived) | (tried - usual)


def lost_signals(lab: ExporterLab, seen: Observation) -> tuple[Signal, ...]:
    """Return the signals of the observing run that did not come as well in this one."""
    came = came_signals(lab, seen)
    return tuple(signal for signal in lab.signals if signal not in came)


def transports_used(seen: Observation) -> frozenset[Spoken]:
    """Return whether TLS, plaintext or both reached the fake; empty if nothing did."""
    found: set[Spoken] = {
        "tls" if each.connection.is_tls else "plaintext" for each in seen.requests
    }
    found |= {_SPOKEN[each.rule] for each in seen.all_problems if each.rule in _SPOKEN}
    return frozenset(found)


def judged_spoken(
    rule: str,
    seen: Observation,
    expected: Spoken,
    variables: Iterable[str],
    *,
    without: Observation | None = None,
) -> CheckResult:
    """Judge whether TLS or plaintext was used, as expected.

    Args:
        rule: The requirement.
        seen: The run.
        expected: `TLS` or plaintext, as demanded.
        variables: The variables that decide.
        without: A run without the variable that must make no difference: where that one connects,
            so must `seen`.
    """
    what, found = format_env(seen, variables), transports_used(seen)
    if found == {expected}:
        return passed(rule, f"{what}; {expected} was spoken")
    if found:
        return failed(rule, f"{what}; expected {expected}; spoken: {', '.join(sorted(found))}")
    nothing = f"{what}; nothing came; {output_tail(seen)}"
    if without is not None and transports_used(without) == {expected}:
        return failed(rule, f"{nothing}\nwith {format_env(without, variables)} it connects")
    return inconclusive(rule, nothing)


def start_until_stable(
    lab: ExporterLab,
    changes: Changes,
    *,
    is_wanted: Callable[[Observation], object] | None = None,
    **options: Any,  # noqa: ANN401 -- the options of `lab.run`, typed there
) -> Callable[[], Observation]:
    """Start a run; the result is a second run if the first does not show what is wanted.

    If the absence of something is a fault, one unlucky run is not enough.

    Args:
        lab: Runs the command.
        changes: As for `lab.run`.
        is_wanted: Whether a run will do; by default one in which no signal is lost.
        options: As for `lab.run`.

    Raises:
        ProcessError: From the result, if signals are lost without any change too.
    """
    first = lab.start(changes, **options)

    def result() -> Observation:
        seen = first.result()
        if is_wanted(seen) if is_wanted else not lost_signals(lab, seen):
            return seen
        again = lab.run(changes, **options)
        if is_wanted is None and lost_signals(lab, again):
            _check_is_reliable(lab)
        return again

    return result


def run_until_stable(lab: ExporterLab, changes: Changes) -> Observation:
    """Return the result of `steady`; nothing is started before the call."""
    return start_until_stable(lab, changes)()


def _check_is_reliable(lab: ExporterLab) -> None:
    """Check that the command, run as in the observing run, still sends the same.

    Raises:
        ProcessError: It does not: so a loss proves nothing.
    """
    lost = lost_signals(lab, observed_again(lab))
    if lost:
        raise ProcessError("the command", f"does not send {', '.join(lost)} in each run")


def confirmed(
    judge: Callable[[ExporterLab], Iterable[CheckResult]], lab: ExporterLab
) -> Iterator[CheckResult]:
    """Yield judgements about shared ports; each fails only if it fails twice.

    Another program may send there while the command runs. If only the first run shows a fault, the
    second one counts.

    Args:
        judge: Runs the command and judges each of its requirements once.
        lab: Its lab.
    """
    found = tuple(judge(lab))
    again = {}
    if any(each.outcome == "failed" for each in found):
        again = {each.rule: each for each in judge(lab)}
    for each in found:
        second = again.get(each.rule, each)
        yield second if each.outcome == "failed" and second.outcome != "failed" else each


def is_set_up_by_environment(lab: ExporterLab) -> bool:
    """Return whether the command sends nothing if every exporter is `none`; one run for all.

    If it does send, the program sets its exporters up in code, and some variables of the SDK have
    no effect.
    """
    seen = lab.shared("every exporter is none", lambda: lab.run(signals=()))
    return is_quiet(seen)


def has_connection(listener: socket.socket) -> bool:
    """Return whether a connection waits at a listening socket; accept it without blocking."""
    listener.setblocking(False)
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def find_log_line(lab: ExporterLab, seen: Observation, words: Iterable[str]) -> str:
    """Return the first line with one of the words that the observing run did not print."""
    known = set(lab.baseline.output.splitlines())
    wanted = tuple(words)
    for line in seen.output.splitlines():
        if line not in known and any(word in line for word in wanted):
            return line.strip()[:_LONGEST_LINE]
    return ""


def output_tail(seen: Observation) -> str:
    """Return how the command ended, with its last lines of output, for evidence."""
    lines = [line.strip() for line in seen.output.splitlines() if not _FRAME.fullmatch(line)]
    lines = lines[-_MOST_WORDS:]
    return "\n".join([seen.describe_end(), *(f"| {line[:_LONGEST_LINE]}" for line in lines)])


def whole_run(seen: Observation) -> str:
    """Return the requests of a run, its end and its last lines of output, as evidence."""
    came = f"{seen.describe()}\n" if seen.requests else "no request; "
    return came + output_tail(seen)


def judged_requests(
    rule: str,
    lab: ExporterLab,
    seen: Observation,
    is_right: Callable[[Request], bool],
    *,
    expected: str,
    variables: Iterable[str],
    received: Callable[[Request], str] | None = None,
) -> CheckResult:
    """Fail if a request is wrong or a signal lost, pass if each came and all are valid.

    Args:
        rule: The requirement.
        lab: For the signals that should come.
        seen: The run; one of `steady`, as a loss may be chance.
        is_right: Whether a request of any signal is valid.
        expected: What is demanded, for evidence.
        variables: The variables of the run.
        received: Says what a wrong request had instead, for evidence.
    """
    what = format_env(seen, variables)
    requests = [each for each in seen.requests if each.signal is None or each.signal in lab.signals]
    wrong = [each for each in requests if not is_right(each)]
    if wrong:
        had = f"received {received(wrong[0])}" if received else "not so"
        return failed(rule, f"{what}; expected {expected}; {had}:", exchanges=seen.describe(wrong))
    missing = set(lab.signals) - {each.signal for each in requests}
    if missing:
        lost = ", ".join(sorted(missing))
        return failed(rule, f"{what}; nothing came of {lost} any more; {output_tail(seen)}")
    return passed(rule, f"{what}; each request had {expected}", exchanges=seen.describe(requests))


def resources_of(requests: Iterable[Request]) -> tuple[Resource, ...]:
    """Return the resources of all items, each once."""
    found: list[Resource] = []
    for request in requests:
        for item in items_of(request):
            resource = item.metric.resource if isinstance(item, DataPoint) else item.resource
            if resource not in found:
                found.append(resource)
    return tuple(found)
