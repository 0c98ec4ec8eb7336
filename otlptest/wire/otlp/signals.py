"""The names of each signal on the wire: paths, message classes, JSON key.

The generated classes come from the installed `opentelemetry-proto`. Profiles are in Development;
old versions do not have them, or in another shape: using them raises an error then.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from types import MappingProxyType
from typing import Any, Final, cast

from google.protobuf.message import Message

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import SIGNALS, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalNames:
    """The paths and names of one signal.

    Sources: SPEC "OTLP/HTTP Request" (paths), the `*_service.proto` files (methods, messages).

    Attributes:
        http_path: `/v1/traces`.
        grpc_path: The full method, `/opentelemetry.proto.collector.trace.v1.TraceService/Export`.
        module: The generated module that has the service's messages.
        request: Name of the request class.
        response: Name of the response class.
        field: The only top-level list of a request: `resource_spans`.
        json_key: The same in JSON: `resourceSpans`.
        scope_field: The list of scopes in each entry: `scope_spans`.
        item_field: The list of items in each scope: `spans`.
        rejected_field: The count in a partial success: `rejected_spans`.
    """

    signal: Signal
    http_path: str
    grpc_path: str
    module: str
    request: str
    response: str
    field: str
    json_key: str
    scope_field: str
    item_field: str
    rejected_field: str


def lower_camel(name: str) -> str:
    """Return the JSON name of a field: `rejectedLogRecords` for `rejected_log_records`."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _names(signal: Signal, package: str, service: str, one: str, many: str) -> SignalNames:
    """Return all names of a signal, derived from a few: `traces`, `trace.v1`, `Trace`, ..."""
    module = package.split(".", maxsplit=1)[0]
    return SignalNames(
        signal=signal,
        http_path="/v1development/profiles" if signal == "profiles" else f"/v1/{signal}",
        grpc_path=f"/opentelemetry.proto.collector.{package}.{service}Service/Export",
        module=f"opentelemetry.proto.collector.{package}.{module}_service_pb2",
        request=f"Export{service}ServiceRequest",
        response=f"Export{service}ServiceResponse",
        field=f"resource_{one}",
        json_key=f"resource{one.capitalize()}",
        scope_field=f"scope_{one}",
        item_field=many,
        rejected_field=f"rejected_{'data_points' if signal == 'metrics' else many}",
    )


SIGNAL_NAMES: Final[Mapping[Signal, SignalNames]] = MappingProxyType(
    {
        "traces": _names("traces", "trace.v1", "Trace", "spans", "spans"),
        "metrics": _names("metrics", "metrics.v1", "Metrics", "metrics", "metrics"),
        "logs": _names("logs", "logs.v1", "Logs", "logs", "log_records"),
        "profiles": _names(
            "profiles", "profiles.v1development", "Profiles", "profiles", "profiles"
        ),
    }
)

SIGNAL_BY_HTTP_PATH: Final[Mapping[str, Signal]] = MappingProxyType(
    {names.http_path: signal for signal, names in SIGNAL_NAMES.items()}
)
SIGNAL_BY_GRPC_PATH: Final[Mapping[str, Signal]] = MappingProxyType(
    {names.grpc_path: signal for signal, names in SIGNAL_NAMES.items()}
)
SIGNAL_BY_JSON_KEY: Final[Mapping[str, Signal]] = MappingProxyType(
    {names.json_key: signal for signal, names in SIGNAL_NAMES.items()}
)


def signal_names(signal: str) -> SignalNames:
    """Return the names of `signal`.

    Raises:
        UnknownNameError: OTLP does not have the signal.
    """
    if signal not in SIGNALS:
        raise UnknownNameError("signal", signal, SIGNALS)
    return SIGNAL_NAMES[signal]


@cache
def request_class(signal: Signal) -> type[Message]:
    """Return the generated class of the signal's `Export…ServiceRequest`.

    Raises:
        UsageError: The installed `opentelemetry-proto` does not have this signal.
    """
    return _generated(signal, SIGNAL_NAMES[signal].request)


@cache
def response_class(signal: Signal) -> type[Message]:
    """Return the generated class of the signal's `Export…ServiceResponse`.

    Raises:
        UsageError: The installed `opentelemetry-proto` does not have this signal.
    """
    return _generated(signal, SIGNAL_NAMES[signal].response)


def has_profiles() -> bool:
    """Return whether the installed `opentelemetry-proto` has profiles in the expected shape."""
    try:
        _checked_profiles()
    except UsageError:
        return False
    return True


def _generated(signal: Signal, name: str) -> type[Message]:
    module = (
        _checked_profiles()
        if signal == "profiles"
        else importlib.import_module(SIGNAL_NAMES[signal].module)
    )
    return cast("type[Message]", getattr(module, name))


def _checked_profiles() -> Any:  # noqa: ANN401 -- a generated module
    """Import the profiles service; refuse shapes from before the shared dictionary of stacks.

    Raises:
        UsageError: The installed `opentelemetry-proto` has no profiles, or in another shape.
    """
    try:
        module = importlib.import_module(SIGNAL_NAMES["profiles"].module)
    except ImportError as missing:
        raise UsageError(*_no_profiles()) from missing
    fields = module.ExportProfilesServiceRequest.DESCRIPTOR.fields_by_name
    dictionary = fields.get("dictionary")
    if dictionary is None or "stack_table" not in dictionary.message_type.fields_by_name:
        raise UsageError(*_no_profiles())
    return module


def _no_profiles() -> tuple[str, str]:
    version = metadata.version("opentelemetry-proto")
    return (
        f"profiles cannot be read: opentelemetry-proto {version} does not have them as of OTLP 1.8",
        "install a newer opentelemetry-proto, or leave profiles out",
    )


def is_message(value: object) -> bool:
    """Return whether `value` is a generated protobuf message."""
    return isinstance(value, Message)


def signal_of_message(message: Message) -> Signal | None:
    """Return the signal of a request message or its `…Data` twin; None if it is neither."""
    name: Any = message.DESCRIPTOR.full_name
    return _SIGNAL_BY_MESSAGE.get(name)


_SIGNAL_BY_MESSAGE: Final[Mapping[str, Signal]] = MappingProxyType(
    {
        name: signal
        for signal, names in SIGNAL_NAMES.items()
        for package in [names.module.rpartition(".")[0]]
        for name in (
            f"{package}.{names.request}",
            f"{package.replace('.collector', '')}.{signal.capitalize()}Data",
        )
    }
)
