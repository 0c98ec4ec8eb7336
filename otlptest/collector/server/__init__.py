"""The receivers: sockets, the two protocols, decoding, and replies."""
