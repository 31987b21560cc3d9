from datetime import datetime

from desk.parse import tickets
from desk.report import document, late, line, subjects

NOW = datetime(2024, 5, 20)


def test_what_is_late(text):
    assert late(tickets(text), NOW) == [1, 2]


def test_subjects_by_frequency(text):
    assert subjects(tickets(text)) == ["printer", "fire"]


def test_one_line(text):
    assert line(tickets(text), NOW) == "3 tickets, 2 late"


def test_the_document(text):
    assert document(tickets(text), NOW) == '{"late": [1, 2], "states": {"closed": 1, "new": 1, "open": 1}, "subjects": ["printer", "fire"]}'
