from shop import tax


def test_of():
    assert tax.of(100) == 19
