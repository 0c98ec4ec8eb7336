"""Header blocks of HTTP/2: HPACK (RFC 7541) and the rules for fields (RFC 9113 section 8).

An exporter sends the same few header blocks again and again. A block that leaves the dynamic table
as it was always means the same until the table changes: its meaning is kept, so that a repeated
request costs one look into a dict. Blocks of replies use the static table only and depend on
nothing: each is made once, for all connections.
"""

import re
from functools import lru_cache
from typing import Any, Final

from hpack import Decoder, Encoder, OversizedHeaderListError
from hpack.exceptions import HPACKError
from hpack.table import HeaderTable

_KEPT_BLOCKS: Final = 64
_BOMB_FACTOR: Final = 4  # a header list this many times over the limit is a bomb
_FIELD_OVERHEAD: Final = 32  # RFC 9113 section 6.5.2

_PSEUDO: Final = (b":method", b":scheme", b":authority", b":path")
_CONNECTION_FIELDS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_BAD_NAME: Final = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9a-z]")  # a token, without upper case
_BAD_VALUE: Final = re.compile(rb"[\x00\r\n]|^[ \t]|[ \t]\Z")
_DIGITS: Final = re.compile(rb"[0-9]{1,19}")


class HeaderBlockError(Exception):
    """A header block that ends the connection; `is_bomb` if for its size."""

    def __init__(self, problem: str, *, is_bomb: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.is_bomb = is_bomb


class RequestFields:
    """The fields of one header block.

    Attributes:
        method: `:method`; likewise `path`, `scheme`, `authority`; empty where absent.
        fields: The regular fields in order.
        size: Names, values and 32 bytes each (RFC 9113 section 6.5.2).
        content_length: The value of the field; None if absent.
        malformed: Why it is not a request (RFC 9113 section 8.1.1); empty if it is one.
        trailer_fault: Why it is not a trailer section; empty if it is one.
        derived: Data that the user of the connection derives from the fields; shared by
            all requests with the same block.
    """

    __slots__ = (
        "authority",
        "content_length",
        "derived",
        "fields",
        "malformed",
        "method",
        "path",
        "scheme",
        "size",
        "trailer_fault",
    )

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self.derived: Any = None
        self.size = sum(len(name) + len(value) for name, value in pairs)
        self.size += _FIELD_OVERHEAD * len(pairs)
        pseudo, regular, self.malformed = _split(pairs)
        self.trailer_fault = self.malformed or ("a pseudo-header in trailers" if pseudo else "")
        self.malformed = self.malformed or _pseudo_fault(pseudo) or _connection_fault(regular)
        self.method, self.scheme, self.authority, self.path = (
            pseudo.get(name, b"").decode("latin-1") for name in _PSEUDO
        )
        self.fields = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in regular)
        self.content_length, fault = _content_length(regular)
        self.malformed = self.malformed or fault


def _split(
    pairs: list[tuple[bytes, bytes]],
) -> tuple[dict[bytes, bytes], list[tuple[bytes, bytes]], str]:
    """Return pseudo-headers, regular fields, and the first fault of either."""
    pseudo: dict[bytes, bytes] = {}
    regular: list[tuple[bytes, bytes]] = []
    fault = ""
    for name, value in pairs:
        if name.startswith(b":"):
            if regular:
                fault = fault or f"{_shown(name)} after a regular field"
            elif name in pseudo:
                fault = fault or f"{_shown(name)} twice"
            pseudo[name] = value
        else:
            if not name or _BAD_NAME.search(name):
                fault = fault or f"the field name {_shown(name)}"
            regular.append((name, value))
        if _BAD_VALUE.search(value):
            fault = fault or f"the value of {_shown(name)}"
    return pseudo, regular, fault


def _shown(name: bytes) -> str:
    return ascii(name.decode("latin-1"))


def _pseudo_fault(pseudo: dict[bytes, bytes]) -> str:
    """Return the fault among the pseudo-headers of a request (RFC 9113 section 8.3.1)."""
    for name in pseudo:
        if name not in _PSEUDO:
            return f"the pseudo-header {_shown(name)}"
    if pseudo.get(b":method") == b"CONNECT":
        return ""
    for name in (b":method", b":scheme", b":path"):
        if not pseudo.get(name):
            return f"no {_shown(name)}"
    return ""


def _connection_fault(regular: list[tuple[bytes, bytes]]) -> str:
    """Return the fault among the fields of a request (RFC 9113 section 8.2.2)."""
    for name, value in regular:
        if name in _CONNECTION_FIELDS:
            return f"the field {_shown(name)}, which HTTP/2 does not have"
        if name == b"te" and value.strip().lower() != b"trailers":
            return "the field 'te' with something else than 'trailers'"
    return ""


def _content_length(regular: list[tuple[bytes, bytes]]) -> tuple[int | None, str]:
    values = {value for name, value in regular if name == b"content-length"}
    if not values:
        return None, ""
    value = values.pop()
    if values or not _DIGITS.fullmatch(value):
        return None, "the value of 'content-length'"
    return int(value), ""


class HeaderReader:
    """A reader of the header blocks that one connection receives.

    Args:
        max_bytes: Largest header list, names and values; four times as much is a bomb.
    """

    def __init__(self, max_bytes: int) -> None:
        self._decoder = Decoder(max_header_list_size=_BOMB_FACTOR * max_bytes)
        self._kept: dict[bytes, RequestFields] = {}

    def read(self, block: bytes) -> RequestFields:
        """Return the fields of `block`.

        Raises:
            HeaderBlockError: It is not valid HPACK (COMPRESSION_ERROR), or a bomb.
        """
        kept = self._kept.get(block)
        if kept is not None:
            return kept
        table = self._decoder.header_table
        newest, count, size = _newest(table), len(table.dynamic_entries), table.maxsize
        try:
            pairs = self._decoder.decode(block, raw=True)
        except OversizedHeaderListError as bomb:
            raise HeaderBlockError("a header list far over the limit", is_bomb=True) from bomb
        except HPACKError as broken:
            raise HeaderBlockError(f"a header block that is not valid HPACK: {broken}") from broken
        fields = RequestFields([(bytes(pair[0]), bytes(pair[1])) for pair in pairs])
        # An added entry is the newest by identity, even where it equals one that it evicts.
        is_as_before = _newest(table) is newest
        if not is_as_before or len(table.dynamic_entries) != count or table.maxsize != size:
            self._kept.clear()
        elif len(self._kept) < _KEPT_BLOCKS:
            self._kept[block] = fields
        return fields


def _newest(table: HeaderTable) -> tuple[bytes, bytes] | None:
    return table.dynamic_entries[0] if table.dynamic_entries else None


@lru_cache(maxsize=256)
def encode_fields(fields: tuple[tuple[str, str], ...]) -> bytes:
    """Return a header block that means `fields` in every state of the dynamic table."""
    # A sensitive field is never added to a table, so one fresh encoder serves all peers.
    return Encoder().encode(
        [(name.encode(), value.encode(), True) for name, value in fields], huffman=False
    )
