"""Compression as the environment has it: `gzip`, `none`, nothing, and what is no compression."""

from collections.abc import Iterable, Iterator
from typing import Final

from otlptest.conformance.cases import ExporterCase
from otlptest.conformance.exporter_cases.readings import (
    general,
    judged_requests,
    lost_signals,
    mention,
    own,
    steady,
    told,
    whole_run,
)
from otlptest.conformance.exporter_lab import ExporterLab
from otlptest.conformance.observations import Observation
from otlptest.conformance.verdicts import Judged, broken, held, not_observed
from otlptest.model import Request

__all__ = ["CASES"]

_COMPRESSION: Final = general("COMPRESSION")
_UNKNOWN: Final = "brotli"
_MANGLED: Final = frozenset({"bad_compression", "unknown_encoding"})


def _judge_values(lab: ExporterLab) -> Iterator[Judged]:
    gzip = steady(lab, {_COMPRESSION: "gzip"})
    capital = steady(lab, {_COMPRESSION: "GZIP"})
    none = steady(lab, {_COMPRESSION: "none"})
    unknown = steady(lab, {_COMPRESSION: _UNKNOWN})
    compressed = gzip()
    yield _compresses(lab, compressed)
    yield _is_encoded("OTLP-CFG-036", lab, none(), "identity")
    yield _default(lab)
    yield _in_capitals(lab, compressed, capital())
    yield _unknown(lab, unknown())


def _is_encoded(
    rule: str,
    lab: ExporterLab,
    seen: Observation,
    encoding: str,
    variables: Iterable[str] = (_COMPRESSION,),
) -> Judged:
    return judged_requests(
        rule,
        lab,
        seen,
        lambda request: _encoding(request) == encoding and not _is_mangled(request),
        expected=f"the encoding {encoding}",
        variables=variables,
    )


def _is_mangled(request: Request) -> bool:
    """Whether a request says that it is compressed, and is not so."""
    return request.problem is not None and request.problem.kind in _MANGLED


def _encoding(request: Request) -> str:
    """What the request says that it is: a gRPC message may stay as it is where it is small."""
    name = "grpc-encoding" if request.protocol == "grpc" else "content-encoding"
    return request.headers.get(name, "").strip().lower() or "identity"


def _compresses(lab: ExporterLab, gzip: Observation) -> Judged:
    """A stream that is none breaks another rule: OTLP-GRPC-011, OTLP-HTTP-012."""
    rule = "OTLP-CFG-035"
    mangled = [each for each in gzip.requests if _is_mangled(each)]
    if mangled and _encodings(gzip) == {"gzip"}:
        reason = "it says gzip and is none, which another case judges"
        return not_observed(rule, f"{_COMPRESSION}=gzip; {reason}\n{gzip.describe(mangled)}")
    return _is_encoded(rule, lab, gzip, "gzip")


def _default(lab: ExporterLab) -> Judged:
    """Any is right; it is told."""
    encodings = sorted(_encodings(lab.baseline))
    return held("OTLP-CFG-037", f"{_COMPRESSION} unset; received {', '.join(encodings)}")


def _in_capitals(lab: ExporterLab, gzip: Observation, capital: Observation) -> Judged:
    rule = "OTLP-CFG-039"
    if _encodings(gzip) != {"gzip"} or any(map(_is_mangled, gzip.requests)):
        return not_observed(rule, f"{_COMPRESSION}=gzip does not compress either")
    return _is_encoded(rule, lab, capital, "gzip")


def _unknown(lab: ExporterLab, seen: Observation) -> Judged:
    """It must go on, ignore the value and say so; that it says nothing cannot be seen.

    An SDK's log may go nowhere unless the program sends it somewhere.
    """
    rule, what = "OTLP-CFG-038", told(seen, [_COMPRESSION])
    if lost_signals(lab, seen):
        return broken(rule, f"{what}; {whole_run(seen)}")
    claimed = [each for each in seen.requests if _encoding(each) not in {"identity", "gzip"}]
    if claimed:
        return broken(rule, f"{what}; the value was not ignored\n{seen.describe(claimed)}")
    warning = mention(lab, seen, (_UNKNOWN, _COMPRESSION))
    if warning:
        return held(rule, f"{what}; it went on, and said: {warning}")
    return not_observed(rule, f"{what}; it went on; no warning was printed, nor need be to output")


def _judge_own(lab: ExporterLab) -> Iterator[Judged]:
    """Each way round: what a signal is told counts, not what all are."""
    names = tuple(own(signal, "COMPRESSION") for signal in lab.signals)
    runs = (
        steady(lab, {_COMPRESSION: "none", **dict.fromkeys(names, "gzip")}),
        steady(lab, {_COMPRESSION: "gzip", **dict.fromkeys(names, "none")}),
    )
    on, off = (run() for run in runs)
    found = [
        _judged_own(lab, on, names, "gzip", "gzip"),
        _judged_own(lab, off, names, "none", "identity"),
    ]
    if _encodings(on) == _encodings(off):
        # One that does always the same is right in one of the two by chance.
        found = [each for each in found if each.outcome != "held"]
    yield from found


def _encodings(seen: Observation) -> set[str]:
    return {_encoding(each) for each in seen.requests}


def _judged_own(
    lab: ExporterLab, seen: Observation, names: Iterable[str], word: str, encoding: str
) -> Judged:
    """One that does otherwise by a word, whoever is told it, breaks another rule."""
    rule, variables = "OTLP-CFG-052", [_COMPRESSION, *names]
    found = _is_encoded(rule, lab, seen, encoding, variables)
    if found.outcome != "broken":
        return found
    without = _is_encoded(rule, lab, steady(lab, {_COMPRESSION: word})(), encoding)
    if without.outcome == "held":
        return found
    reason = f"it does otherwise with {_COMPRESSION}={word} alone too"
    return not_observed(rule, f"{reason}: {without.evidence}\n{found.evidence}")


CASES: Final = (
    ExporterCase(
        id="compression/values",
        title="COMPRESSION: gzip, GZIP, none, unset, and a word that is none",
        requirements=(
            "OTLP-CFG-035",
            "OTLP-CFG-036",
            "OTLP-CFG-037",
            "OTLP-CFG-038",
            "OTLP-CFG-039",
        ),
        judge=_judge_values,
        runs=4,
    ),
    ExporterCase(
        id="compression/own",
        title="COMPRESSION of a signal beats the general one",
        requirements=("OTLP-CFG-052",),
        judge=_judge_own,
        runs=2,
    ),
)
