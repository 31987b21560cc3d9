"""Reads tickets from the lines of a file."""

import re
from datetime import datetime

from desk.tickets import Ticket

LINE = re.compile(r"#(\d+) \[(\w+)\] (.+) @(\d{4}-\d{2}-\d{2})")


class Malformed(Exception):
    def __init__(self, line: int, text: str):
        super().__init__(f"line {line}: {text!r} is no ticket")
        self.line = line


def ticket(line: int, text: str) -> Ticket:
    match = LINE.fullmatch(text.strip())
    if match is None:
        raise Malformed(line, text)
    number, state, title, day = match.groups()
    return Ticket(int(number), title, datetime.fromisoformat(day), state)


def tickets(text: str) -> list[Ticket]:
    return [ticket(n, row) for n, row in enumerate(text.splitlines(), 1) if row.strip()]


def words(title: str) -> list[str]:
    return [word.lower() for word in re.findall(r"\w+", title) if len(word) > 3]
