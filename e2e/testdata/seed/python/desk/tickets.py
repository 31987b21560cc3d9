"""Tickets of a help desk: states, and what may follow what."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

NEXT = {"new": ("open", "closed"), "open": ("waiting", "closed"), "waiting": ("open", "closed"), "closed": ()}


class Forbidden(ValueError):
    """A state that cannot follow the present one."""


@dataclass
class Ticket:
    number: int
    title: str
    opened: datetime
    state: str = "new"
    notes: list[str] = field(default_factory=list)

    def move(self, state: str) -> None:
        if state not in NEXT[self.state]:
            raise Forbidden(f"{state} cannot follow {self.state}")
        self.notes.append(f"{self.state} -> {state}")
        self.state = state

    def age(self, now: datetime) -> timedelta:
        return now - self.opened

    def overdue(self, now: datetime, days: int = 7) -> bool:
        return self.state != "closed" and self.age(now).days > days


def by_state(tickets: list[Ticket]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for ticket in tickets:
        counts[ticket.state] = counts.get(ticket.state, 0) + 1
    return counts
