"""What the fixture `otlp_collectors` gives: further fake collectors for one test."""

from otlptest.collector.fake import FakeCollector
from otlptest.errors import UsageError
from otlptest.pytest_plugin.current_test import CurrentTest


class CollectorFactory:
    """Opens collectors for one test; call it.

    Args:
        test: Which test they are of.
    """

    def __init__(self, test: CurrentTest) -> None:
        self._test = test
        self.collectors: list[FakeCollector] = []

    def __call__(self, *names: str) -> tuple[FakeCollector, ...]:
        """One new collector for each name; reports tell them by it.

        Raises:
            UsageError: No name is given, or one that this test uses already.
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
