"""Addresses that people write."""

import pytest

from otlptest.net.addresses import AddressError, parse_address


@pytest.mark.parametrize(
    ("text", "is_grpc", "expected"),
    [
        pytest.param("localhost", False, ("localhost", 4318, False), id="a name, HTTP"),
        pytest.param("localhost", True, ("localhost", 4317, False), id="a name, gRPC"),
        pytest.param("h:1", True, ("h", 1, False), id="host:port"),
        pytest.param("[::1]:2", False, ("::1", 2, False), id="IPv6"),
        pytest.param("http://h", False, ("h", 80, False), id="http"),
        pytest.param("https://h/base/", False, ("h", 443, True), id="https"),
        pytest.param("https://h", True, ("h", 4317, True), id="https, gRPC"),
    ],
)
def test_an_address_is_taken_apart(
    text: str, *, is_grpc: bool, expected: tuple[str, int, bool]
) -> None:
    address = parse_address(text)
    assert (address.host, address.port_for(is_grpc=is_grpc), address.is_tls) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "not an http or https URL", id="nothing"),
        pytest.param("ftp://h", "not an http or https URL", id="another scheme"),
        pytest.param("http://h?a=1", "not an http or https URL", id="a query"),
        pytest.param("http://h:x", "Port could not be cast", id="a word as the port"),
        pytest.param("http://h:99999", "Port out of range", id="too high a port"),
        pytest.param("http://[::1", "Invalid IPv6", id="half an IPv6 address"),
        pytest.param("unix:/tmp/a", "TCP only, not over Unix sockets", id="a Unix socket"),
    ],
)
def test_what_is_not_an_address_is_refused(text: str, problem: str) -> None:
    with pytest.raises(AddressError, match=problem):
        parse_address(text)
