import pytest


@pytest.fixture
def database():
    raise ConnectionError("could not connect to server: Connection refused")


@pytest.fixture
def leaky():
    yield 1
    raise RuntimeError("teardown broke")


def test_setup(database):
    pass


def test_teardown(leaky):
    pass


def test_both(leaky):
    assert leaky == 2


def test_unknown_fixture(no_such_fixture):
    pass


class TestGroup:
    @pytest.fixture(autouse=True)
    def prepare(self):
        open("/nonexistent/config.toml")

    def test_one(self):
        pass

    def test_two(self):
        pass
