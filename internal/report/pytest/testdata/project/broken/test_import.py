from shop.warehouse import stock


def test_stock():
    assert stock
