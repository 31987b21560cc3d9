import shop


def test_member():
    assert shop.price(100, member=True) == 90


def test_total():
    assert shop.total([1, 2]) == 3
