"""Sockets, the event loop and addresses: what every server and client of otlptest stands on."""
