"""What the desk has to do, as text and as JSON."""

import json
from collections import Counter
from datetime import datetime

from desk.parse import words
from desk.tickets import Ticket, by_state


def late(tickets: list[Ticket], now: datetime) -> list[int]:
    return sorted(ticket.number for ticket in tickets if ticket.overdue(now))


def subjects(tickets: list[Ticket], most: int = 2) -> list[str]:
    counts = Counter(word for ticket in tickets for word in words(ticket.title))
    return [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]]


def document(tickets: list[Ticket], now: datetime) -> str:
    body = {"states": by_state(tickets), "late": late(tickets, now), "subjects": subjects(tickets)}
    return json.dumps(body, sort_keys=True)


def line(tickets: list[Ticket], now: datetime) -> str:
    body = json.loads(document(tickets, now))
    return f"{sum(body['states'].values())} tickets, {len(body['late'])} late"
