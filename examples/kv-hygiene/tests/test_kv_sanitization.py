"""Nothing of a request is left once its session has dropped it."""

from __future__ import annotations

import pytest

from tools.cache_tracer import PAGE, CacheTracer, RegionError, State
from tools.events import EventKind
from tools.isolation import TenantSession


def test_a_session_reads_what_it_stored(session):
    region = session.store(b"keys and values")
    assert session.load(region) == b"keys and values"


def test_a_dropped_region_cannot_be_read(session):
    region = session.store(b"keys and values")
    session.drop(region)
    with pytest.raises(RegionError, match="is clean"):
        session.load(region)


def test_dropping_wipes_every_byte(session):
    region = session.store(b"\xff" * 100)
    session.drop(region)
    assert session.tracer.events[-1].wiped == 100


def test_closing_a_session_wipes_what_it_left(clock):
    with TenantSession("acme", clock=clock) as opened:
        opened.store(b"one")
        opened.store(b"three")
    kinds = [event.kind for event in opened.tracer.events]
    assert kinds.count(EventKind.SANITIZE) == 2


def test_an_exception_does_not_keep_a_session_from_wiping(clock):
    opened = TenantSession("acme", clock=clock)
    with pytest.raises(RuntimeError, match="client went away"), opened:
        opened.store(b"half an answer")
        raise RuntimeError("client went away")
    assert opened.tracer.regions() == []


def test_sessions_of_one_tenant_do_not_share_regions():
    first, second = TenantSession("acme"), TenantSession("acme")
    first.store(b"first")
    assert second.tracer.regions() == []


@pytest.mark.parametrize("size", [1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
def test_a_wipe_reaches_the_last_byte(size, clock):
    tracer = CacheTracer(clock=clock)
    region = tracer.allocate("acme", size)
    tracer.write(region, "acme", b"\xff" * size)
    tracer.free(region)
    assert tracer.sanitize(region) == size
    again = tracer.allocate("globex", size)
    assert again == region
    assert tracer.read(again, "globex") == bytes(size)


def test_a_wipe_with_a_budget_leaves_the_region_dirty(clock):
    tracer = CacheTracer(clock=clock)
    region = tracer.allocate("acme", 2 * PAGE)
    tracer.free(region)
    assert tracer.sanitize(region, limit=PAGE) == PAGE
    assert tracer._regions[region].state is State.DIRTY


def test_a_wipe_is_timed_in_milliseconds(clock):
    def slow() -> float:
        clock.advance(0.25)
        return clock.now

    tracer = CacheTracer(clock=slow)
    region = tracer.allocate("acme", 8)
    tracer.free(region)
    tracer.sanitize(region)
    assert tracer.events[-1].took_ms == 250.0


def test_a_live_region_is_never_wiped(clock):
    tracer = CacheTracer(clock=clock)
    region = tracer.allocate("acme", 8)
    with pytest.raises(RegionError, match="is live"):
        tracer.sanitize(region)
