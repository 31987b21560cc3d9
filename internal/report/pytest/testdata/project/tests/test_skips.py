import sys

import pytest


@pytest.mark.skip(reason="not on this machine")
def test_skip():
    pass


@pytest.mark.skipif(sys.version_info > (3,), reason="python 2 only: really")
def test_skipif():
    pass


def test_inside():
    pytest.skip("decided at run time")


@pytest.mark.xfail(reason="known bug")
def test_xfail():
    assert 0


@pytest.mark.xfail(reason="thought broken")
def test_xpass():
    pass


@pytest.mark.xfail(strict=True, reason="must stay broken")
def test_xpass_strict():
    pass


@pytest.fixture
def failing():
    raise RuntimeError("setup")


@pytest.mark.xfail(reason="setup is known to break")
def test_xfail_setup(failing):
    pass


def test_passes():
    pass
