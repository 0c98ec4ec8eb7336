"""Which versions of the real parts are exercised: locked, documented, and told on the wire.

The versions are properties of the test suite in a JUnit report (`--junit-xml`).
"""

import json
import re
from collections.abc import Callable
from importlib.metadata import version

import pytest

from otlptest import FakeCollector
from tests.integration.scenario.runs import VARIANTS, run_scenario
from tests.integration.scenario.sdks import SDKS
from tests.peers import installation


def of_go_module(peer: str, module: str) -> str:
    text = (installation.PEERS[peer].sources / "go.mod").read_text("utf-8")
    found = re.search(rf"^\t{re.escape(module)} v([0-9.]+)", text, re.MULTILINE)
    assert found is not None
    return found[1]


def of_node_package(name: str) -> str:
    text = (installation.PEERS["node"].sources / "package-lock.json").read_text("utf-8")
    locked: str = json.loads(text)["packages"][f"node_modules/{name}"]["version"]
    return locked


def of_crate(name: str) -> str:
    text = (installation.PEERS["rust"].sources / "Cargo.lock").read_text("utf-8")
    found = re.search(rf'name = "{name}"\nversion = "(.+)"', text)
    assert found is not None
    return found[1]


def of_agent() -> str:
    text = (installation.PEERS["java"].sources / "pom.xml").read_text("utf-8")
    found = re.search(r"<agent.version>(.+)</agent.version>", text)
    assert found is not None
    return found[1]


_CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib"
LOCKED: dict[str, Callable[[], str]] = {
    "go": lambda: of_go_module("go", "go.opentelemetry.io/otel/sdk"),
    "node": lambda: of_node_package("@opentelemetry/sdk-metrics"),
    "java": of_agent,
    "rust": lambda: of_crate("opentelemetry_sdk"),
    "telemetrygen": lambda: of_go_module("telemetrygen", f"{_CONTRIB}/cmd/telemetrygen"),
    "h2spec": lambda: of_go_module("h2spec", "github.com/summerwind/h2spec"),
    "otelcol": lambda: of_go_module("otelcol", "go.opentelemetry.io/collector/cmd/builder"),
}
# Where the version stands in what an SDK sends. The agent is newer than the SDK inside it.
TOLD_AS = {"java": "telemetry.distro.version"}


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in installation.PEERS])
def test_documented_version_of_a_peer_is_the_locked_one(name: str) -> None:
    text = (installation.HERE / "README.md").read_text("utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(f"| `{name}` |")]
    assert [row[2] for row in rows] == [LOCKED[name]()]
    assert rows[0][3] == f"{', '.join(installation.PEERS[name].tools)} |"


def test_collector_is_built_from_components_of_its_own_version() -> None:
    text = (installation.PEERS["otelcol"].sources / "builder.yaml").read_text("utf-8")
    assert set(re.findall(r"v?(\d+\.\d+\.\d+)", text)) == {LOCKED["otelcol"]()}


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("python", id="python"),
        pytest.param("go", id="go", marks=pytest.mark.needs_go),
        pytest.param("node", id="node", marks=pytest.mark.needs_node),
        pytest.param("java", id="java", marks=pytest.mark.needs_java),
    ],
)
def test_an_sdk_tells_the_version_that_is_locked(
    name: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    locked = LOCKED[name]() if name in LOCKED else version("opentelemetry-sdk")
    with FakeCollector() as otlp:
        run = run_scenario(otlp, SDKS[name], "http/protobuf", next(iter(VARIANTS.values())))
    key = TOLD_AS.get(name, "telemetry.sdk.version")
    assert {span.resource[key] for span in run.spans} == {locked}
    record_testsuite_property(f"sdk.{name}", locked)
