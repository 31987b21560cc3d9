import pytest

from shop.cart import CartError, forever, parse, price_of


def test_cause():
    price_of({"apple": 3}, "pear")


def test_context():
    parse("twelve")


def test_recursion():
    forever(0)


def test_multiline_message():
    raise CartError("first line\nsecond line\n\nfourth line")


def test_no_message():
    raise CartError


def test_fail():
    pytest.fail("given up - for good")


def test_fail_without_trace():
    pytest.fail("no trace wanted", pytrace=False)


def test_group():
    raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])


def test_long_line():
    raise RuntimeError("x" * 300)


def test_unicode():
    raise RuntimeError("größer als ☃ erwartet 💥")


def test_exec():
    exec("1/0")


def test_library():
    import json

    json.loads("{broken")
