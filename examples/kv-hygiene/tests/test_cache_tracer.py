"""The tracer hands out regions and forgets nothing."""

from __future__ import annotations

import pytest

from tools.cache_tracer import CacheTracer, RegionError
from tools.events import Event, EventKind


@pytest.fixture
def tracer(clock):
    return CacheTracer(clock=clock)


def test_regions_are_numbered_from_one(tracer):
    assert [tracer.allocate("acme", 8) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("size", [0, -1])
def test_a_region_has_a_size(tracer, size):
    with pytest.raises(ValueError, match="size must be positive"):
        tracer.allocate("acme", size)


def test_a_fresh_region_is_empty(tracer):
    region = tracer.allocate("acme", 4)
    assert tracer.read(region, "acme") == b"\x00\x00\x00\x00"


def test_only_the_owner_reads(tracer):
    region = tracer.allocate("acme", 4)
    with pytest.raises(RegionError, match="belongs to acme, not to globex"):
        tracer.read(region, "globex")


def test_only_the_owner_writes(tracer):
    region = tracer.allocate("acme", 4)
    with pytest.raises(RegionError, match="belongs to acme"):
        tracer.write(region, "globex", b"x")


def test_a_region_holds_no_more_than_its_size(tracer):
    region = tracer.allocate("acme", 4)
    with pytest.raises(RegionError, match="holds 4 bytes, got 5"):
        tracer.write(region, "acme", b"12345")


def test_an_unknown_region_is_named(tracer):
    with pytest.raises(RegionError, match="no region 42"):
        tracer.free(42)


def test_a_region_is_freed_once(tracer):
    region = tracer.allocate("acme", 4)
    tracer.free(region)
    with pytest.raises(RegionError, match="is dirty"):
        tracer.free(region)


def test_a_clean_region_of_the_same_size_is_used_again(tracer):
    first = tracer.allocate("acme", 4)
    tracer.free(first)
    tracer.sanitize(first)
    assert tracer.allocate("globex", 4) == first
    assert tracer.events[-1].kind is EventKind.REUSE


def test_a_clean_region_of_another_size_is_not(tracer):
    first = tracer.allocate("acme", 4)
    tracer.free(first)
    tracer.sanitize(first)
    assert tracer.allocate("globex", 8) != first


def test_a_dirty_region_is_not_used_again(tracer):
    first = tracer.allocate("acme", 4)
    tracer.free(first)
    assert tracer.allocate("globex", 4) != first


def test_a_tracer_told_to_reuse_dirty_regions_leaks_them(clock):
    tracer = CacheTracer(clock=clock, reuse_dirty=True)
    first = tracer.allocate("acme", 6)
    tracer.write(first, "acme", b"secret")
    tracer.free(first)
    assert tracer.read(tracer.allocate("globex", 6), "globex") == b"secret"


def test_events_are_in_order_and_carry_the_time(tracer, clock):
    region = tracer.allocate("acme", 4)
    clock.advance(1.5)
    tracer.free(region)
    assert tracer.events == (
        Event(EventKind.ALLOCATE, 1, "acme", 4, 1000.0),
        Event(EventKind.FREE, 1, "acme", 4, 1001.5),
    )


def test_every_sink_sees_every_event(clock):
    seen: list[Event] = []
    also: list[Event] = []
    tracer = CacheTracer(clock=clock, sinks=[seen.append, also.append])
    tracer.free(tracer.allocate("acme", 4))
    assert seen == also == list(tracer.events)


def test_live_regions_are_listed_by_tenant(tracer):
    mine, theirs = tracer.allocate("acme", 4), tracer.allocate("globex", 4)
    assert tracer.regions("acme") == [mine]
    assert tracer.regions() == [mine, theirs]


def test_an_event_survives_its_record():
    event = Event(EventKind.SANITIZE, 3, "Zürich", 64, 1e-07, wiped=64, took_ms=1.0)
    assert Event.from_record(event.to_record()) == event
