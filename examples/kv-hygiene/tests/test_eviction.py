"""The checker counts what was freed and what was wiped, and the gate judges it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tools.cache_tracer import CacheTracer
from tools.eviction_checker import EvictionChecker, Thresholds, percentile, verdict

NOW = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
GOOD = {"min_coverage_pct": 100.0, "unsanitized_regions_count": 0, "quarantine_count": 0}


@pytest.fixture
def tracer(clock):
    return CacheTracer(clock=clock)


def release(tracer: CacheTracer, tenant: str = "acme", size: int = 1000, wiped: int = 1000) -> int:
    region = tracer.allocate(tenant, size)
    tracer.free(region)
    if wiped:
        tracer.sanitize(region, limit=wiped)
    return region


def test_nothing_freed_is_fully_covered():
    assert EvictionChecker().check([]).coverage_pct == 100.0


def test_all_wiped_is_fully_covered(tracer):
    for _ in range(3):
        tracer.evict(release(tracer))
    report = EvictionChecker().check(tracer.events)
    assert (report.coverage_pct, report.unsanitized) == (100.0, [])


def test_a_region_evicted_without_a_wipe_is_found(tracer):
    tracer.evict(release(tracer, wiped=0))
    report = EvictionChecker().check(tracer.events)
    assert [found.region for found in report.unsanitized] == [1]


def test_a_wipe_after_the_reuse_comes_too_late(clock):
    tracer = CacheTracer(clock=clock, reuse_dirty=True)
    release(tracer, wiped=0)
    tracer.allocate("globex", 1000)
    tracer.free(1)
    tracer.sanitize(1)
    report = EvictionChecker().check(tracer.events)
    assert [found.wiped for found in report.releases] == [0, 1000]


def test_the_worst_region_sets_the_minimum(tracer):
    release(tracer)
    release(tracer, wiped=250)
    assert EvictionChecker().check(tracer.events).min_coverage_pct == 25.0


def test_two_wipes_of_one_region_do_not_add_up(tracer):
    region = release(tracer, wiped=600)
    tracer.sanitize(region, limit=500)
    assert EvictionChecker().check(tracer.events).min_coverage_pct == 60.0


def test_one_region_in_nine_left_dirty(tracer):
    for number in range(8):
        tracer.evict(release(tracer, wiped=0 if number == 5 else 1000))
    metrics = EvictionChecker().check(tracer.events).as_metrics()
    assert metrics == {
        "coverage_pct": pytest.approx(88.889, abs=0.001),
        "min_coverage_pct": 0.0,
        "quarantine_count": 0,
        "regions_freed": 8,
        "reuse_rate": 0.0,
        "sanitize_duration_p95_ms": 0.0,
        "unsanitized_regions_count": 1,
    }


def test_regions_in_quarantine_are_counted_apart(tracer):
    release(tracer, wiped=0)
    report = EvictionChecker(quarantined=[1]).check(tracer.events)
    assert report.as_metrics()["quarantine_count"] == 1
    assert report.unsanitized == []


def test_the_reuse_rate_is_of_all_regions_handed_out(tracer):
    release(tracer)
    tracer.allocate("globex", 1000)
    tracer.allocate("globex", 1000)
    tracer.allocate("globex", 500)
    assert EvictionChecker().check(tracer.events).reuse_rate == 0.25


@pytest.mark.parametrize(
    ("percent", "expected"), [(1.0, 1.0), (50.0, 5.0), (90.0, 9.0), (95.0, 10.0), (100.0, 10.0)]
)
def test_percentiles_are_nearest_rank(percent, expected):
    assert percentile([float(n) for n in range(10, 0, -1)], percent) == expected


def test_nothing_has_no_percentile():
    assert percentile([], 95.0) is None


def test_good_metrics_pass():
    answer = verdict(GOOD, Thresholds(), now=NOW)
    assert answer["pass"] is True
    assert answer["ts"] == "2025-01-15T10:30:00Z"


@pytest.mark.parametrize(
    ("name", "actual", "limit"),
    [
        ("min_coverage_pct", 99.8, {"expected_min": 99.9}),
        ("unsanitized_regions_count", 1, {"expected_max": 0}),
        ("quarantine_count", 2, {"expected_max": 0}),
        ("quarantine_count", None, {"expected_max": 0}),
    ],
)
def test_a_breached_limit_is_named(name, actual, limit):
    answer = verdict({**GOOD, name: actual}, Thresholds(), now=NOW)
    assert answer["failures"] == [{"metric": name, "actual": actual, **limit}]


def test_exactly_the_minimum_passes():
    assert verdict({**GOOD, "min_coverage_pct": 99.9}, Thresholds(), now=NOW)["pass"]
