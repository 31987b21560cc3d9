import pytest

from shop.mail import Outbox
from shop.stock import Stock


@pytest.fixture
def stock():
    return Stock({"apple": 10, "atlas": 1, "lamp": 2, "rope": 0})


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def text():
    return "#1 [new] printer on fire @2024-05-01\n\n#2 [open] printer jammed @2024-05-02\n#3 [closed] lost password @2024-05-19\n"
