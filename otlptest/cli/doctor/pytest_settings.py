"""A pytest plugin with one hook: prints the otlptest settings of a project, then ends pytest.

Loaded only by `otlptest doctor` (`-p otlptest.cli.doctor.pytest_settings`), in a pytest of its own.
"""

import json
import os
from typing import Any, Final

MARK: Final = "otlptest settings: "
SETTINGS: Final = ("strict", "allow", "stop_timeout_s", "sdk_protocol", "sdk_service")
"""The names that can be set as `--otlp-…`, `otlp_…` in the ini file and `OTLPTEST_…`."""


def pytest_cmdline_main(config: Any) -> int:  # noqa: ANN401 -- pytest's Config; not imported here
    """Print which settings are set where, strongest first, and end before collection."""
    file = config.inipath.name if config.inipath else "the ini file"
    places = {name: _places(config, name, file) for name in SETTINGS}
    print("\n" + MARK + json.dumps({"file": str(config.inipath or ""), "places": places}))
    return 0


def _places(config: Any, name: str, file: str) -> list[tuple[str, str]]:  # noqa: ANN401 -- as above
    """Return the places that set one setting, and the values; the first place wins."""
    variable = f"OTLPTEST_{name.upper()}"
    found = (
        ("--otlp-" + name.replace("_", "-"), config.getoption(f"otlp_{name}", None)),
        (f"otlp_{name} in {file}", config.getini(f"otlp_{name}")),
        (variable, os.environ.get(variable)),
    )
    return [(place, _shown(value)) for place, value in found if value is not None]


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
