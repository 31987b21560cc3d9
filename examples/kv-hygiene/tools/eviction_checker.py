"""The eviction checker: was everything that was freed also wiped?

It reads events and answers with numbers and a verdict. It never repairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from tools.events import Event, EventKind


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Nearest-rank percentile; None when there is nothing to rank."""
    if not 0.0 < percent <= 100.0:
        raise ValueError(f"percent must be in (0, 100], got {percent}")
    if not values:
        return None
    rank = math.ceil(percent / 100.0 * len(values))
    return sorted(values)[rank - 1]


@dataclass(frozen=True, slots=True)
class Release:
    """One free of a region and how much of it was wiped before its next use."""

    region: int
    tenant: str
    size: int
    wiped: int

    @property
    def coverage_pct(self) -> float:
        return 100.0 * self.wiped / self.size if self.size else 100.0


@dataclass(slots=True)
class EvictionReport:
    """What the checker found in one stretch of events."""

    releases: list[Release] = field(default_factory=list)
    durations_ms: list[float] = field(default_factory=list)
    quarantined: frozenset[int] = frozenset()
    allocations: int = 0
    reuses: int = 0

    @property
    def unsanitized(self) -> list[Release]:
        return [release for release in self.releases if release.wiped < release.size]

    @property
    def coverage_pct(self) -> float:
        """Wiped bytes of all freed bytes; nothing freed is fully covered."""
        freed = sum(release.size for release in self.releases)
        wiped = sum(release.wiped for release in self.releases)
        return 100.0 * wiped / freed if freed else 100.0

    @property
    def min_coverage_pct(self) -> float:
        return min((release.coverage_pct for release in self.releases), default=100.0)

    @property
    def reuse_rate(self) -> float:
        handed_out = self.allocations + self.reuses
        return self.reuses / handed_out if handed_out else 0.0

    @property
    def sanitize_p95_ms(self) -> float:
        return percentile(self.durations_ms, 95.0)

    def by_tenant(self) -> dict[str, float]:
        """Coverage in percent of each tenant's own releases."""
        tenants = sorted({release.tenant for release in self.releases})
        return {
            tenant: EvictionReport([r for r in self.releases if r.tenant == tenant]).coverage_pct
            for tenant in tenants
        }

    def as_metrics(self) -> dict[str, Any]:
        """The object that ``eviction_metrics.json`` holds."""
        return {
            "coverage_pct": self.coverage_pct,
            "min_coverage_pct": self.min_coverage_pct,
            "quarantine_count": len(self.quarantined),
            "regions_freed": len(self.releases),
            "reuse_rate": self.reuse_rate,
            "sanitize_duration_p95_ms": self.sanitize_p95_ms,
            "unsanitized_regions_count": len(self.unsanitized),
        }


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of the gate; None: no limit."""

    min_coverage_pct: float = 99.9
    max_unsanitized: int = 0
    max_quarantined: int = 0
    max_reuse_rate: float | None = None
    max_p95_ms: float | None = None


class EvictionChecker:
    """Follows each region from its release to its next use."""

    def __init__(self, quarantined: Iterable[int] = ()) -> None:
        self._quarantined = frozenset(quarantined)

    def check(self, events: Iterable[Event]) -> EvictionReport:
        report = EvictionReport(quarantined=self._quarantined)
        pending: dict[int, Release] = {}
        for event in events:
            match event.kind:
                case EventKind.ALLOCATE:
                    report.allocations += 1
                case EventKind.FREE:
                    pending[event.region] = Release(event.region, event.tenant, event.size, 0)
                case EventKind.SANITIZE:
                    report.durations_ms.append(event.took_ms)
                    freed = pending.get(event.region)
                    if freed is None:
                        continue
                    # Wipes start at the front each time: the longest one counts.
                    wiped = max(freed.wiped, min(event.wiped, freed.size))
                    pending[event.region] = Release(freed.region, freed.tenant, freed.size, wiped)
                case EventKind.REUSE:
                    report.reuses += 1
                    self._settle(report, pending, event.region)
                case EventKind.EVICT:
                    self._settle(report, pending, event.region)
        for region in list(pending):
            self._settle(report, pending, region)
        return report

    def _settle(self, report: EvictionReport, pending: dict[int, Release], region: int) -> None:
        """A release ends with the region's next use; regions in quarantine have none."""
        release = pending.pop(region, None)
        if release is not None and region not in self._quarantined:
            report.releases.append(release)


def verdict(
    metrics: Mapping[str, Any], limits: Thresholds, now: datetime | None = None
) -> dict[str, Any]:
    """Compare metrics with limits; a metric that is absent and limited is a failure."""
    moment = datetime.now(UTC) if now is None else now
    floors = {"min_coverage_pct": limits.min_coverage_pct}
    ceilings = {
        "unsanitized_regions_count": limits.max_unsanitized,
        "quarantine_count": limits.max_quarantined,
        "reuse_rate": limits.max_reuse_rate,
        "sanitize_duration_p95_ms": limits.max_p95_ms,
    }
    failures: list[dict[str, Any]] = []
    for name, floor in floors.items():
        actual = metrics.get(name)
        if actual is None or actual < floor:
            failures.append({"metric": name, "actual": actual, "expected_min": floor})
    for name, ceiling in ceilings.items():
        if ceiling is None:
            continue
        actual = metrics.get(name)
        if actual is None or actual > ceiling:
            failures.append({"metric": name, "actual": actual, "expected_max": ceiling})
    return {
        "schema": 1,
        "ts": moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "pass": not failures,
        "failures": failures,
        "metrics": dict(metrics),
        "thresholds": asdict(limits),
    }
