"""All wrong receivers."""

from tests.subjects.wrong_receivers.data_faults import DATA_FAULTS
from tests.subjects.wrong_receivers.grpc_faults import GRPC_FAULTS
from tests.subjects.wrong_receivers.http_answers import HTTP_ANSWERS
from tests.subjects.wrong_receivers.http_connections import CONNECTIONS
from tests.subjects.wrong_receivers.http_routes import ROUTES
from tests.subjects.wrong_receivers.json_faults import JSON_FAULTS
from tests.subjects.wrong_receivers.planted import Wrong

WRONG: tuple[Wrong, ...] = (
    *HTTP_ANSWERS,
    *ROUTES,
    *CONNECTIONS,
    *JSON_FAULTS,
    *GRPC_FAULTS,
    *DATA_FAULTS,
)
