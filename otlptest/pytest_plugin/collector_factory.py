"""The callable of the fixture `otlp_collectors`: further fake collectors for one test."""

from otlptest.collector.fake import FakeCollector
from otlptest.errors import UsageError
from otlptest.pytest_plugin.current_test import CurrentTest


class CollectorFactory:
    """Opens collectors for one test; call it.

    Args:
        test: The test that they belong to.
    """

    def __init__(self, test: CurrentTest) -> None:
        self._test = test
        self.collectors: list[FakeCollector] = []

    def __call__(self, *names: str) -> tuple[FakeCollector, ...]:
        """Return one new collector for each name, which reports use.

        Raises:
            UsageError: No name is given, or one is already used in this test.
            ReceiverError: A collector could not start.
        """
        if not names:
            raise UsageError("otlp_collectors() needs names", 'otlp_collectors("a", "b")')
        return tuple(self._opened(name) for name in names)

    def _opened(self, name: str) -> FakeCollector:
        if name in self._test.views:
            raise UsageError(f"there is a collector {name!r} in this test already")
        collector = FakeCollector()
        self.collectors.append(collector)
        self._test.views[name] = collector
        collector.allow(*self._test.settings.allow)
        return collector

    def close(self) -> None:
        """Close all of them."""
        for collector in self.collectors:
            collector.close()
