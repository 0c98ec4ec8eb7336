"""Profiles (profiles.proto, Development), with the indexes into the dictionary resolved."""

from dataclasses import dataclass, field

from otlptest.model.attributes import Attributes, Resource, Scope
from otlptest.model.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """profiles.proto `ValueType`: the measured thing and its unit."""

    type: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One line of one location of a stack; `line` and `column` are 0 where unknown."""

    function: str = ""
    system_name: str = ""
    filename: str = ""
    line: int = 0
    column: int = 0
    address: int = 0
    mapping: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """profiles.proto `Sample`; `stack` lists the leaf first."""

    stack: tuple[Frame, ...] = ()
    values: tuple[int, ...] = ()
    timestamps_unix_nano: tuple[int, ...] = ()
    attributes: Attributes = field(default_factory=Attributes)
    trace_id: str | None = None
    span_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile as received."""

    profile_id: str | None = None
    sample_type: ValueType = field(default_factory=ValueType)
    samples: tuple[Sample, ...] = ()
    time_unix_nano: int = 0
    duration_nano: int = 0
    period_type: ValueType = field(default_factory=ValueType)
    period: int = 0
    attributes: Attributes = field(default_factory=Attributes)
    dropped_attributes_count: int = 0
    original_payload_format: str = ""
    original_payload: bytes = b""
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    exporter: str | None = field(default=None, compare=False)
    request: Request | None = field(default=None, compare=False, repr=False)

    @property
    def service(self) -> str | None:
        """Return `service.name` of the resource."""
        return self.resource.service

    def __hash__(self) -> int:
        return hash((self.profile_id, self.time_unix_nano))
