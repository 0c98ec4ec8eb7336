"""The receiver cases, one module per topic; `CASES` is all of them, in the order of reports.

A new case is one entry in the `CASES` of its module; a new module is one line here.
"""

from typing import Final

from otlptest.conformance.cases import ReceiverCase
from otlptest.conformance.receiver_cases import bad_data, exports

__all__ = ["CASES"]

CASES: Final[tuple[ReceiverCase, ...]] = (*exports.CASES, *bad_data.CASES)
