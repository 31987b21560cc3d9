"""Wipes freed regions off the request path.

Requests end at times nobody controls, so the pool is called from many threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from tools.cache_tracer import CacheTracer


class SanitizePool:
    """Scrubs regions with a pause between pages and keeps account of the bytes."""

    def __init__(self, tracer: CacheTracer, workers: int = 2, pause: float = 0.0005) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self._tracer = tracer
        self._workers = workers
        self._pause = pause
        self.bytes_wiped = 0

    def scrub(self, region: int) -> None:
        # The old value is loaded before the wipe starts and the sum is stored
        # after it ended: of two wipes that overlap, one is not counted.
        self.bytes_wiped += self._tracer.sanitize(region, pause=self._pause)

    def scrub_all(self, regions: Iterable[int]) -> None:
        """Scrub every region and wait; the first error is raised when all are done."""
        with ThreadPoolExecutor(self._workers) as executor:
            waiting = [executor.submit(self.scrub, region) for region in regions]
        for future in waiting:
            future.result()
