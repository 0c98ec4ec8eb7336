"""The port pair for programs in containers: on all addresses, opened on demand."""

import threading
from typing import Final

from otlptest.collector.server.server import Receiver
from otlptest.processes.otel_environ import Endpoints

CONTAINER_HOST: Final = "host.docker.internal"
"""The name that containers use for the machine that they run on."""

_OWNER: Final = "container"
_ANYWHERE: Final = "0.0.0.0"  # noqa: S104 -- only when a test asks for containers


class ContainerPorts:
    """One further port pair of a collector, shared by all its views. Thread-safe.

    Args:
        receiver: Opens the ports, and closes them when it closes.
        endpoints: Those of the collector itself, for the scheme and the certificates.
    """

    def __init__(self, receiver: Receiver, endpoints: Endpoints) -> None:
        self._receiver = receiver
        self._beside = endpoints
        self._opening = threading.Lock()
        self._endpoints: Endpoints | None = None

    def endpoints(self) -> Endpoints:
        """Return the endpoints at which a container reaches the collector.

        Raises:
            ReceiverError: No further ports could be opened.
        """
        with self._opening:
            if self._endpoints is None:
                grpc_port, http_port = self._receiver.open_ports(_OWNER, host=_ANYWHERE)
                self._endpoints = self._beside.at(CONTAINER_HOST, grpc_port, http_port)
            return self._endpoints
