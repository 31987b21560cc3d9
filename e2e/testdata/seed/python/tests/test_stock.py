import pytest

from shop.stock import OutOfStock


def test_what_is_held_is_not_free(stock):
    stock.hold("ann", "apple", 3)
    assert stock.free("apple") == 7


def test_nobody_holds_more_than_there_is(stock):
    stock.hold("ann", "lamp", 2)
    with pytest.raises(OutOfStock, match="1 of lamp wanted, 0 left"):
        stock.hold("bob", "lamp")


def test_taking_reduces_the_stock(stock):
    stock.hold("ann", "apple", 4)
    assert stock.take("ann") == {"apple": 4}
    assert stock.counts["apple"] == 6


def test_what_is_missing(stock):
    assert stock.missing() == ["rope"]
    assert stock.missing(below=2) == ["atlas", "rope"]
