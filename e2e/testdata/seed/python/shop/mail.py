"""Messages to customers."""

import re
from datetime import date, timedelta

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]+")


class Outbox:
    def __init__(self):
        self.sent = []

    def send(self, to: str, subject: str, body: str) -> None:
        if not ADDRESS.fullmatch(to):
            raise ValueError(f"{to} is no address")
        self.sent.append({"to": to, "subject": subject, "body": body})


def reminder(outbox: Outbox, to: str, today: date, days: int = 14) -> date:
    due = today + timedelta(days=days)
    outbox.send(to, "Your order", f"Please pay by {due.isoformat()}.")
    return due


def subjects(outbox: Outbox) -> list[str]:
    return [message["subject"] for message in outbox.sent]
