"""Destinations of the command: defaults, the endpoint of one signal, the handling of URLs."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import COMMON_SIGNALS, HTTP_PROTOCOLS, ExporterCase, ExporterCases
from otlptest.conformance.exporter.lab import Changes, ExporterLab
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.own_requests import Mark
from otlptest.conformance.exporter.readings import (
    arrived_signals,
    came_signals,
    confirmed,
    endpoint_at,
    format_env,
    global_env_var,
    has_connection,
    is_set_up_by_environment,
    lost_signals,
    output_tail,
    run_until_stable,
    signal_env_var,
    start_until_stable,
    transports_used,
)
from otlptest.model import Signal
from otlptest.net.addresses import GRPC_PORT, HTTP_PORT
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.wire.otlp.signals import SIGNAL_NAMES

CASES: Final = ExporterCases()


PLAIN_HTTP_PORT: Final = 80
DEFAULT_PORTS: Final = ("port 4317", "port 4318")
"""The ports that a case claims because it listens there, or its runs may send there by mistake."""

_ENDPOINT: Final = global_env_var("ENDPOINT")
_SOON_S: Final = 1.0
_GENERAL_PATH: Final = "/otlptest/general"

# Problems of a request that show that it should have gone elsewhere; all others are judged
# by other cases.
_ASTRAY: Final = frozenset({"wrong_port", "wrong_path", "tls_mismatch"})

# The forms of a signal's URL, each with the rule that it shows: run by run each signal gets
# another one. Only one signal at a time may have the last: its path names no signal.
_FORMS: Final = (
    ("OTLP-CFG-006", "/otlptest/{signal}/as-is"),
    ("OTLP-CFG-007", "/otlptest/{signal}/slash/"),
    ("OTLP-CFG-008", ""),
)


# The default.


def _judge_default(lab: ExporterLab) -> Iterator[CheckResult]:
    is_grpc = lab.protocol == "grpc"
    rule, port_rule = (
        ("OTLP-CFG-002", "OTLP-GRPC-034") if is_grpc else ("OTLP-CFG-001", "OTLP-HTTP-040")
    )
    unset, empty = (_at_default_ports(lab, value) for value in (None, ""))
    yield _at_default_port(port_rule, lab, unset)
    yield _at_default(rule, lab, unset)
    yield _as_unset(unset, empty)


def _at_default_ports(lab: ExporterLab, value: str | None) -> Observation:
    mark = Mark()
    seen = start_until_stable(
        lab,
        {**mark.changes, _ENDPOINT: value},
        is_wanted=lambda seen: seen.requests or seen.problems,
        grpc_port=GRPC_PORT,
        http_port=HTTP_PORT,
    )
    return mark.own(seen())


def _as_unset(unset: Observation, empty: Observation) -> CheckResult:
    """Judge that an empty variable has the effect of an unset one, valid or not."""
    rule = "OTLP-CFG-054"
    shapes = [
        ({each.endpoint for each in seen.connections}, transports_used(seen), arrived_signals(seen))
        for seen in (unset, empty)
    ]
    if not unset.connections:
        return inconclusive(rule, f"{format_env(unset, [_ENDPOINT])}; {output_tail(unset)}")
    what = "\n".join(
        f"{format_env(seen, [_ENDPOINT])}; {seen.describe()}" for seen in (unset, empty)
    )
    return passed(rule, what) if shapes[0] == shapes[1] else failed(rule, what)


def _at_default_port(rule: str, lab: ExporterLab, seen: Observation) -> CheckResult:
    """Judge the port alone, with TLS or without."""
    endpoint = "grpc" if lab.protocol == "grpc" else "http"
    what = f"{format_env(seen, [_ENDPOINT])}; connections to"
    ports = {each.port for each in seen.connections if each.endpoint == endpoint}
    others = {each.port for each in seen.connections if each.endpoint != endpoint}
    if others:
        return failed(rule, f"{what} port {', '.join(map(str, others))}")
    if not ports:
        judge = "OTLP-CFG-002" if lab.protocol == "grpc" else "OTLP-CFG-001"
        return inconclusive(rule, f"{what} neither port, which {judge} judges; {output_tail(seen)}")
    return passed(rule, f"{what} port {', '.join(map(str, ports))}")


def _at_default(rule: str, lab: ExporterLab, seen: Observation) -> CheckResult:
    port = GRPC_PORT if lab.protocol == "grpc" else HTTP_PORT
    what = format_env(seen, [_ENDPOINT])
    if transports_used(seen) == {"tls"} and {each.port for each in seen.connections} == {port}:
        return inconclusive(
            rule,
            f"{what}; it spoke TLS to port {port}, which an SDK may do by default where it always"
            f" did: the source allows https for compatibility",
            exchanges=seen.describe(),
        )
    astray = _ASTRAY - {each.kind for each in lab.baseline.all_problems}
    wrong = [each.message for each in seen.all_problems if each.kind in astray]
    if wrong:
        return failed(
            rule,
            f"{what}; expected plaintext to port {port}: {wrong[0]}",
            exchanges=seen.describe(),
        )
    if not (seen.requests or seen.connections or seen.problems):
        return _judged_silence(rule, lab, seen)
    lost = lost_signals(lab, seen)
    if lost:
        missing = ", ".join(lost)
        return inconclusive(rule, f"{what}; no {missing} came to port {port}; {output_tail(seen)}")
    return passed(rule, f"{what}; it sent to port {port} of 127.0.0.1", exchanges=seen.describe())


def _judged_silence(rule: str, lab: ExporterLab, seen: Observation) -> CheckResult:
    """Judge a command that sends nothing if no endpoint is set.

    A program may ask for the variable in code, before it sets an exporter up, and a client may
    know one of the two addresses of localhost alone. All others send to no default.
    """
    what = (
        f"{format_env(seen, [_ENDPOINT])}; nothing was sent to any port, and with an endpoint it is"
    )
    if not seen.ended_well:
        return inconclusive(rule, f"{what}; {output_tail(seen)}")
    if not is_set_up_by_environment(lab):
        reason = "the program sets its exporters up in code, and may want the variable"
        return inconclusive(rule, f"{what}: {reason}; {output_tail(seen)}")
    if _is_tried_over_ipv6(lab):
        return inconclusive(rule, f"{what}: it connects to [::1] alone; {output_tail(seen)}")
    reason = "OTEL_<S>_EXPORTER=none alone silences it, so that the environment sets it up"
    return failed(rule, f"{what}: {reason}\n{output_tail(seen)}")


def _is_tried_over_ipv6(lab: ExporterLab) -> bool:
    """Return whether a command that sent nothing to 127.0.0.1 may have sent it to `::1`."""
    with ExitStack() as stack:
        try:
            listeners = [
                stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
                for port in (GRPC_PORT, HTTP_PORT)
            ]
        except OSError:  # there is no IPv6, or another program at the port answers
            return _is_heard_over_ipv6(GRPC_PORT) or _is_heard_over_ipv6(HTTP_PORT)
        lab.run({_ENDPOINT: None}, grpc_port=GRPC_PORT, http_port=HTTP_PORT)
        return any(map(has_connection, listeners))


def _is_heard_over_ipv6(port: int) -> bool:
    try:
        socket.create_connection(("::1", port), timeout=_SOON_S).close()
    except OSError:
        return False
    return True


# URLs of one signal.


def _judge_as_is(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a URL of each signal's own in each of the three forms, next to a general one."""
    turns = range(len(_FORMS))
    plans = [_own_paths(lab, turn) for turn in turns]
    runs = [start_until_stable(lab, _own_urls(plan), is_wanted=_came_to(plan)) for plan in plans]
    for plan, run in zip(plans, runs, strict=True):
        seen = run()
        for signal, (rule, path) in plan.items():
            yield _judged_path(lab, rule, signal, path or "/", seen)


def _own_paths(lab: ExporterLab, turn: int) -> dict[Signal, tuple[str, str]]:
    return {
        signal: (rule, path.format(signal=signal))
        for signal in lab.signals
        for rule, path in [_FORMS[(COMMON_SIGNALS.index(signal) + turn) % len(_FORMS)]]
    }


def _own_urls(plan: Mapping[Signal, tuple[str, str]]) -> Changes:
    def changes(fake: FakeCollector) -> dict[str, str | None]:
        urls = {
            signal_env_var(signal, "ENDPOINT"): fake.http_endpoint + path
            for signal, (_, path) in plan.items()
        }
        return {_ENDPOINT: fake.http_endpoint + _GENERAL_PATH, **urls}

    return changes


def _came_to(plan: Mapping[Signal, tuple[str, str]]) -> Callable[[Observation], bool]:
    def is_wanted(seen: Observation) -> bool:
        return {path or "/" for _, path in plan.values()} <= {each.path for each in seen.requests}

    return is_wanted


def _own_run(lab: ExporterLab) -> Observation:
    """Return a run in which each signal has its own URL, with the usual path; once for all."""
    plan = {signal: ("", SIGNAL_NAMES[signal].http_path) for signal in lab.signals}
    return lab.shared(
        "own endpoints at the usual paths", lambda: run_until_stable(lab, _own_urls(plan))
    )


def _judged_path(
    lab: ExporterLab, rule: str, signal: Signal, path: str, seen: Observation
) -> CheckResult:
    """Pass if a request had the path; fail if one had another path that names the signal."""
    what = format_env(seen, [signal_env_var(signal, "ENDPOINT"), _ENDPOINT])
    paths = {each.path for each in seen.requests}
    if path in paths:
        return passed(rule, f"{what}; {signal} went to {path}")
    stray = sorted(each for each in paths if signal in each.lower())
    if stray and all(each.startswith(_GENERAL_PATH) for each in stray):
        reason = "the general endpoint was used, which another case judges"
        return inconclusive(rule, f"{what}; {reason}: {', '.join(stray)}")
    if stray:
        return failed(rule, f"{what}; expected {path}, received {', '.join(stray)}")
    if signal not in _sent(lab.baseline):
        return inconclusive(rule, f"{what}; no {signal} ever came to the path of {signal}")
    if signal not in _sent(_own_run(lab)):
        reason = f"with its own endpoint at the usual path no {signal} come either"
        return inconclusive(rule, f"{what}; {reason}, which OTLP-CFG-009 judges")
    return failed(rule, f"{what}; no {signal} came any more; {output_tail(seen)}")


@CASES.add(
    "endpoints/unchanged",
    "A URL with escapes and capitals stays as it is; query, fragment and user",
    ("OTLP-CFG-011", "OTLP-CFG-013"),
    protocols=HTTP_PROTOCOLS,
    runs=2,
    exclusive=DEFAULT_PORTS,
)
def _judge_unchanged(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a URL that a client may be tempted to normalize, and one with parts it may ignore.

    Dot segments are not part of it: HTTP libraries remove them before any request, as RFC 3986
    section 6.2.2.3 has it, and the URL stays the same.
    """
    plan = {signal: ("", f"/otlptest/{signal}/a%2Fb%20c/MiXed") for signal in lab.signals}
    parts = lab.start(_with_parts(lab))
    seen = start_until_stable(lab, _own_urls(plan), is_wanted=_came_to(plan))()
    for signal, (_, path) in plan.items():
        yield _judged_path(lab, "OTLP-CFG-013", signal, path, seen)
    yield _judged_parts(lab, parts.result())


def _with_parts(lab: ExporterLab) -> Changes:
    def changes(fake: FakeCollector) -> dict[str, str | None]:
        base = fake.http_endpoint.replace("://", "://user:word@")
        return {
            signal_env_var(
                signal, "ENDPOINT"
            ): f"{base}{SIGNAL_NAMES[signal].http_path}?otlptest=1#part"
            for signal in lab.signals
        }

    return changes


def _judged_parts(lab: ExporterLab, seen: Observation) -> CheckResult:
    rule = "OTLP-CFG-011"
    what = format_env(seen, [signal_env_var(signal, "ENDPOINT") for signal in lab.signals])
    if came_signals(lab, seen):
        return passed(rule, what, exchanges=seen.describe())
    if seen.requests:
        return failed(rule, what, exchanges=seen.describe())
    if not came_signals(lab, _own_run(lab)):
        reason = "without these parts nothing comes either, which OTLP-CFG-009 judges"
        return inconclusive(rule, f"{what}; {reason}")
    if seen.output.strip() or seen.exit_code:
        return passed(rule, f"{what}; it refuses them, and says so: {output_tail(seen)}")
    return failed(rule, f"{what}; nothing was sent, and nothing said: {output_tail(seen)}")


@CASES.add(
    "endpoints/url",
    "Scheme, host and port of the URL",
    ("OTLP-CFG-010",),
    protocols=HTTP_PROTOCOLS,
    runs=2,
)
def _judge_url(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge scheme, host, port and path of the general URL, each different from other runs."""
    by_name = start_until_stable(lab, _by_name)
    encrypted = start_until_stable(lab, {}, tls=True)
    yield _judged_host("OTLP-CFG-010", lab, by_name())
    yield _judged_scheme("OTLP-CFG-010", encrypted())


def _by_name(fake: FakeCollector) -> dict[str, str | None]:
    return {_ENDPOINT: fake.http_endpoint.replace("127.0.0.1", "localhost")}


def _judged_host(rule: str, lab: ExporterLab, seen: Observation) -> CheckResult:
    what = format_env(seen, [_ENDPOINT])
    authority = seen.environment[_ENDPOINT].partition("://")[2]
    hosts = {each.headers["host"] for each in seen.requests if "host" in each.headers}
    if hosts - {authority}:
        return failed(rule, f"{what}; a request had Host: {', '.join(sorted(hosts))}")
    if lost_signals(lab, seen):
        return inconclusive(rule, what, exchanges=seen.describe())
    return passed(
        rule, f"{what}; Host: {', '.join(sorted(hosts)) or '(none)'}", exchanges=seen.describe()
    )


def _judged_scheme(rule: str, seen: Observation) -> CheckResult:
    what = format_env(seen, [_ENDPOINT])
    if "plaintext" in transports_used(seen):
        return failed(rule, f"{what}; plaintext was spoken")
    if "tls" not in transports_used(seen):
        return inconclusive(rule, f"{what}; {output_tail(seen)}")
    return passed(rule, f"{what}; TLS was spoken")


def _judge_standard_port(lab: ExporterLab) -> Iterator[CheckResult]:
    rule, url = "OTLP-CFG-012", "http://127.0.0.1"
    mark = Mark()
    with lab.collector(http_port=HTTP_PORT) as elsewhere:
        run = start_until_stable(lab, {**mark.changes, _ENDPOINT: url}, http_port=PLAIN_HTTP_PORT)()
        strayed = mark.own_of(lab.arrived(elsewhere), run)
    seen = mark.own(run)
    if strayed.requests:
        yield failed(
            rule, f"{_ENDPOINT}={url}; expected port {PLAIN_HTTP_PORT}, it sent to port {HTTP_PORT}"
        )
    elif lost_signals(lab, seen):
        yield inconclusive(rule, f"{_ENDPOINT}={url}", exchanges=seen.describe())
    else:
        yield passed(
            rule, f"{_ENDPOINT}={url}; it sent to port {PLAIN_HTTP_PORT}", exchanges=seen.describe()
        )


# A signal's endpoint against the general one.


@CASES.add(
    "endpoints/precedence",
    "The endpoint of a signal beats the general one, for that signal alone",
    ("OTLP-CFG-009", "OTLP-CFG-052"),
    runs=3,
)
def _judge_precedence(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge an endpoint of one signal in each run, also of one that is not emitted."""
    with ExitStack() as stack:
        others = {signal: stack.enter_context(lab.collector()) for signal in COMMON_SIGNALS}
        runs = {
            signal: start_until_stable(
                lab,
                {signal_env_var(signal, "ENDPOINT"): endpoint_at(other, signal, lab.protocol)},
                is_wanted=_all_came(lab, other),
            )
            for signal, other in others.items()
        }
        seen = {signal: run() for signal, run in runs.items()}
        strayed = {signal: lab.arrived(other) for signal, other in others.items()}
    for signal in COMMON_SIGNALS:
        yield from _judged_precedence(lab, signal, seen[signal], strayed[signal])


def _all_came(lab: ExporterLab, other: FakeCollector) -> Callable[[Observation], bool]:
    """Return whether each signal came to the general endpoint or the other one."""

    def is_wanted(seen: Observation) -> bool:
        return _sent(seen) | _sent(lab.arrived(other)) >= set(lab.signals)

    return is_wanted


def _judged_precedence(
    lab: ExporterLab, signal: Signal, seen: Observation, strayed: Arrived
) -> Iterator[CheckResult]:
    rule = "OTLP-CFG-009"
    what = format_env(seen, [signal_env_var(signal, "ENDPOINT"), _ENDPOINT])
    at_general, at_own = _sent(seen), _sent(strayed)
    wrong = (at_general & {signal}) | (at_own - {signal})
    if wrong:
        where = (
            f"the general endpoint got {_listed(at_general)}, that of {signal} {_listed(at_own)}"
        )
        yield failed(rule, f"{what}; {where}")
        if signal in wrong:
            yield failed("OTLP-CFG-052", f"{what}; {where}")
        return
    expected = set(lab.signals)
    missing = expected - at_general - at_own
    if missing and (missing - _sent(lab.baseline) or _has_nameless(strayed, seen)):
        # A wrong path alone does not show which endpoint takes precedence.
        reason = f"{_listed(missing)} did not come to a path that tells them"
        yield inconclusive(rule, f"{what}; {reason}; {output_tail(seen)}")
        return
    if missing:
        yield failed(rule, f"{what}; {_listed(missing)} did not come; {output_tail(seen)}")
        return
    if signal in expected:
        yield passed(rule, f"{what}; {signal} alone went to its own endpoint")
        yield passed("OTLP-CFG-052", f"{what}; {signal} went to its own endpoint")


def _sent(arrived: Arrived | Observation) -> set[Signal]:
    """Return the signals of which anything came, valid or not."""
    return {each.signal for each in arrived.requests if each.signal is not None}


def _has_nameless(*arrived: Arrived | Observation) -> bool:
    """Return whether a request came to a path of no signal."""
    return any(request.signal is None for each in arrived for request in each.requests)


def _listed(signals: set[Signal]) -> str:
    return ", ".join(sorted(signals)) or "nothing"


CASES.append(
    ExporterCase(
        id="endpoints/default_http",
        title="Without an endpoint, and with an empty one: http://localhost:4318",
        requirements=("OTLP-CFG-001", "OTLP-CFG-054", "OTLP-HTTP-040"),
        judge=partial(confirmed, _judge_default),
        protocols=HTTP_PROTOCOLS,
        runs=2,
        exclusive=DEFAULT_PORTS,
    )
)
CASES.append(
    ExporterCase(
        id="endpoints/default_grpc",
        title="Without an endpoint, and with an empty one: http://localhost:4317",
        requirements=("OTLP-CFG-002", "OTLP-CFG-054", "OTLP-GRPC-034"),
        judge=partial(confirmed, _judge_default),
        protocols=("grpc",),
        runs=2,
        exclusive=DEFAULT_PORTS,
    )
)
CASES.append(
    ExporterCase(
        id="endpoints/as_is",
        title="The URL of a signal: used as it is, with a slash at its end, without a path",
        requirements=tuple(rule for rule, _ in _FORMS),
        judge=_judge_as_is,
        protocols=HTTP_PROTOCOLS,
        runs=3,
    )
)
CASES.append(
    ExporterCase(
        id="endpoints/standard_port",
        title="A URL without a port: that of its scheme",
        requirements=("OTLP-CFG-012",),
        judge=partial(confirmed, _judge_standard_port),
        protocols=HTTP_PROTOCOLS,
        exclusive=(*DEFAULT_PORTS, "port 80"),
    )
)
