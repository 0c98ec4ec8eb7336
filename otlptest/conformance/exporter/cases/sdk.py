"""Variables of the SDK: the switch that disables it, its exporters, its configuration file."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.readings import (
    came_signals,
    endpoint_at,
    find_log_line,
    format_env,
    global_env_var,
    is_quiet,
    is_set_up_by_environment,
    lost_signals,
    output_tail,
    resources_of,
    start_until_stable,
    whole_run,
)
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed

CASES: Final = ExporterCases()


_DISABLED: Final = "OTEL_SDK_DISABLED"
_CONFIG_FILE: Final = "OTEL_CONFIG_FILE"
_RESOURCE: Final = "OTEL_RESOURCE_ATTRIBUTES"
_UNKNOWN: Final = "otlptest-unknown"
_FILE_MARKER: Final = "otlptest.from_file"
_IN_CODE: Final = (
    "the program sets its exporters up in code: OTEL_<S>_EXPORTER=none changes nothing"
)


def _exporter(signal: Signal) -> str:
    return f"OTEL_{signal.upper()}_EXPORTER"


# The switch.


@CASES.add(
    "sdk/disabled",
    "OTEL_SDK_DISABLED: true, TRUE and a word that is neither",
    ("OTLP-CFG-055", "OTLP-CFG-056", "OTLP-CFG-065"),
    runs=4,
)
def _judge_disabled(lab: ExporterLab) -> Iterator[CheckResult]:
    on = start_until_stable(lab, {_DISABLED: "true"}, is_wanted=is_quiet)
    capital = start_until_stable(lab, {_DISABLED: "TRUE"}, is_wanted=is_quiet)
    odd = start_until_stable(lab, {_DISABLED: "1"})
    is_set_up = is_set_up_by_environment(lab)
    disabled = on()
    judged = _judged_disabled(lab, disabled, is_set_up=is_set_up)
    yield judged
    odd_run, capital_run = odd(), capital()
    if judged.outcome == "passed":
        yield _judged_true(capital_run)
        yield _judged_false(lab, odd_run)
    else:
        yield inconclusive("OTLP-CFG-055", f"{_DISABLED}=true does not switch it off")
    yield _judged_warning(lab, odd_run)


def _judged_disabled(lab: ExporterLab, seen: Observation, *, is_set_up: bool) -> CheckResult:
    rule, what = "OTLP-CFG-065", format_env(seen, [_DISABLED])
    if is_quiet(seen):
        return passed(rule, f"{what}; nothing was sent; {seen.describe_end()}")
    if not seen.requests:
        return inconclusive(rule, f"{what}; nothing was sent, but {output_tail(seen)}")
    if is_set_up or lost_signals(lab, seen):
        return failed(rule, f"{what}; it sent", exchanges=seen.describe())
    return inconclusive(rule, f"{what}; it sent; {_IN_CODE}")


def _judged_true(seen: Observation) -> CheckResult:
    rule, what = "OTLP-CFG-055", format_env(seen, [_DISABLED])
    if is_quiet(seen):
        return passed(rule, f"{what} is true, as in small letters: nothing was sent")
    if not seen.requests:
        return inconclusive(rule, f"{what}; {output_tail(seen)}")
    return failed(rule, f"{what} was not taken as true; it sent", exchanges=seen.describe())


def _judged_false(lab: ExporterLab, seen: Observation) -> CheckResult:
    rule, what = "OTLP-CFG-055", format_env(seen, [_DISABLED])
    if not lost_signals(lab, seen):
        return passed(rule, f"{what} is false: all was sent")
    if is_quiet(seen):
        return failed(rule, f"{what} was taken as true; nothing was sent")
    return inconclusive(rule, f"{what}; {whole_run(seen)}")


def _judged_warning(lab: ExporterLab, seen: Observation) -> CheckResult:
    rule, what = "OTLP-CFG-056", format_env(seen, [_DISABLED])
    warning = find_log_line(lab, seen, (_DISABLED,))
    if warning:
        return passed(rule, f"{what}; it said: {warning}")
    return inconclusive(rule, f"{what}; no warning was printed, nor need be to output")


# Exporters.


@CASES.add(
    "sdk/exporters",
    "OTEL_<S>_EXPORTER: none, unset, and a word that is not an exporter",
    ("OTLP-CFG-064",),
    runs=5,
)
def _judge_exporters(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-CFG-064"
    without = {
        s: start_until_stable(lab, {}, signals=_but(lab, s), is_wanted=_ends) for s in lab.signals
    }
    untold = start_until_stable(lab, {_exporter(signal): None for signal in lab.signals})
    unknown = start_until_stable(
        lab, {_exporter(lab.signals[0]): _UNKNOWN}, is_wanted=lambda seen: _rest_came(lab, seen)
    )
    seen = {signal: run() for signal, run in without.items()}
    default, odd = untold(), unknown()
    heeded = [signal for signal, run in seen.items() if signal not in _sent(run)]
    failed = [run for run in seen.values() if not run.ended_well]
    if failed:
        names = [_exporter(signal) for signal in lab.signals]
        yield inconclusive(rule, f"{format_env(failed[0], names)}; {output_tail(failed[0])}")
        return
    if not heeded:
        yield inconclusive(rule, _IN_CODE)
        return
    yield _judged_exporters(rule, lab, heeded, default, odd)


def _but(lab: ExporterLab, signal: Signal) -> tuple[Signal, ...]:
    return tuple(each for each in lab.signals if each != signal)


def _ends(seen: Observation) -> bool:
    return seen.ended_well


def _rest_came(lab: ExporterLab, seen: Observation) -> bool:
    return came_signals(lab, seen) >= set(lab.signals[1:])


def _sent(seen: Observation) -> set[Signal | None]:
    return {each.signal for each in seen.requests}


def _judged_exporters(
    rule: str, lab: ExporterLab, heeded: list[Signal], default: Observation, odd: Observation
) -> CheckResult:
    unheeded = [each for each in lab.signals if each not in heeded]
    if unheeded:
        names = ", ".join(f"{_exporter(each)}=none" for each in unheeded)
        return failed(rule, f"it sent with {names}, and heeds it for {', '.join(heeded)}")
    lost = lost_signals(lab, default)
    if lost:
        return failed(rule, f"the default of {_exporter(lost[0])} is not otlp: nothing came")
    what = format_env(odd, [_exporter(lab.signals[0])])
    if not _rest_came(lab, odd):
        return failed(rule, f"{what}; the other signals did not come; {output_tail(odd)}")
    warning = find_log_line(lab, odd, (_UNKNOWN,))
    if not warning:
        reason = "none and the default are as they should be; no warning was printed"
        return inconclusive(rule, f"{what}; {reason}, nor need be to output")
    return passed(rule, f"none sends nothing, unset sends; {what}: it said {warning}")


# The configuration file.


@CASES.add(
    "sdk/config_file",
    "OTEL_CONFIG_FILE: other variables are ignored",
    ("OTLP-CFG-066",),
)
def _judge_config_file(lab: ExporterLab) -> Iterator[CheckResult]:
    with tempfile.TemporaryDirectory(prefix="otlptest-") as folder, lab.collector() as told_by_file:
        file = Path(folder) / "otel.yaml"
        # JSON is YAML too.
        file.write_text(json.dumps(_configuration(lab, told_by_file)), "utf-8")
        seen = lab.run({_CONFIG_FILE: str(file)})
        yield _judged_file(seen, lab.arrived(told_by_file))


def _configuration(lab: ExporterLab, fake: FakeCollector) -> dict[str, Any]:
    def exporter(signal: Signal) -> dict[str, Any]:
        url = endpoint_at(fake, signal, lab.protocol)
        if lab.protocol == "grpc":
            return {"otlp_grpc": {"endpoint": url}}
        encoding = "json" if lab.protocol == "http/json" else "protobuf"
        return {"otlp_http": {"endpoint": url, "encoding": encoding}}

    return {
        "file_format": "1.0",
        "resource": {"attributes": [{"name": _FILE_MARKER, "value": "yes"}]},
        "tracer_provider": {"processors": [{"batch": {"exporter": exporter("traces")}}]},
        "meter_provider": {"readers": [{"periodic": {"exporter": exporter("metrics")}}]},
        "logger_provider": {"processors": [{"batch": {"exporter": exporter("logs")}}]},
    }


def _judged_file(seen: Observation, told_by_file: Arrived) -> CheckResult:
    rule, what = "OTLP-CFG-066", format_env(seen, [_CONFIG_FILE, global_env_var("ENDPOINT")])
    if any(_FILE_MARKER in resource for resource in resources_of(seen.requests)):
        return failed(rule, f"{what}; the file was read, and the variable used all the same")
    if told_by_file.requests and not seen.requests:
        return passed(rule, f"{what}; it sent to the endpoint of the file alone")
    if told_by_file.requests:
        return inconclusive(rule, f"{what}; it sent to both: a part of it is set up in code")
    if seen.requests:
        return not_applicable(rule, f"{what}; the file was not read")
    return inconclusive(rule, f"{what}; nothing was sent; {output_tail(seen)}")


# What cannot be decoded.


@CASES.add(
    "sdk/undecodable_attributes",
    "OTEL_RESOURCE_ATTRIBUTES that cannot be decoded is dropped whole",
    ("OTLP-CFG-078",),
    runs=2,
)
def _judge_undecodable(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge an undecodable answer, which only an SDK that decodes can meet."""
    rule = "OTLP-CFG-078"
    control = lab.start({_RESOURCE: "otlptest.a=1%2C2"})
    seen = start_until_stable(lab, {_RESOURCE: "otlptest.a=1,otlptest.b=%ZZ"})()
    what = format_env(seen, [_RESOURCE])
    values = {each.get("otlptest.a") for each in resources_of(control.result().requests)}
    resources = resources_of(seen.requests)
    taken = sorted({name for each in resources for name in each if name.startswith("otlptest.")})
    if values == {None} or not values:
        yield inconclusive(rule, f"the program builds its resource without {_RESOURCE}")
    elif values != {"1,2"}:
        yield inconclusive(rule, f"nothing is decoded (OTLP-CFG-077): 1%2C2 came as {values}")
    elif taken:
        yield failed(rule, f"{what}; expected neither, received {', '.join(taken)}")
    elif not resources:
        yield failed(rule, f"{what}; nothing came any more; {output_tail(seen)}")
    else:
        yield passed(rule, f"{what}; neither was received, and otlptest.a=1%2C2 alone is")
