"""Log records and events (logs.proto)."""

from dataclasses import dataclass, field

from otlptest.model.attributes import Attributes, AttributeValue, Resource, Scope
from otlptest.model.enums import Severity
from otlptest.model.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One log record as received; an event is one with an `event_name`.

    Attributes:
        trace_id: Lower-case hex; None outside a span.
        span_id: Lower-case hex; None outside a span.
        body: A Python value of any AnyValue kind; None where absent or empty.
    """

    time_unix_nano: int = 0
    observed_time_unix_nano: int = 0
    severity_number: Severity | int = Severity.UNSPECIFIED
    severity_text: str = ""
    body: AttributeValue = None
    attributes: Attributes = field(default_factory=Attributes)
    dropped_attributes_count: int = 0
    flags: int = 0
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str = ""
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    exporter: str | None = field(default=None, compare=False)
    request: Request | None = field(default=None, compare=False, repr=False)

    @property
    def service(self) -> str | None:
        """Return `service.name` of the resource."""
        return self.resource.service

    @property
    def severity(self) -> Severity | int:
        """Return `severity_number`, under the name of the criterion."""
        return self.severity_number

    def __hash__(self) -> int:
        return hash((self.time_unix_nano, self.trace_id, self.span_id, self.event_name))
