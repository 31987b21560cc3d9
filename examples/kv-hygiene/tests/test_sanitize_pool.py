"""The pool wipes what it is given, from however many threads it is called."""

from __future__ import annotations

import random
import threading
import time

import pytest

from tools.cache_tracer import PAGE, CacheTracer, RegionError
from tools.eviction_checker import EvictionChecker
from tools.sanitizer import SanitizePool


def freed(tracer: CacheTracer, count: int, size: int = 2 * PAGE) -> list[int]:
    regions = [tracer.allocate("acme", size) for _ in range(count)]
    for region in regions:
        tracer.free(region)
    return regions


def test_the_pool_wipes_every_region():
    tracer = CacheTracer()
    SanitizePool(tracer, workers=4, pause=0.0).scrub_all(freed(tracer, 12))
    assert EvictionChecker().check(tracer.events).unsanitized == []


def test_one_caller_is_accounted_for():
    tracer = CacheTracer()
    pool = SanitizePool(tracer, pause=0.0)
    for region in freed(tracer, 3):
        pool.scrub(region)
    assert pool.bytes_wiped == 3 * 2 * PAGE


def test_requests_that_end_at_any_time_are_accounted_for():
    # Two requests end within 23 ms of each other, and a wipe takes about 4 ms.
    tracer = CacheTracer()
    pool = SanitizePool(tracer, pause=0.002)

    def request(region: int) -> None:
        time.sleep(random.uniform(0.0, 0.023))
        pool.scrub(region)

    threads = [threading.Thread(target=request, args=(region,)) for region in freed(tracer, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pool.bytes_wiped == 2 * 2 * PAGE


def test_an_error_in_one_wipe_is_raised_after_the_others():
    tracer = CacheTracer()
    regions = freed(tracer, 2)
    with pytest.raises(RegionError, match="no region 99"):
        SanitizePool(tracer, pause=0.0).scrub_all([99, *regions])
    assert EvictionChecker().check(tracer.events).unsanitized == []
