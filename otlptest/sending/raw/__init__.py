"""Clients that send exactly the given bytes, valid or not, and return the exact answer."""
