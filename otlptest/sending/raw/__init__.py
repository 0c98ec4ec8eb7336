"""Clients that send exactly the bytes they are given, right or wrong, and show the exact answer."""
