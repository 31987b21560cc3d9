"""The tracer: hands out cache regions and records what becomes of them.

It stands in for the serving engine's block allocator. A region goes
allocate -> write -> free -> sanitize -> reuse or evict; every step is an
``Event``. The tracer records also what should not happen (a region that is
reused before it was wiped): judging is the eviction checker's work.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum, auto

from tools.events import Event, EventKind

Sink = Callable[[Event], None]

PAGE = 4096  # bytes wiped between two pauses


class State(Enum):
    LIVE = auto()
    DIRTY = auto()  # freed, still holding the last tenant's keys and values
    CLEAN = auto()
    EVICTED = auto()


class RegionError(Exception):
    """A step that the region's state or owner does not permit."""


class Region:
    """A block of cache memory and who may touch it."""

    __slots__ = ("data", "id", "state", "tenant")

    def __init__(self, id: int, tenant: str, size: int) -> None:
        self.id = id
        self.tenant = tenant
        self.data = bytearray(size)
        self.state = State.LIVE


class CacheTracer:
    """Allocates regions and records every step; safe to share between threads."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sinks: Iterable[Sink] = (),
        reuse_dirty: bool = False,
    ) -> None:
        self._clock = clock
        self._sinks = tuple(sinks)
        self._reuse_dirty = reuse_dirty
        self._lock = threading.Lock()
        self._regions: dict[int, Region] = {}
        self._events: list[Event] = []

    @property
    def events(self) -> tuple[Event, ...]:
        with self._lock:
            return tuple(self._events)

    def regions(self, tenant: str | None = None) -> list[int]:
        """IDs of the live regions, of one tenant or of all."""
        with self._lock:
            return [
                region.id
                for region in self._regions.values()
                if region.state is State.LIVE and tenant in (None, region.tenant)
            ]

    def allocate(self, tenant: str, size: int) -> int:
        """A region of exactly ``size`` bytes: a pooled one where there is one."""
        if size <= 0:
            raise ValueError(f"size must be positive, got {size}")
        with self._lock:
            pooled = self._pooled(size)
            if pooled is None:
                region = Region(len(self._regions) + 1, tenant, size)
                self._regions[region.id] = region
                self._record(EventKind.ALLOCATE, region)
                return region.id
            previous = pooled.tenant
            pooled.tenant = tenant
            pooled.state = State.LIVE
            self._record(EventKind.REUSE, pooled)
            return pooled.id

    def write(self, region_id: int, tenant: str, data: bytes) -> None:
        region = self._get(region_id, State.LIVE)
        if region.tenant != tenant:
            raise RegionError(f"region {region_id} belongs to {region.tenant}, not to {tenant}")
        if len(data) > len(region.data):
            raise RegionError(f"region {region_id} holds {len(region.data)} bytes, got {len(data)}")
        region.data[: len(data)] = data

    def read(self, region_id: int, tenant: str) -> bytes:
        """What the tenant would see: the whole region, leftovers included."""
        region = self._get(region_id, State.LIVE)
        if region.tenant != tenant:
            raise RegionError(f"region {region_id} belongs to {region.tenant}, not to {tenant}")
        return bytes(region.data)

    def free(self, region_id: int) -> None:
        region = self._get(region_id, State.LIVE)
        with self._lock:
            region.state = State.DIRTY
            self._record(EventKind.FREE, region)

    def sanitize(self, region_id: int, pause: float = 0.0, limit: int | None = None) -> int:
        """Overwrite a freed region with zeros; returns the bytes wiped.

        ``pause`` seconds lie between two pages, so that a large wipe does not
        stall decoding. ``limit`` stops early (a budget per scheduler tick): the
        region then stays dirty and the event says how far the wipe came.
        """
        region = self._get(region_id, State.DIRTY)
        end = len(region.data) if limit is None else min(limit, len(region.data))
        started = self._clock()
        for start in range(0, end, PAGE):
            stop = min(start + PAGE, end)
            region.data[start:stop] = bytes(stop - start)
            if pause:
                time.sleep(pause)
        took_ms = (self._clock() - started) * 1000.0
        with self._lock:
            if end == len(region.data):
                region.state = State.CLEAN
            self._record(EventKind.SANITIZE, region, wiped=end, took_ms=took_ms)
        return end

    def evict(self, region_id: int) -> None:
        """Give the memory back to the device, wiped or not."""
        region = self._get(region_id, State.DIRTY, State.CLEAN)
        with self._lock:
            region.state = State.EVICTED
            region.data = bytearray()
            self._record(EventKind.EVICT, region)

    def _pooled(self, size: int) -> Region | None:
        usable = {State.CLEAN, State.DIRTY} if self._reuse_dirty else {State.CLEAN}
        for region in self._regions.values():
            if region.state in usable and len(region.data) == size:
                return region
        return None

    def _get(self, region_id: int, *allowed: State) -> Region:
        region = self._regions.get(region_id)
        if region is None:
            raise RegionError(f"no region {region_id}")
        if region.state not in allowed:
            raise RegionError(f"region {region_id} is {region.state.name.lower()}")
        return region

    def _record(
        self, kind: EventKind, region: Region, wiped: int = 0, took_ms: float = 0.0
    ) -> None:
        event = Event(
            kind, region.id, region.tenant, len(region.data), self._clock(), wiped, took_ms
        )
        self._events.append(event)
        for sink in self._sinks:
            sink(event)
