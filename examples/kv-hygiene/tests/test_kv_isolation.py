"""Tenants do not see each other, and regions in quarantine are seen by nobody."""

from __future__ import annotations

import pytest

from tools.isolation import CacheTracer, IsolationPolicy, Quarantine, Violation


def reuse(tracer: CacheTracer, before: str, after: str, wipe: bool) -> None:
    region = tracer.allocate(before, 64)
    tracer.free(region)
    if wipe:
        tracer.sanitize(region)
    tracer.allocate(after, 64)


def test_a_wiped_region_may_go_to_any_tenant(clock):
    tracer = CacheTracer(clock=clock)
    reuse(tracer, "acme", "globex", wipe=True)
    assert IsolationPolicy().violations(tracer.events) == []


def test_a_dirty_region_may_not_go_to_another_tenant(clock):
    tracer = CacheTracer(clock=clock, reuse_dirty=True)
    reuse(tracer, "acme", "globex", wipe=False)
    assert IsolationPolicy().violations(tracer.events) == [Violation(1, "acme", "globex")]


def test_a_dirty_region_may_go_back_to_its_own_tenant(clock):
    tracer = CacheTracer(clock=clock, reuse_dirty=True)
    reuse(tracer, "acme", "acme", wipe=False)
    assert IsolationPolicy().violations(tracer.events) == []


def test_a_dirty_region_may_stay_within_a_trust_group(clock):
    tracer = CacheTracer(clock=clock, reuse_dirty=True)
    reuse(tracer, "acme", "acme-eu", wipe=False)
    assert IsolationPolicy([["acme", "acme-eu"]]).violations(tracer.events) == []


def test_an_unfinished_wipe_is_no_wipe(clock):
    tracer = CacheTracer(clock=clock, reuse_dirty=True)
    region = tracer.allocate("acme", 64)
    tracer.free(region)
    tracer.sanitize(region, limit=63)
    tracer.allocate("globex", 64)
    assert len(IsolationPolicy().violations(tracer.events)) == 1


def test_a_violation_reads_as_a_sentence():
    assert str(Violation(3, "a", "b")) == "region 3 went from a to b without a wipe"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("a", "a", True), ("a", "b", True), ("a", "c", False), ("c", "d", False), ("x", "y", False)],
)
def test_sharing_follows_the_groups(one, other, expected):
    assert IsolationPolicy([["a", "b"], ["c"]]).may_share(one, other) is expected


def test_a_tenant_cannot_be_in_two_groups():
    with pytest.raises(ValueError, match="'a' is in two groups"):
        IsolationPolicy([["a"], ["b", "a"]])


def test_a_hold_ends_with_its_time(clock):
    quarantine = Quarantine(clock)
    quarantine.hold(7, "checksum", seconds=30.0)
    assert quarantine.is_held(7)
    clock.advance(30.0)
    assert not quarantine.is_held(7)


def test_a_hold_ends_when_released(clock):
    quarantine = Quarantine(clock)
    quarantine.hold(7, "checksum", seconds=30.0)
    quarantine.release(7)
    assert quarantine.held() == []


def test_held_regions_are_listed_in_order(clock):
    quarantine = Quarantine(clock)
    for region in (9, 2, 5):
        quarantine.hold(region, "checksum", seconds=30.0)
    assert quarantine.held() == [2, 5, 9]


def test_the_reason_is_kept(clock):
    quarantine = Quarantine(clock)
    quarantine.hold(7, "checksum of page 3 differs", seconds=30.0)
    assert quarantine.reason(7) == "checksum of page 3 differs"


def test_a_region_that_is_not_held_has_no_reason():
    with pytest.raises(KeyError, match="not in quarantine"):
        Quarantine().reason(1)
