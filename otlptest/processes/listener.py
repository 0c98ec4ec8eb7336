"""The listening side of a program under test: its address, and HTTP requests to it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from http.client import HTTPException
from json import dumps

from otlptest.errors import ProcessError, UsageError
from otlptest.processes.exits import how_it_ended
from otlptest.processes.http_client import LOOPBACK_HOSTS, Response, exchange
from otlptest.timing import Deadline

_EXIT_AFTER_BREAK_S = 0.5


class Listener(ABC):
    """A base for programs that take HTTP requests, with explanations for a missing answer.

    Attributes:
        name: The name in messages.
    """

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self._port = port
        self._host: str | None = None

    @property
    @abstractmethod
    def exit_code(self) -> int | None:
        """Return its exit code, None while it runs."""

    @abstractmethod
    def last_lines(self) -> str:
        """Return the end of its output."""

    @abstractmethod
    def listening_ports(self) -> tuple[int, ...]:
        """Return the ports on which it listens, as far as that is known."""

    @abstractmethod
    def wait_until_exited(self, deadline: Deadline) -> bool:
        """Block until it has ended; return False if it still runs at the deadline."""

    @property
    def port(self) -> int:
        """Return its port: given in `PORT`, or found by `ready.line`."""
        return self._port

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:PORT`; `http://[::1]:PORT` if it listens only there."""
        host = self._host or LOOPBACK_HOSTS[0]
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def listens_on(self, host: str) -> None:
        """Remember the loopback host that accepts its connections; a `Readiness` calls this."""
        self._host = host

    def adopt_port(self, port: int) -> None:
        """Remember the port that it chose itself; a `Readiness` calls this."""
        self._port = port

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        """Send one HTTP request to its port and read the answer, whatever its status.

        Blocks at most `timeout_s`. Redirects are not followed.

        Args:
            method: `PUT`, `DELETE`, …
            path: The request target, e.g. `/checkout?express=1`.
            json: Sent as JSON with its content type, unless it is None.
            body: Sent unchanged.
            headers: Header fields, e.g. those of `otlp.new_trace()`.
            timeout_s: Seconds for the whole exchange.

        Raises:
            UsageError: `path` is not a request target, or both `json` and `body` are given.
            ProcessError: It does not listen, has died, or gave no HTTP answer in time.
        """
        fields = dict(headers or {})
        if json is not None:
            if body is not None:
                raise UsageError("a request has one body: give json or body, not both")
            body = dumps(json).encode()
            fields = {"Content-Type": "application/json", **fields}
        if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
            hint = "it begins with '/', and urllib.parse.quote() encodes what is not allowed in it"
            raise UsageError(f"{path!r} is not a request target", hint)
        deadline = Deadline(timeout_s)
        try:
            return self._exchanged(method, path, fields, body, deadline)
        except (OSError, HTTPException) as error:
            raise self._no_answer(f"{method} {path}", error, timeout_s) from error
        except ValueError as error:
            raise UsageError(f"{self.name} cannot be asked {method} {path}: {error}") from error

    def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = 10.0
    ) -> Response:
        """Send `GET path`; see `request`.

        Raises:
            UsageError: `path` is not a request target.
            ProcessError: It does not listen, has died, or gave no HTTP answer in time.
        """
        return self.request("GET", path, headers=headers, timeout_s=timeout_s)

    def post(
        self,
        path: str,
        *,
        json: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        """Send `POST path`, with a body or without; see `request`.

        Raises:
            UsageError: `path` is not a request target, or both `json` and `body` are given.
            ProcessError: It does not listen, has died, or gave no HTTP answer in time.
        """
        return self.request(
            "POST", path, json=json, body=body, headers=headers, timeout_s=timeout_s
        )

    def _exchanged(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str],
        body: bytes | None,
        deadline: Deadline,
    ) -> Response:
        def exchanged(host: str) -> Response:
            answer = exchange(
                host, self.port, method, path, headers=fields, body=body, deadline=deadline
            )
            self._host = host
            return answer

        if self._host:
            return exchanged(self._host)
        first, second = LOOPBACK_HOSTS
        try:
            return exchanged(first)
        except ConnectionRefusedError:
            return exchanged(second)

    def _no_answer(
        self, asked: str, error: OSError | HTTPException, timeout_s: float
    ) -> ProcessError:
        # A broken connection may be the first sign of its end; a late answer is not.
        patience = 0.0 if isinstance(error, TimeoutError) else _EXIT_AFTER_BREAK_S
        if self.wait_until_exited(Deadline(patience)):
            problem = f"did not answer {asked}: it {how_it_ended(self.exit_code)}"
            return ProcessError(self.name, problem, self.last_lines())
        if isinstance(error, ConnectionRefusedError):
            problem = f"does not listen on port {self.port}, and was asked {asked}"
            return ProcessError(self.name, problem, self.last_lines(), self.port_hint())
        if isinstance(error, TimeoutError):
            problem = f"did not answer {asked} within {timeout_s:g} s"
        elif isinstance(error, OSError):  # RemoteDisconnected is both
            problem = f"broke the connection off before it had answered {asked}: {error}"
        else:
            problem = f"gave no HTTP answer to {asked}: {type(error).__name__}: {error}"
        return ProcessError(self.name, problem, self.last_lines())

    def port_hint(self) -> str:
        """Return advice for a message if nobody listens on the port."""
        elsewhere = " and ".join(map(str, self.listening_ports()))
        must = f"it must listen on the port in the environment variable PORT, here {self.port}"
        if elsewhere:
            return f"it listens on port {elsewhere}; {must}"
        return f"{must}; ready=ready.port() waits until it does"
