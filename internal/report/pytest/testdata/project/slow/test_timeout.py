import time

import pytest


@pytest.mark.timeout(0.3)
def test_hangs():
    time.sleep(60)


def test_quick():
    time.sleep(0.02)
