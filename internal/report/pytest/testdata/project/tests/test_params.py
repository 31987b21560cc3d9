import pytest


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1, id="with space"),
        pytest.param(2, id="a - b"),
        pytest.param(3, id="x::y"),
        pytest.param(4, id="list[0]"),
        pytest.param(5, id="ümlaut-☃"),
        pytest.param(6, id="a.b/c.py"),
        pytest.param(7, id="ok"),
        pytest.param(8, id=""),
    ],
)
def test_value(value):
    assert value == 7


class TestClass:
    @pytest.mark.parametrize("a", [1, 2])
    @pytest.mark.parametrize("b", ["x", "y"])
    def test_pair(self, a, b):
        assert (a, b) == (1, "x")
