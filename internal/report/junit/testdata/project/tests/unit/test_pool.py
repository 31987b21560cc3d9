import pytest


class TestPool:
    class TestInner:
        def test_deep(self):
            assert [1, 2] == [1, 3]

    @pytest.mark.parametrize("dtype", ["fp16", "a::b.c/d]", "\x1b[31m"])
    def test_dtype(self, dtype):
        assert dtype != "fp16"

    @pytest.mark.skip(reason="needs a GPU")
    def test_gpu(self):
        pass

    @pytest.mark.xfail(reason="known leak")
    def test_leak(self):
        raise RuntimeError("leaked 3 pages")


@pytest.fixture
def broken_before():
    raise OSError("no such device")


@pytest.fixture
def broken_after():
    yield
    raise ValueError("pool not empty")


def test_setup(broken_before):
    pass


def test_teardown(broken_after):
    pass


def test_both(broken_after):
    print("a line of output")
    assert False, "call failed, too"
