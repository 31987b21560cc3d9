import pytest


@pytest.mark.parametrize("n", [0])
def test_nothing_is_traced(n):
    assert len(CacheTracer().events) == n
