"""Which tenant may follow which on a region, and which regions nobody may touch.

The policy reads events only; it never looks at the cache's content.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tools.events import Event, EventKind


@dataclass(frozen=True, slots=True)
class Violation:
    """A region that passed from one tenant to another without a full wipe."""

    region: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"region {self.region} went from {self.before} to {self.after} without a wipe"


class IsolationPolicy:
    """Tenants of one trust group may share a region that was not wiped."""

    def __init__(self, groups: Iterable[Iterable[str]] = ()) -> None:
        self._group: dict[str, int] = {}
        for number, tenants in enumerate(groups):
            for tenant in tenants:
                if tenant in self._group:
                    raise ValueError(f"tenant {tenant!r} is in two groups")
                self._group[tenant] = number

    def may_share(self, one: str, other: str) -> bool:
        if one == other:
            return True
        return one in self._group and self._group[one] == self._group.get(other)

    def violations(self, events: Iterable[Event]) -> list[Violation]:
        """Every reuse that the policy forbids, in the order in which it happened."""
        owner: dict[int, str] = {}
        dirty: set[int] = set()
        found: list[Violation] = []
        for event in events:
            if event.kind is EventKind.FREE:
                dirty.add(event.region)
            elif event.kind is EventKind.SANITIZE and event.wiped >= event.size:
                dirty.discard(event.region)
            elif event.kind is EventKind.REUSE:
                before = owner.get(event.region, event.tenant)
                if event.region in dirty and not self.may_share(before, event.tenant):
                    found.append(Violation(event.region, before, event.tenant))
                dirty.discard(event.region)
            if event.kind in (EventKind.ALLOCATE, EventKind.REUSE):
                owner[event.region] = event.tenant
        return found


class Quarantine:
    """Regions that failed a check, each with the reason, held for a while or for good."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reason: dict[int, str] = {}
        self._until: dict[int, float | None] = {}

    def hold(self, region: int, reason: str, seconds: float | None = None) -> None:
        """Hold a region; ``seconds`` None: until it is released by hand."""
        self._reason[region] = reason
        self._until[region] = None if seconds is None else self._clock() + seconds

    def is_held(self, region: int) -> bool:
        if region not in self._until:
            return False
        return self._until[region] > self._clock()

    def reason(self, region: int) -> str:
        if region not in self._reason:
            raise KeyError(f"region {region} is not in quarantine")
        return self._reason[region]

    def release(self, region: int) -> None:
        self._reason.pop(region, None)
        self._until.pop(region, None)

    def held(self) -> list[int]:
        return sorted(region for region in self._until if self.is_held(region))


class TenantSession:
    """One tenant's requests on a tracer of its own: all is wiped when it closes."""

    def __init__(self, tenant: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.tenant = tenant
        self.tracer = CacheTracer(clock=clock)

    def store(self, data: bytes) -> int:
        region = self.tracer.allocate(self.tenant, len(data))
        self.tracer.write(region, self.tenant, data)
        return region

    def load(self, region: int) -> bytes:
        return self.tracer.read(region, self.tenant)

    def drop(self, region: int) -> None:
        self.tracer.free(region)
        self.tracer.sanitize(region)

    def close(self) -> None:
        for region in self.tracer.regions(self.tenant):
            self.drop(region)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
