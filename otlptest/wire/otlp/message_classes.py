"""The generated classes of a signal's request, by their short names.

They depend on the installed `opentelemetry-proto`.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from otlptest.model import Signal
from otlptest.wire.otlp.signals import request_class


@cache
def message_classes(signal: Signal) -> Mapping[str, type[Message]]:
    """Return each class (`Span`, `AnyValue`, …) that a request of `signal` can contain.

    Raises:
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    found: dict[str, type[Message]] = {}
    to_visit: list[Any] = [request_class(signal).DESCRIPTOR]
    while to_visit:
        descriptor = to_visit.pop()
        if descriptor.name not in found:
            found[descriptor.name] = GetMessageClass(descriptor)
            to_visit += [field.message_type for field in descriptor.fields if field.message_type]
    return MappingProxyType(found)
