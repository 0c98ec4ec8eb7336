"""HTTP/1.1, HTTP/2 and gRPC framing, compression and certificates."""
