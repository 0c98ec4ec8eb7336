"""Compression by the environment: `gzip`, `none`, unset, and invalid values.

A client may leave short bodies uncompressed: no source says that each request is compressed. So the
lengths of compressed and uncompressed bodies are compared; if all bodies are short, an attribute
of the resource makes them longer. Only a run with another value, and another result, shows that a
variable is read.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import (
    find_log_line,
    format_env,
    global_env_var,
    judged_requests,
    lost_signals,
    signal_env_var,
    start_until_stable,
    whole_run,
)
from otlptest.model import Request
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_COMPRESSION: Final = global_env_var("COMPRESSION")
_UNKNOWN: Final = "brotli"
_MANGLED: Final = frozenset({"bad_compression", "unknown_encoding"})
_ENCODINGS: Final = frozenset({"gzip", "identity"})
_NONE: Final = frozenset({"identity"})
# Far above the length from which any known client compresses.
_LONG_BYTES: Final = 8192
_LENGTHENED: Final = {"OTEL_RESOURCE_ATTRIBUTES": f"otlptest.long={'x' * _LONG_BYTES}"}
_NEARLY: Final = 0.9  # of a length: two runs do not send exactly the same bytes
_UNREAD: Final = "nothing shows that the variable is read"


@CASES.add(
    "compression/values",
    "COMPRESSION: gzip, GZIP, none, unset, and an unknown word",
    (
        "OTLP-CFG-035",
        "OTLP-CFG-036",
        "OTLP-CFG-037",
        "OTLP-CFG-038",
        "OTLP-CFG-039",
    ),
    runs=4,
)
def _judge_values(lab: ExporterLab) -> Iterator[CheckResult]:
    gzip = start_until_stable(lab, {_COMPRESSION: "gzip"})
    capital = start_until_stable(lab, {_COMPRESSION: "GZIP"})
    none = start_until_stable(lab, {_COMPRESSION: "none"})
    unknown = start_until_stable(lab, {_COMPRESSION: _UNKNOWN})
    packed, plain = gzip(), none()
    compresses = _judged_gzip("OTLP-CFG-035", lab, packed, others=(plain, lab.baseline))
    yield compresses
    yield _plain("OTLP-CFG-036", lab, plain, others=(packed, lab.baseline), contrast=compresses)
    yield _default(lab)
    yield _in_capitals(lab, compresses, packed, capital(), others=(plain, lab.baseline))
    yield _unknown(lab, unknown())


# Compressed bodies and their lengths.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bodies:
    """The lengths of the bodies of a run before compression, in bytes.

    Attributes:
        packed: Those of gzip bodies.
        plain: Those of uncompressed bodies.
    """

    packed: tuple[int, ...]
    plain: tuple[int, ...]

    @property
    def least_packed(self) -> int:
        """The shortest length that was compressed; 0 if none was."""
        return min(self.packed, default=0)

    @property
    def longest_plain(self) -> int:
        """The longest length that was not; 0 if all were."""
        return max(self.plain, default=0)


def _bodies(lab: ExporterLab, seen: Observation) -> _Bodies:
    requests = _requests(lab, seen)
    return _Bodies(
        packed=tuple(_length(each) for each in requests if _encoding(each) == "gzip"),
        plain=tuple(_length(each) for each in requests if _encoding(each) == "identity"),
    )


def _requests(lab: ExporterLab, seen: Observation) -> list[Request]:
    return [each for each in seen.requests if each.signal is None or each.signal in lab.signals]


def _encoding(request: Request) -> str:
    """Return how a body was encoded: a gRPC call that says gzip may have plain messages."""
    if _is_mangled(request):
        return f"{request.encoding}, which it is not"
    is_unchanged = request.protocol == "grpc" and request.wire_size == request.size
    return "identity" if is_unchanged else request.encoding


def _is_mangled(request: Request) -> bool:
    """Return whether a request says that it is compressed, and is not so."""
    return request.problem is not None and request.problem.kind in _MANGLED


def _length(request: Request) -> int:
    if _encoding(request) == "identity":
        return request.wire_size
    packed = request.packed_json
    return request.size if packed is None else len(zlib.decompress(packed))


# The values.


def _judged_gzip(
    rule: str,
    lab: ExporterLab,
    seen: Observation,
    *,
    others: Sequence[Observation],
    variables: Sequence[str] = (_COMPRESSION,),
) -> CheckResult:
    """Judge whether the command compresses if the variables say so.

    A body that is not gzip breaks another rule: OTLP-GRPC-011, OTLP-HTTP-012.

    Args:
        rule: The requirement.
        lab: Runs the command.
        seen: The run whose variables ask for compression.
        others: Runs with other values or none: one of them must not compress.
        variables: The variables that ask for it.
    """
    what = format_env(seen, variables)
    mangled = [each for each in seen.requests if _is_mangled(each) and each.encoding == "gzip"]
    if mangled:
        reason = "the header says gzip and the body is not gzip, which another case judges"
        return inconclusive(rule, f"{what}; {reason}", exchanges=seen.describe(mangled))
    found = _are_of(rule, lab, seen, _ENCODINGS, variables)
    if found.outcome == "failed":
        return found
    bodies = _bodies(lab, seen)
    if not bodies.packed:
        return _judged_short(rule, lab, seen, variables)
    least = bodies.least_packed
    if bodies.longest_plain >= least:
        told_lengths = f"compressed are some of {least} bytes, and others that are as long are not"
        return failed(
            rule, f"{what}; expected the encoding gzip; {told_lengths}", exchanges=seen.describe()
        )
    if not any(_is_contrast(lab, other, least) for other in others):
        return inconclusive(
            rule, f"{what}; it compresses whatever it is told: {_UNREAD}", exchanges=seen.describe()
        )
    return passed(rule, f"{what}; {_told_lengths(bodies)}", exchanges=seen.describe())


def _told_lengths(bodies: _Bodies) -> str:
    if not bodies.plain:
        return f"{len(bodies.packed)} requests came as gzip"
    return (
        f"{len(bodies.packed)} requests of {bodies.least_packed} bytes and more came as gzip,"
        f" {len(bodies.plain)} of {bodies.longest_plain} bytes and less as they are, which a client"
        " may choose"
    )


def _is_contrast(lab: ExporterLab, other: Observation, least: int) -> bool:
    """Return whether bodies of that length come uncompressed in the other runs."""
    bodies = _bodies(lab, other)
    return not bodies.packed and bodies.longest_plain >= _NEARLY * least


def _judged_short(
    rule: str, lab: ExporterLab, seen: Observation, variables: Sequence[str]
) -> CheckResult:
    """Judge a run that compressed nothing by another one with long bodies."""
    what = format_env(seen, variables)
    if _bodies(lab, seen).longest_plain < _LONG_BYTES:
        changes = {name: seen.environment[name] for name in variables} | _LENGTHENED
        seen = start_until_stable(lab, changes)()
        bodies = _bodies(lab, seen)
        if bodies.packed:
            other = start_until_stable(lab, {**changes, **dict.fromkeys(variables, "none")})()
            if not _is_contrast(lab, other, bodies.least_packed):
                return inconclusive(rule, f"{what}; it compresses long bodies always: {_UNREAD}")
            return passed(rule, f"{what}, and long bodies; {_told_lengths(bodies)}")
        what += ", and long bodies"
        if bodies.longest_plain < _LONG_BYTES:
            reason = (
                f"only bodies of {bodies.longest_plain} bytes and less came, which a client may"
                " leave as they are"
            )
            return inconclusive(rule, f"{what}; {reason}", exchanges=seen.describe())
    return failed(rule, f"{what}; nothing was compressed", exchanges=seen.describe())


def _are_of(
    rule: str,
    lab: ExporterLab,
    seen: Observation,
    encodings: frozenset[str],
    variables: Iterable[str],
) -> CheckResult:
    """Judge whether each signal came, and all in these encodings."""
    return judged_requests(
        rule,
        lab,
        seen,
        lambda request: _encoding(request) in encodings,
        expected=f"the encoding {min(encodings)}",  # gzip, where it may be either
        variables=variables,
        received=lambda request: f"the encoding {_encoding(request)}",
    )


def _plain(
    rule: str,
    lab: ExporterLab,
    seen: Observation,
    *,
    others: Iterable[Observation],
    contrast: CheckResult,
    variables: Iterable[str] = (_COMPRESSION,),
) -> CheckResult:
    """Judge whether bodies are plain if the variables say so, and another run compresses them."""
    found = _are_of(rule, lab, seen, _NONE, variables)
    is_seen = contrast.outcome == "passed" or any(_bodies(lab, each).packed for each in others)
    if found.outcome != "passed" or is_seen:
        return found
    reason = f"nothing is compressed where it is told to, either: {_UNREAD}"
    return inconclusive(rule, f"{reason}. {found.evidence}")


def _default(lab: ExporterLab) -> CheckResult:
    """Report the default; each one is allowed."""
    encodings = sorted({each.encoding for each in lab.baseline.requests})
    return passed("OTLP-CFG-037", f"{_COMPRESSION} unset; received {', '.join(encodings)}")


def _in_capitals(
    lab: ExporterLab,
    compresses: CheckResult,
    gzip: Observation,
    capital: Observation,
    *,
    others: Sequence[Observation],
) -> CheckResult:
    rule, what = "OTLP-CFG-039", format_env(capital, [_COMPRESSION])
    if compresses.outcome != "passed":
        reason = compresses.evidence.partition("\n")[0]
        return inconclusive(rule, f"what the value does in small letters was not seen: {reason}")
    mangled = [each for each in capital.requests if _is_mangled(each)]
    if mangled:
        told_wrong = f"the header says {mangled[0].encoding} and the body is not"
        return failed(rule, f"{what}; {told_wrong}", exchanges=capital.describe(mangled))
    bodies = _bodies(lab, capital)
    if not bodies.packed and bodies.longest_plain >= _bodies(lab, gzip).least_packed > 0:
        reason = "nothing was compressed, and with gzip it is"
        return failed(rule, f"{what}; {reason}", exchanges=capital.describe())
    return _judged_gzip(rule, lab, capital, others=others)


def _unknown(lab: ExporterLab, seen: Observation) -> CheckResult:
    """Judge that it goes on and ignores the value; a missing warning cannot be seen.

    An SDK's log may go nowhere unless the program sends it somewhere.
    """
    rule, what = "OTLP-CFG-038", format_env(seen, [_COMPRESSION])
    if lost_signals(lab, seen):
        return failed(rule, f"{what}; {whole_run(seen)}")
    claimed = [each for each in seen.requests if each.encoding not in _ENCODINGS]
    if claimed:
        return failed(rule, f"{what}; the value was not ignored", exchanges=seen.describe(claimed))
    warning = find_log_line(lab, seen, (_UNKNOWN, _COMPRESSION))
    if warning:
        return passed(rule, f"{what}; it went on, and said: {warning}")
    return inconclusive(rule, f"{what}; it went on; no warning was printed, nor need be to output")


# One signal's compression against the general one.


@CASES.add(
    "compression/own",
    "COMPRESSION of a signal beats the general one",
    ("OTLP-CFG-052",),
    runs=2,
)
def _judge_own(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge both ways round: the variable of a signal takes precedence over the general one."""
    names = tuple(signal_env_var(signal, "COMPRESSION") for signal in lab.signals)
    variables = (_COMPRESSION, *names)
    runs = (
        start_until_stable(lab, {_COMPRESSION: "none", **dict.fromkeys(names, "gzip")}),
        start_until_stable(lab, {_COMPRESSION: "gzip", **dict.fromkeys(names, "none")}),
    )
    on, off = (run() for run in runs)
    rule = "OTLP-CFG-052"
    packs = _judged_gzip(rule, lab, on, others=(off, lab.baseline), variables=variables)
    plain = _plain(rule, lab, off, others=(on, lab.baseline), contrast=packs, variables=variables)
    yield _unless_alone(lab, packs, {_COMPRESSION: "gzip"})
    yield _unless_alone(lab, plain, {_COMPRESSION: "none"})


def _unless_alone(lab: ExporterLab, found: CheckResult, alone: Mapping[str, str]) -> CheckResult:
    """Return what is found, unless the word does the same in the general variable alone."""
    if found.outcome != "failed":
        return found
    word = alone[_COMPRESSION]
    seen = start_until_stable(lab, alone)()
    if word == "gzip":
        other = start_until_stable(lab, {_COMPRESSION: "none"})()
        without = _judged_gzip(found.rule, lab, seen, others=(other, lab.baseline))
    else:
        without = _are_of(found.rule, lab, seen, _NONE, (_COMPRESSION,))
    if without.outcome == "passed":
        return found
    reason = f"it does otherwise with {_COMPRESSION}={word} alone too"
    return inconclusive(found.rule, f"{reason}: {without.evidence}\n{found.evidence}")
