"""Sockets, the event loop and addresses: the basis of every server and client of otlptest."""
