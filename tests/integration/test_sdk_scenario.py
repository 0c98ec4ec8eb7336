"""One scenario, every SDK, every protocol: what arrives is what `expected.py` says, whole."""

from collections.abc import Iterator
from copy import deepcopy

import pytest

from otlptest import FakeCollector
from tests.integration.scenario.differences import DIFFERENCES, Difference, differing
from tests.integration.scenario.expected import expected
from tests.integration.scenario.normalised import normalised
from tests.integration.scenario.runs import VARIANTS, run_scenario
from tests.integration.scenario.sdks import SDKS, Sdk
from tests.peers import installation


def runs() -> Iterator[object]:
    for sdk in SDKS.values():
        marks = [getattr(pytest.mark, f"needs_{sdk.name}")] if is_peer(sdk) else []
        for protocol in sdk.protocols:
            for variant in VARIANTS:
                name = f"{sdk.name}, {protocol}, {variant}"
                yield pytest.param(sdk, protocol, variant, id=name, marks=marks)


def is_peer(sdk: Sdk) -> bool:
    return sdk.name in installation.PEERS


@pytest.mark.timeout(90)
@pytest.mark.parametrize(("sdk", "protocol", "variant"), [*runs()])
def test_all_that_an_sdk_sends_arrives_as_it_was_sent(
    sdk: Sdk, protocol: str, variant: str
) -> None:
    is_delta = variant.startswith("delta")
    with FakeCollector() as otlp:
        run = run_scenario(otlp, sdk, protocol, VARIANTS[variant])
        requests = otlp.requests.all()
        findings = otlp.findings()
    assert normalised(run) == differing(
        expected(is_delta=is_delta, is_exponential=is_delta), sdk.name
    )
    assert {request.protocol for request in requests} == {protocol}
    assert {request.signal for request in requests} == {"traces", "metrics", "logs"}
    assert [str(each) for each in findings if each.rule not in sdk.known_findings] == []


def secured() -> Iterator[object]:
    for sdk in SDKS.values():
        marks = [getattr(pytest.mark, f"needs_{sdk.name}")] if is_peer(sdk) else []
        for protocol in sdk.protocols:
            yield pytest.param(sdk, protocol, id=f"{sdk.name}, {protocol}", marks=marks)


@pytest.mark.timeout(90)
@pytest.mark.parametrize(("sdk", "protocol"), [*secured()])
def test_all_arrives_compressed_and_under_mutual_tls(sdk: Sdk, protocol: str) -> None:
    variant = next(iter(VARIANTS.values()))
    with FakeCollector(tls=True, needs_client_certificate=True) as otlp:
        compressed = {**variant, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
        run = run_scenario(otlp, sdk, protocol, compressed)
        requests = otlp.requests.all()
    assert normalised(run) == differing(expected(is_delta=False, is_exponential=False), sdk.name)
    assert {request.encoding for request in requests} == {"gzip"}
    assert {request.connection.is_tls for request in requests} == {True}


def difference_cases() -> Iterator[object]:
    for number, difference in enumerate(DIFFERENCES):
        for sdk in difference.sdks:
            yield pytest.param(sdk, difference, id=f"{sdk} {number}: {difference.reason}")


@pytest.mark.parametrize(("sdk", "difference"), [*difference_cases()])
def test_every_difference_changes_what_is_expected(sdk: str, difference: Difference) -> None:
    plain = expected(is_delta=False, is_exponential=False)
    changed = deepcopy(plain)
    difference.change(changed)
    assert changed != plain
    assert sdk in SDKS
