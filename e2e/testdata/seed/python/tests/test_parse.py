from datetime import datetime

import pytest

from desk.parse import Malformed, ticket, tickets, words


def test_a_line_is_a_ticket():
    got = ticket(1, "#7 [open] printer on fire @2024-05-01")
    assert got.number == 7
    assert got.state == "open"
    assert got.opened == datetime(2024, 5, 1)


def test_blank_lines_are_passed_over(text):
    assert [t.number for t in tickets(text)] == [1, 2, 3]


def test_the_line_is_named():
    with pytest.raises(Malformed, match="line 4"):
        ticket(4, "nonsense")


def test_short_words_say_little():
    assert words("The printer is on fire") == ["printer", "fire"]
