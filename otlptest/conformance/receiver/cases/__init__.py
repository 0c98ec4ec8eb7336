"""The receiver cases, one module per topic; `CASES` is all of them, in the order of reports.

A new case is one entry in the `CASES` of its module; a new module is one line here.
"""

from typing import Final

from otlptest.conformance.case import ReceiverCase
from otlptest.conformance.receiver.cases import (
    bad_data,
    bombs,
    compression,
    consistency,
    endurance,
    errors,
    exports,
    framing,
    grpc_calls,
    grpc_connections,
    interoperability,
    json_documents,
    json_shapes,
    json_values,
    log_data,
    metric_data,
    partial,
    routes,
    secured,
    sizes,
    span_data,
    success,
    value_data,
)

__all__ = ["CASES"]

CASES: Final[tuple[ReceiverCase, ...]] = (
    *exports.CASES,
    *success.CASES,
    *partial.CASES,
    *errors.CASES,
    *bad_data.CASES,
    *interoperability.CASES,
    *json_values.CASES,
    *json_documents.CASES,
    *json_shapes.CASES,
    *span_data.CASES,
    *metric_data.CASES,
    *log_data.CASES,
    *value_data.CASES,
    *compression.CASES,
    *sizes.CASES,
    *bombs.CASES,
    *routes.CASES,
    *framing.CASES,
    *endurance.CASES,
    *grpc_calls.CASES,
    *grpc_connections.CASES,
    *consistency.CASES,
    *secured.CASES,
)
