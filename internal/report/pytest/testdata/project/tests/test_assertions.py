import pytest


def test_dict():
    got = {"name": "apple", "price": 3, "tags": ["fruit", "red"]}
    assert got == {"name": "apple", "price": 4, "tags": ["fruit", "green"]}


def test_list():
    assert [1, 2, 3] == [1, 5, 3, 4], "the lists differ"


def test_text():
    assert "first\nsecond\nthird" == "first\nzweite\nthird"


def test_approx():
    assert 0.1 + 0.2 == pytest.approx(0.4)


def test_set():
    assert {1, 2} == {2, 3}


def test_raises():
    with pytest.raises(ValueError):
        pass


def test_bare():
    value = 0
    assert value


class TestBasket:
    class TestNested:
        def test_inner(self):
            assert len([1]) == 2

    def test_ok(self):
        pass

    def test_sum(self):
        assert sum([1, 2]) == 4
