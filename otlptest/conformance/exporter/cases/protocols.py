"""Protocols of the command: supported ones, the default, and one signal's over the general one.

A program may choose its exporters in code although its SDK is correct. A run with every signal's
exporter set to `none` shows whether the environment configures the command.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import ALL_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.readings import (
    endpoint_at,
    find_log_line,
    format_env,
    global_env_var,
    is_set_up_by_environment,
    output_tail,
    signal_env_var,
    start_until_stable,
)
from otlptest.model import Protocol, Request, Signal
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_PROTOCOL: Final = global_env_var("PROTOCOL")
_ENDPOINT: Final = global_env_var("ENDPOINT")
_UNKNOWN: Final = "otlptest-udp"
_MEDIA_TYPES: Final[Mapping[str, Protocol]] = {
    "application/grpc": "grpc",
    "application/grpc+proto": "grpc",
    "application/x-protobuf": "http/protobuf",
    "application/json": "http/json",
}
_IN_CODE: Final = "the program may choose its exporter in code: OTEL_<S>_EXPORTER changes nothing"


def spoken_protocols(requests: tuple[Request, ...]) -> tuple[Protocol, ...]:
    """Return the protocols of requests, by their content types, for all paths."""
    found = [_protocol(each) for each in requests]
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _protocol(request: Request) -> Protocol | None:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return _MEDIA_TYPES.get(media_type)


def _to_http(fake: FakeCollector) -> dict[str, str | None]:
    return {_ENDPOINT: fake.http_endpoint}


@CASES.add(
    "protocols/values",
    "PROTOCOL: each value, unset, empty, and an unknown word",
    (
        "OTLP-CFG-047",
        "OTLP-CFG-048",
        "OTLP-CFG-049",
        "OTLP-CFG-050",
        "OTLP-CFG-054",
    ),
    runs=6,
)
def _judge_values(lab: ExporterLab) -> Iterator[CheckResult]:
    others = [each for each in ALL_PROTOCOLS if each != lab.protocol]
    runs = {each: start_until_stable(lab, {}, is_wanted=_sends, protocol=each) for each in others}
    untold = start_until_stable(
        lab, lambda fake: {**_to_http(fake), _PROTOCOL: None}, is_wanted=_sends
    )
    empty = start_until_stable(
        lab, lambda fake: {**_to_http(fake), _PROTOCOL: ""}, is_wanted=_sends
    )
    unknown = start_until_stable(
        lab, lambda fake: {**_to_http(fake), _PROTOCOL: _UNKNOWN}, is_wanted=_sends
    )
    is_set_up = is_set_up_by_environment(lab)
    seen = {lab.protocol: lab.baseline, **{each: run() for each, run in runs.items()}}
    yield _judged_values(lab, seen, unknown(), is_set_up=is_set_up)
    yield from _judged_choice(seen)
    default = untold()
    yield _judged_default(seen, default)
    yield _judged_empty(default, empty(), is_read=_is_read(seen))


def _sends(seen: Observation) -> bool:
    return bool(seen.requests)


def _judged_values(
    lab: ExporterLab,
    seen: Mapping[Protocol, Observation],
    unknown: Observation,
    *,
    is_set_up: bool,
) -> CheckResult:
    """Judge that an unsupported value is ignored with a warning."""
    rule = "OTLP-CFG-047"
    ways = {value: spoken_protocols(run.requests) for value, run in seen.items()}
    found = "; ".join(
        f"{_PROTOCOL}={value}: {', '.join(way) or 'nothing'} came"
        for value, way in [*ways.items(), (_UNKNOWN, spoken_protocols(unknown.requests))]
    )
    # One that connects has ignored the value, and uses another protocol than the port.
    silent = [run for run in (*seen.values(), unknown) if not (run.requests or run.connections)]
    if silent:
        if is_set_up or _is_read(seen):
            return failed(rule, f"{found}\n{output_tail(silent[0])}")
        return inconclusive(rule, f"{found}; {_IN_CODE}\n{output_tail(silent[0])}")
    ignored = [(value, seen[value]) for value, way in ways.items() if way != (value,)]
    for value, run in [*ignored, (_UNKNOWN, unknown)]:
        if not find_log_line(lab, run, (value, _PROTOCOL)):
            return inconclusive(
                rule, f"{found}; no warning of {value} was printed, nor need be to output"
            )
    return passed(rule, found)


def _is_read(seen: Mapping[Protocol, Observation]) -> bool:
    """Return whether two values of the variable lead to two protocols."""
    heeded = [value for value, run in seen.items() if spoken_protocols(run.requests) == (value,)]
    return len(heeded) > 1


def _judged_choice(seen: Mapping[Protocol, Observation]) -> Iterator[CheckResult]:
    """Judge the two protocols that an SDK should have.

    A program may have only some of its SDK's exporters: a missing protocol is not a failure.
    """
    had = {each for run in seen.values() for each in spoken_protocols(run.requests)}
    text = f"with all values of {_PROTOCOL}, {', '.join(sorted(had)) or 'no protocol'} came"
    main = had & {"grpc", "http/protobuf"}
    for rule, is_met in (("OTLP-CFG-048", bool(main)), ("OTLP-CFG-049", len(main) > 1)):
        if is_met:
            yield passed(rule, text)
        else:
            yield inconclusive(rule, f"{text}; the SDK may have others in another package")


def _broken_if(is_set_up: bool, rule: str, text: str) -> CheckResult:  # noqa: FBT001 -- reads as a sentence
    return failed(rule, text) if is_set_up else inconclusive(rule, f"{text}; {_IN_CODE}")


def _judged_default(seen: Mapping[Protocol, Observation], untold: Observation) -> CheckResult:
    rule = "OTLP-CFG-050"
    chosen = spoken_protocols(untold.requests)
    text = f"{_PROTOCOL} unset; {', '.join(chosen) or 'nothing'} came"
    if not chosen:
        return inconclusive(rule, f"{text}; {output_tail(untold)}")
    if chosen == ("http/protobuf",):
        return passed(rule, text)
    if "grpc" in chosen:
        return inconclusive(rule, f"{text}; grpc may stay the default for compatibility")
    told_otherwise = spoken_protocols(seen["http/protobuf"].requests)
    if told_otherwise == ("http/protobuf",):
        return failed(rule, f"{text}; with {_PROTOCOL}=http/protobuf that came")
    return inconclusive(rule, f"{text}, and whatever the value is; {_IN_CODE}")


def _judged_empty(untold: Observation, empty: Observation, *, is_read: bool) -> CheckResult:
    rule = "OTLP-CFG-054"
    expected, chosen = spoken_protocols(untold.requests), spoken_protocols(empty.requests)
    unset, emptied = (", ".join(each) or "nothing" for each in (expected, chosen))
    text = f"{_PROTOCOL} unset: {unset} came; empty: {emptied} came"
    if not expected:
        return inconclusive(rule, text)
    if set(expected) != set(chosen):
        return failed(rule, f"{text}\n{output_tail(empty)}")
    if not is_read:
        return inconclusive(rule, f"{text}, and whatever the value is; {_IN_CODE}")
    return passed(rule, text)


# One signal's protocol against the general one.


@CASES.add(
    "protocols/own",
    "PROTOCOL of a signal beats the general one",
    ("OTLP-CFG-051", "OTLP-CFG-052"),
    runs=6,
)
def _judge_own(lab: ExporterLab) -> Iterator[CheckResult]:
    other = _other_protocol(lab)
    rules = ("OTLP-CFG-051", "OTLP-CFG-052")
    if other is None:
        for rule in rules:
            yield inconclusive(rule, f"the command speaks {lab.protocol} alone")
        return
    is_set_up = is_set_up_by_environment(lab)
    with ExitStack() as stack:
        fakes = {signal: stack.enter_context(lab.collector()) for signal in lab.signals}
        runs = {
            signal: start_until_stable(lab, _mixed(signal, other, fake), is_wanted=_exits_well)
            for signal, fake in fakes.items()
        }
        seen = {signal: run() for signal, run in runs.items()}
        arrived = {signal: lab.arrived(fake) for signal, fake in fakes.items()}
    for signal in lab.signals:
        for rule in rules:
            yield _judged_own(
                rule, signal, other, seen[signal], arrived[signal], is_set_up=is_set_up
            )


def _exits_well(seen: Observation) -> bool:
    return seen.ended_well


def _other_protocol(lab: ExporterLab) -> Protocol | None:
    """Return another protocol in which the command sends all signals that it sends in this one."""
    others = [each for each in ALL_PROTOCOLS if each != lab.protocol]
    runs = {each: lab.start(protocol=each) for each in others}
    for protocol, run in runs.items():
        requests = run.result().requests
        came = {each.signal for each in requests if _protocol(each) == protocol}
        if came >= set(lab.signals):
            return protocol
    return None


def _mixed(signal: Signal, other: Protocol, fake: FakeCollector) -> dict[str, str]:
    return {
        signal_env_var(signal, "PROTOCOL"): other,
        signal_env_var(signal, "ENDPOINT"): endpoint_at(fake, signal, other),
    }


def _judged_own(
    rule: str,
    signal: Signal,
    other: Protocol,
    seen: Observation,
    arrived: Arrived,
    *,
    is_set_up: bool,
) -> CheckResult:
    what = format_env(
        seen, [_PROTOCOL, signal_env_var(signal, "PROTOCOL"), signal_env_var(signal, "ENDPOINT")]
    )
    chosen = spoken_protocols(arrived.requests)
    rest = set(spoken_protocols(seen.requests))
    if not chosen and seen.of(signal):
        elsewhere = f"the {signal} went to the general endpoint, which another case judges"
        return inconclusive(rule, f"{what}; {elsewhere}", exchanges=seen.describe(seen.of(signal)))
    if not chosen:
        return _broken_if(is_set_up, rule, f"{what}; nothing came there; {output_tail(seen)}")
    text = f"{what}; {', '.join(chosen)} came there, {', '.join(rest) or 'nothing'} elsewhere"
    if chosen == (other,) and other not in rest:
        return passed(rule, text)
    return _broken_if(is_set_up, rule, text)
