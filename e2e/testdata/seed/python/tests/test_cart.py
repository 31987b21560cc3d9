import pytest

from shop.cart import Cart, receipt


def test_a_total_is_gross(stock):
    cart = Cart("ann", stock)
    cart.add("apple", 2)
    cart.add("lamp")
    assert cart.total() == 108 + 5355


def test_the_better_voucher_counts(stock):
    cart = Cart("ann", stock)
    cart.add("atlas")
    cart.redeem(50)
    cart.redeem(20)
    assert cart.total() == 1552


def test_unknown_things_are_not_sold(stock):
    with pytest.raises(LookupError, match="nobody sells 'moon'"):
        Cart("ann", stock).add("moon")


def test_checkout_prints_a_receipt(stock):
    cart = Cart("ann", stock)
    cart.add("apple", 2)
    assert cart.checkout() == "ann: 2 x apple = 1.08"


def test_receipts_are_sorted():
    assert receipt("bob", {"rope": 1, "lamp": 2}, 100) == "bob: 2 x lamp, 1 x rope = 1.00"
