"""The settings of users, and their precedence.

The marker of a test wins over the command line, that over the ini file, that over the environment.
Only `allow` adds up: a rule that any of them allows is allowed.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:  # reading values is imported only where there are some
    from otlptest.pytest_plugin.setting_values import Settings

_HELP: Final = {
    "strict": "fail a test on every broken data rule of OTLP, not only on those that always do",
    "allow": "rules whose findings are meant, in every test",
    "stop_timeout_s": "seconds that a program under test has to flush and end, then it is killed",
    "sdk_protocol": "how the exporters of otlp_sdk send: http/protobuf or grpc",
    "sdk_service": "the service.name of otlp_sdk",
}
_INI_TYPES: Final = {"strict": "bool", "allow": "args"}
_OPTIONS: Final = {
    "strict": {"action": "store_true"},
    "allow": {"action": "append", "metavar": "RULE"},
    "stop_timeout_s": {"action": "store", "metavar": "SECONDS"},
}


def add_options(parser: pytest.Parser) -> None:
    """Register the options `--otlp-…` and the ini keys `otlp_…`."""
    group = parser.getgroup("otlptest", "otlptest")
    for name, text in _HELP.items():
        kind: Any = _INI_TYPES.get(name, "string")
        parser.addini(f"otlp_{name}", text, type=kind, default=None)
        if name in _OPTIONS:
            group.addoption(
                _option(name), dest=f"otlp_{name}", default=None, help=text, **_OPTIONS[name]
            )


def check_configuration(config: pytest.Config) -> None:
    """Read everything but markers once, to report a mistake before the first test.

    Raises:
        pytest.UsageError: A setting is invalid.
    """
    try:
        written = [(name, *one) for name in _HELP for one in _configured(config, name)]
    except (TypeError, ValueError) as error:  # pytest converts some types itself
        raise pytest.UsageError(f"a setting otlp_… in the configuration file: {error}") from error
    if written:
        from otlptest.errors import UsageError  # noqa: PLC0415 -- only where there is a setting
        from otlptest.pytest_plugin.setting_values import read  # noqa: PLC0415 -- the same

        try:
            for name, value, place in written:
                read(name, value, place)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error


def settings_of(item: pytest.Item) -> "Settings":
    """Return the settings of one test.

    Raises:
        UsageError: The marker `otlp` is invalid.
    """
    __tracebackhide__ = True
    from otlptest.pytest_plugin.setting_values import Settings, read  # noqa: PLC0415 -- see above

    found: dict[str, list[Any]] = {name: [] for name in _HELP}
    for name, value, place in _marked(item):
        found[name].append(read(name, value, place))
    for name, values in found.items():
        values.extend(read(name, *one) for one in _configured(item.config, name))
    chosen = {name: values[0] for name, values in found.items() if values}
    chosen["allow"] = tuple(rule for rules in found["allow"] for rule in rules)
    return Settings(**chosen)


def _marked(item: pytest.Item) -> Iterator[tuple[str, object, str]]:
    """Yield name, value and place of each argument of a test's markers, the closest first.

    Raises:
        UsageError: A marker has an argument without a name.
        UnknownNameError: A marker has an argument that does not exist.
    """
    __tracebackhide__ = True
    from otlptest.errors import UnknownNameError, UsageError  # noqa: PLC0415 -- see above

    for marker in item.iter_markers("otlp"):
        if marker.args:
            raise UsageError(
                f"the marker otlp takes names with values, and has {marker.args[0]!r}",
                "write otlp(allow=[…]) or otlp(strict=True)",
            )
        for name, value in marker.kwargs.items():
            if name not in _HELP:
                raise UnknownNameError("argument of the marker otlp", name, tuple(_HELP))
            yield name, value, f"{name} in the marker otlp"


def _configured(config: pytest.Config, name: str) -> Iterator[tuple[object, str]]:
    """Yield value and place of one setting wherever it is set outside markers, strongest first."""
    given = config.getoption(f"otlp_{name}", None)
    if given is not None:
        yield given, _option(name)
    written = config.getini(f"otlp_{name}")
    if written is not None:
        yield written, f"otlp_{name} in the configuration file"
    variable = f"OTLPTEST_{name.upper()}"
    if variable in os.environ:
        yield os.environ[variable], f"the environment variable {variable}"


def _option(name: str) -> str:
    return "--otlp-" + name.replace("_", "-")
