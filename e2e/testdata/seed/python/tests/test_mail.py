from datetime import date

import pytest

from shop.mail import reminder, subjects


def test_reminders_are_sent(outbox):
    assert reminder(outbox, "ann@example.com", date(2024, 2, 20)) == date(2024, 3, 5)
    assert outbox.sent[0]["body"] == "Please pay by 2024-03-05."


def test_subjects_are_listed(outbox):
    reminder(outbox, "ann@example.com", date(2024, 2, 20), days=7)
    assert subjects(outbox) == ["Your order"]


def test_an_address_is_checked(outbox):
    with pytest.raises(ValueError, match="ann is no address"):
        reminder(outbox, "ann", date(2024, 2, 20))
