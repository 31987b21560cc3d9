"""A cart, as small as a cart can be.

>>> total([1, 2])
4
>>> undefined_name
1
"""


class CartError(Exception):
    pass


def total(prices):
    """Add prices.

    >>> total([1, 2, 3])
    6
    """
    return sum(prices)


def price_of(catalogue, name):
    try:
        return catalogue[name]
    except KeyError as err:
        raise CartError(f"no price for {name!r}\nknown: {sorted(catalogue)}") from err


def parse(text):
    try:
        return int(text)
    except ValueError:
        return text.missing_attribute


def forever(n):
    return forever(n + 1)
