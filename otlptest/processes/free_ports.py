"""Chooses TCP ports of 127.0.0.1 that are free for a program under test."""

import socket
import threading
from collections import deque

_recent: deque[int] = deque(maxlen=64)
_lock = threading.Lock()


def free_port() -> int:
    """Return a port that is not in use, and that this process has not given out recently.

    The system chooses it. It stays free until the program binds it, unless another process is
    faster: then the program fails to start and says so.
    """
    with _lock:
        while True:
            # The C type: pytest-socket replaces `socket.socket`, and this is no network traffic.
            probe = socket.SocketType(socket.AF_INET, socket.SOCK_STREAM)
            try:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            finally:
                probe.close()
            if port not in _recent:
                _recent.append(port)
                return port
