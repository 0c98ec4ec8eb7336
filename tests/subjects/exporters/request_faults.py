"""Faults of the small exporter's requests over HTTP, by the word in `WRONG`."""

import gzip
from collections.abc import Callable
from typing import Final, TypeAlias

from tests.subjects.exporters.planted import WRONG

__all__ = ["planted_request"]

_Request: TypeAlias = tuple[bytes, dict[str, str]]
_GZIP: Final = "gzip"


def planted_request(content: bytes, headers: dict[str, str]) -> _Request:
    """Body and headers with the fault that is planted, or as they are."""
    fault = _FAULTS.get(WRONG)
    return (content, headers) if fault is None else fault(content, dict(headers))


def _is_gzip(headers: dict[str, str]) -> bool:
    return headers.get("Content-Encoding") == _GZIP


def _with(**headers: str) -> Callable[[bytes, dict[str, str]], _Request]:
    added = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda content, found: (content, found | added)


def _framed(content: bytes, headers: dict[str, str]) -> _Request:
    return b"\0" + len(content).to_bytes(4, "big") + content, headers


def _silent_gzip(content: bytes, headers: dict[str, str]) -> _Request:
    headers.pop("Content-Encoding", None)
    return content, headers


def _claimed_gzip(content: bytes, headers: dict[str, str]) -> _Request:
    return (gzip.decompress(content) if _is_gzip(headers) else content), headers


def _cut_gzip(content: bytes, headers: dict[str, str]) -> _Request:
    return (content[:-9] if _is_gzip(headers) else content), headers


def _shorter(content: bytes, headers: dict[str, str]) -> _Request:
    return content, headers | {"Content-Length": str(len(content) - 1)}


_FAULTS: Final[dict[str, Callable[[bytes, dict[str, str]], _Request]]] = {
    "gRPC prefix over HTTP": _framed,
    "gzip without saying so": _silent_gzip,
    "says gzip and is none": _claimed_gzip,
    "cuts the gzip stream": _cut_gzip,
    "always says gzip": _with(Content_Encoding=_GZIP),
    "a shorter Content-Length": _shorter,
    "no port in Host": _with(Host="127.0.0.1"),
    "closes each connection": _with(Connection="close"),
}
