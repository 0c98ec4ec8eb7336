"""The receivers: sockets, the two protocols, what is decoded, and what is answered."""
