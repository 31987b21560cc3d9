from shop import cart


def test_sum():
    assert cart.total(100) == 119
