"""What happens to a region of the KV cache, as values that can be written down.

This module knows the five kinds of events and their JSON form. It does not
know who records them or who judges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    ALLOCATE = "allocate"
    REUSE = "reuse"
    FREE = "free"
    SANITIZE = "sanitize"
    EVICT = "evict"


@dataclass(frozen=True, slots=True)
class Event:
    """One step in the life of a region.

    ``wiped`` (bytes) and ``took_ms`` carry a value for SANITIZE only.
    """

    kind: EventKind
    region: int
    tenant: str
    size: int
    at: float
    wiped: int = 0
    took_ms: float = 0.0

    def to_record(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "kind": self.kind.value,
            "region": self.region,
            "tenant": self.tenant,
            "size": self.size,
            "at": self.at,
        }
        if self.kind is EventKind.SANITIZE:
            record["wiped"] = self.wiped
            record["took_ms"] = self.took_ms
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Event:
        """Read the form that ``to_record`` writes; ValueError names the bad key."""
        missing = sorted({"kind", "region", "tenant", "size", "at"} - record.keys())
        if missing:
            raise ValueError(f"event lacks {', '.join(missing)}")
        try:
            kind = EventKind(record["kind"])
        except ValueError:
            raise ValueError(f"unknown event kind {record['kind']!r}") from None
        return cls(
            kind=kind,
            region=int(record["region"]),
            tenant=str(record["tenant"]),
            size=int(record["size"]),
            at=float(record["at"]),
            wiped=int(record.get("wiped", 0)),
            took_ms=float(record.get("took_ms", 0.0)),
        )
