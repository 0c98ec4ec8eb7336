"""The exporter cases, one module per topic; `CASES` is all of them, in the order of reports.

A new case is one entry in the `CASES` of its module; a new module is one line here.
"""

from typing import Final

from otlptest.conformance.cases import ExporterCase
from otlptest.conformance.exporter_cases import (
    attribute_limits,
    backoff,
    compression,
    connections,
    content_encodings,
    empty_requests,
    empty_values,
    endpoints,
    environment,
    failure_words,
    grpc_endpoints,
    headers,
    http_versions,
    intervals,
    json_bodies,
    lifecycle,
    live_data,
    lost_connections,
    non_retryable,
    payload_data,
    protocols,
    redirects,
    response_limits,
    retryable,
    sdk,
    successes,
    texts,
    throttling,
    timeouts,
    tls,
    transport,
    user_agent,
)

__all__ = ["CASES"]

CASES: Final[tuple[ExporterCase, ...]] = (
    *transport.CASES,
    *content_encodings.CASES,
    *connections.CASES,
    *http_versions.CASES,
    *json_bodies.CASES,
    *texts.CASES,
    *environment.CASES,
    *endpoints.CASES,
    *grpc_endpoints.CASES,
    *headers.CASES,
    *compression.CASES,
    *tls.CASES,
    *protocols.CASES,
    *empty_values.CASES,
    *user_agent.CASES,
    *sdk.CASES,
    *intervals.CASES,
    *retryable.CASES,
    *empty_requests.CASES,
    *timeouts.CASES,
    *lost_connections.CASES,
    *redirects.CASES,
    *failure_words.CASES,
    *response_limits.CASES,
    *successes.CASES,
    *throttling.CASES,
    *backoff.CASES,
    *non_retryable.CASES,
    *lifecycle.CASES,
    *attribute_limits.CASES,
    *payload_data.CASES,
    *live_data.CASES,
)
