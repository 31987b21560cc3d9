import faulthandler
import os
import signal


def test_before():
    pass


def test_segv():
    os.kill(os.getpid(), signal.SIGSEGV)


def test_after():
    pass
