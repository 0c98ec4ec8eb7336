"""The HTTP session of the exporters of `otlp_sdk`: to this machine, despite network bans.

pytest-socket replaces `socket.socket` and its `connect` so that no test reaches the network by
mistake. A test that uses `otlp_sdk` wants its exporters to reach the collector, so they get
genuine sockets. They ignore proxies in the environment, too.
"""

import socket
from importlib import import_module
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


def _genuine_socket() -> socket.socket:
    kinds = (kind for kind in socket.socket.__mro__ if kind.__module__ == "socket")
    genuine: type[socket.socket] = next(kinds)
    return genuine(socket.AF_INET, socket.SOCK_STREAM)


def _connected(host: str, port: int | None, timeout: object) -> socket.socket:
    made = _genuine_socket()
    try:
        made.settimeout(timeout if isinstance(timeout, int | float) else None)
        socket.SocketType.connect(made, (host, port))
    except BaseException:
        made.close()
        raise
    return made


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self.host, self.port, self.timeout)


class _Encrypted(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self.host, self.port, self.timeout)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain  # type: ignore[mutable-override] # urllib3's own way to say it


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted  # type: ignore[mutable-override] # the same


def loopback_session() -> Any:  # noqa: ANN401 -- a requests.Session; requests ships no types
    """Return a `requests.Session` for exporters that send to a collector of this process."""
    requests = import_module("requests")
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        adapter = requests.adapters.HTTPAdapter()
        adapter.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
        session.mount(scheme, adapter)
    return session
