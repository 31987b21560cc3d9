from datetime import datetime, timedelta

import pytest

from desk.tickets import Forbidden, Ticket, by_state

DAY = datetime(2024, 5, 1)


def test_a_ticket_moves():
    ticket = Ticket(1, "printer", DAY)
    ticket.move("open")
    assert ticket.state == "open"
    assert ticket.notes == ["new -> open"]


@pytest.mark.parametrize("state", ["waiting", "moon"])
def test_not_everything_follows(state):
    with pytest.raises(Forbidden, match="cannot follow new"):
        Ticket(1, "printer", DAY).move(state)


def test_overdue_after_a_week():
    ticket = Ticket(1, "printer", DAY)
    assert not ticket.overdue(DAY + timedelta(days=7))
    assert ticket.overdue(DAY + timedelta(days=8))


def test_states_are_counted():
    assert by_state([Ticket(1, "a", DAY), Ticket(2, "b", DAY, "open"), Ticket(3, "c", DAY)]) == {"new": 2, "open": 1}
