import pytest

runs = {"second": 0}


def test_second_time():
    runs["second"] += 1
    assert runs["second"] > 1, "not the first time"


def test_never():
    raise TimeoutError("still no answer")


@pytest.fixture
def shaky():
    runs["shaky"] = runs.get("shaky", 0) + 1
    if runs["shaky"] < 2:
        raise ConnectionResetError("peer went away")


def test_shaky_setup(shaky):
    pass
