"""What is compressed, told by lengths and by a run that is told otherwise."""

import pytest

from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.observation import Observation
from otlptest.model import Protocol, Request
from otlptest.results import CheckResult
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted

VARIABLE = "OTEL_EXPORTER_OTLP_COMPRESSION"


def request(length: int, *, encoding: str, protocol: Protocol = "http/protobuf") -> Request:
    """A request whose body has that length before it is compressed."""
    made = accepted("traces", trace_request())
    made.signal, made.protocol, made.encoding = "traces", protocol, encoding
    made.body = bytes(length)
    made.wire_size = length // 2 if encoding == "gzip" else length
    return made


def run(value: str, *, packed: tuple[int, ...] = (), plain: tuple[int, ...] = ()) -> Observation:
    requests = [request(each, encoding="gzip") for each in packed]
    requests += [request(each, encoding="identity") for each in plain]
    return observed(requests, environment={VARIABLE: value, "OTEL_RESOURCE_ATTRIBUTES": "a=b"})


def found(gzip: Observation, *more: Observation) -> CheckResult:
    """What is found of CFG-035; the runs are gzip, GZIP, none and brotli, then what follows."""
    none = run("none", plain=(300, 2000))
    baseline = observed([request(300, encoding="identity"), request(2000, encoding="identity")])
    (case,) = find_cases(exporter_cases.CASES, ["compression/values"])
    lab = RecordedLab(baseline, gzip, gzip, none, none, *more, signals=("traces",))
    return judged(case, lab)["OTLP-CFG-035"]


@pytest.mark.parametrize(
    ("gzip", "more", "expected"),
    [
        pytest.param(run("gzip", packed=(300, 2000)), (), "passed", id="all"),
        pytest.param(run("gzip", packed=(2000,), plain=(300,)), (), "passed", id="long ones alone"),
        pytest.param(
            run("gzip", packed=(300,), plain=(2000,)), (), "failed", id="and longer ones not"
        ),
        pytest.param(
            run("gzip", plain=(300,)),
            [run("gzip", plain=(300,))],
            "inconclusive",
            id="none, and only short ones came",
        ),
        pytest.param(
            run("gzip", plain=(300,)),
            [run("gzip", plain=(9000,))],
            "failed",
            id="none, however long it is",
        ),
        pytest.param(
            run("gzip", plain=(300,)),
            [run("gzip", packed=(9000,)), run("none", plain=(9000,))],
            "passed",
            id="once it is long",
        ),
        pytest.param(
            run("gzip", plain=(300,)),
            [run("gzip", packed=(9000,)), run("none", packed=(9000,))],
            "inconclusive",
            id="once it is long, whatever it is told",
        ),
        pytest.param(run("gzip", plain=(9000,)), (), "failed", id="none, and all are long"),
    ],
)
def test_what_is_told_to_compress(
    gzip: Observation, more: tuple[Observation, ...], expected: str
) -> None:
    assert found(gzip, *more).outcome == expected


def test_lengths_are_told() -> None:
    said = found(run("gzip", packed=(2000, 3000), plain=(300,))).evidence.partition("\n")[0]
    assert said == (
        f"{VARIABLE}=gzip; 2 requests of 2000 bytes and more came as gzip, 1 of 300 bytes and less"
        " as they are, which a client may choose"
    )
    short = run("gzip", plain=(300,))
    assert found(short, short).evidence.partition("\n")[0] == (
        f"{VARIABLE}=gzip, and long bodies; only bodies of 300 bytes and less came, which a client"
        " may leave as they are"
    )


def test_one_that_always_compresses_shows_nothing_of_the_variable() -> None:
    always = run("none", packed=(300, 2000))
    baseline = observed([request(2000, encoding="gzip")])
    (case,) = find_cases(exporter_cases.CASES, ["compression/values"])
    lab = RecordedLab(baseline, always, signals=("traces",))
    outcomes = {rule[5:]: each.outcome for rule, each in judged(case, lab).items()}
    assert outcomes["CFG-035"] == outcomes["CFG-039"] == "inconclusive"
    assert outcomes["CFG-036"] == "failed"


def test_calls_that_say_gzip_and_compress_no_message_do_not_compress() -> None:
    made = request(9000, encoding="gzip", protocol="grpc")
    made.wire_size = made.size
    gzip = observed([made], environment={VARIABLE: "gzip"})
    assert found(gzip).outcome == "failed"
