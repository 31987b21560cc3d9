import pytest

from shop.prices import Price, cheapest, load


def test_books_have_the_lower_rate():
    assert Price(2900, "book").gross() == 3103


def test_gross_is_rounded_up():
    assert Price(50, "food").gross() == 54


@pytest.mark.parametrize(("percent", "net"), [(0, 700), (10, 630), (50, 350), (100, 0)])
def test_reductions(percent, net):
    assert Price(700).reduced(percent).net == net


def test_a_reduction_has_bounds():
    with pytest.raises(ValueError, match="101 percent"):
        Price(700).reduced(101)


def test_the_table_is_read():
    assert sorted(load()) == ["apple", "atlas", "lamp", "rope"]


def test_the_cheapest_come_first():
    assert cheapest(load(), 2) == ["apple", "rope"]


def test_kinds_survive_the_table():
    assert {name: price.kind for name, price in load().items()} == {"apple": "food", "atlas": "book", "lamp": "other", "rope": "other"}
