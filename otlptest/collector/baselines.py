"""The values of cumulative series before a view began, so that it counts only its own part."""

import threading
from collections.abc import Iterable, Mapping

from otlptest.collector.item_decoder import StoredItemDecoder
from otlptest.collector.snapshots import Snapshot
from otlptest.model import DataPoint, Request
from otlptest.queries.metrics.point_series import StreamKey, is_cumulative, stream_key


class Baselines:
    """Folds the metrics requests of a store, each once, up to the start of a view. Thread-safe."""

    def __init__(self, contents: StoredItemDecoder) -> None:
        self._lock = threading.Lock()
        self._contents = contents
        self._token = 0
        self._points: dict[StreamKey, DataPoint] = {}

    def before(self, token: int, requests: Snapshot[Request]) -> Mapping[StreamKey, DataPoint]:
        """Return the last cumulative point of each stream that arrived before a token.

        Args:
            token: The start of the view.
            requests: All that the store holds.
        """
        with self._lock:
            if token < self._token and requests.offset < self._token:
                return self.joined({}, self._between(requests, 0, token))
            points = self.joined(self._points, self._between(requests, self._token, token))
            self._token = max(self._token, token)
            self._points = points
            return dict(points)

    def _between(self, requests: Snapshot[Request], start: int, stop: int) -> Iterable[DataPoint]:
        return self._contents.items("metrics", requests.between(start, stop), {})

    @staticmethod
    def joined(
        before: Mapping[StreamKey, DataPoint], points: Iterable[DataPoint]
    ) -> dict[StreamKey, DataPoint]:
        """Return the last point of each stream, among the known and the later ones."""
        joined = dict(before)
        for point in points:
            if is_cumulative(point):
                key = stream_key(point)
                known = joined.get(key)
                if known is None or known.time_unix_nano <= point.time_unix_nano:
                    joined[key] = point
        return joined
