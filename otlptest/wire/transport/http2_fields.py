"""Header blocks of HTTP/2 as a plain list of fields (RFC 7541), right or wrong.

`http2_headers` judges the headers of a client; this module judges nothing and is for the answers
of a server.
"""

from typing import Final

from hpack import Decoder
from hpack.exceptions import HPACKError

from otlptest.wire.transport.http2_headers import HeaderBlockError

_LARGEST: Final = 16 * 1024 * 1024


class FieldReader:
    """A reader of the header blocks that one end of a connection receives, in order.

    Args:
        max_bytes: Largest header list that is read.
    """

    def __init__(self, max_bytes: int = _LARGEST) -> None:
        self._decoder = Decoder(max_header_list_size=max_bytes)

    def read(self, block: bytes) -> tuple[tuple[str, str], ...]:
        """Return names and values as sent, pseudo-headers too.

        Raises:
            HeaderBlockError: It is not valid HPACK, or larger than allowed.
        """
        try:
            pairs = self._decoder.decode(block, raw=True)
        except HPACKError as broken:
            raise HeaderBlockError(f"a header block that is not valid HPACK: {broken}") from broken
        return tuple((bytes(p[0]).decode("latin-1"), bytes(p[1]).decode("latin-1")) for p in pairs)
