"""Runs the plugin as a user does: a pytest of its own, in another process, over a small suite."""

from collections.abc import Sequence

import pytest

__all__ = ["SENDER", "run_suite"]

SENDER = '''
import http.client, json, os, urllib.parse

def send(endpoint, *, name="work", span_id="00f067aa0ba902b7", service="shop", start=None):
    """Export one span as OTLP/HTTP JSON."""
    span = {"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": span_id, "name": name,
            "kind": 2, "startTimeUnixNano": str(start or now()),
            "endTimeUnixNano": str((start or now()) + 1)}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    group = {"resource": resource, "scopeSpans": [{"scope": {"name": "test"}, "spans": [span]}]}
    return post(endpoint, json.dumps({"resourceSpans": [group]}))

def post(endpoint, body, path="/v1/traces"):
    address = urllib.parse.urlsplit(endpoint)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status

def now():
    import time
    return time.clock_gettime_ns(time.CLOCK_REALTIME)  # what freezegun does not stop
'''
"""A module `sender` for the suites; programs under test may use it too."""

_ALONE = ("--disable-plugin-autoload", "-p", "otlptest.pytest_plugin", "-W", "error")


def run_suite(
    pytester: pytest.Pytester, tests: str, *options: str, plugins: Sequence[str] = ()
) -> pytest.RunResult:
    """The result of `tests`, the text of a test module, run with `options`.

    Args:
        pytester: Whose folder is used.
        tests: Gets an import of `sender`.
        options: For the command line of pytest.
        plugins: Modules of plugins to load besides ours.
    """
    pytester.makepyfile(sender=SENDER, test_suite=f"import pytest, sender\n{tests}")
    loaded = [word for plugin in plugins for word in ("-p", plugin)]
    return pytester.runpytest_subprocess(*_ALONE, "-p", "no:cacheprovider", *loaded, *options)
