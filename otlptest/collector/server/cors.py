"""Cross-origin requests from browsers (WHATWG Fetch; OTLP-SRV-068 to -076)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from otlptest.errors import UsageError

_USUAL_HEADERS: Final = ("content-type", "content-encoding", "authorization")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsPolicy:
    """The pages that may send telemetry, and what they may read of the answer.

    Attributes:
        origins: Allowed origins (`http://localhost:3000`), or `*` alone for any.
        headers: Request headers allowed besides `content-type`, `content-encoding` and
            `authorization`.
        allows_credentials: Whether cookies may come along; not with `*`.
        max_age_s: How long a browser may keep a preflight's answer, in seconds.
    """

    origins: tuple[str, ...]
    headers: tuple[str, ...] = ()
    allows_credentials: bool = False
    max_age_s: int = 600

    def __post_init__(self) -> None:
        """Refuse what browsers would refuse.

        Raises:
            UsageError: `*` with credentials (OTLP-SRV-072), or with other origins.
        """
        if "*" in self.origins and (self.allows_credentials or len(self.origins) > 1):
            raise UsageError(
                "the CORS origin '*' stands for all, and browsers refuse it with credentials",
                "name the origins, e.g. 'http://localhost:3000'",
            )

    def answer_fields(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Return the fields that let the page read an answer."""
        origin = headers.get("origin")
        varies = ("Vary", "Origin")
        if origin is None:
            return () if "*" in self.origins else (varies,)
        if "*" in self.origins:
            allowed = [("Access-Control-Allow-Origin", "*")]
        elif origin in self.origins:
            allowed = [("Access-Control-Allow-Origin", origin), varies]
        else:
            return (varies,)
        if self.allows_credentials:
            allowed.append(("Access-Control-Allow-Credentials", "true"))
        return (*allowed, ("Access-Control-Expose-Headers", "Retry-After"))

    def preflight_fields(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...] | None:
        """Return the fields of the answer to a preflight; None if its origin is not allowed."""
        fields = self.answer_fields(headers)
        if len(fields) < 2:  # noqa: PLR2004 -- Vary alone
            return None
        return (
            *fields,
            ("Access-Control-Allow-Methods", "POST"),
            ("Access-Control-Allow-Headers", ", ".join((*_USUAL_HEADERS, *self.headers))),
            ("Access-Control-Max-Age", str(self.max_age_s)),
        )

    @staticmethod
    def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
        """Return whether a request is a browser's preflight."""
        return (
            method == "OPTIONS"
            and "origin" in headers
            and "access-control-request-method" in headers
        )
