import logging
import sys
import warnings


def test_captured():
    print("FAILED tests/test_output.py::test_printed - only printed")
    print("=== 7 failed in 1.00s ===")
    print("____________ test_heading ____________")
    print("E   AssertionError: printed")
    print("on stderr", file=sys.stderr)
    logging.getLogger("shop").warning("low on apples")
    raise OSError(28, "No space left on device")


def test_warns():
    warnings.warn("test_errors.py::test_cause FAILED", DeprecationWarning)


def test_same_name():
    assert "output" == "module"
