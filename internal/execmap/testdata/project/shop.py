"""Prices."""


def price(n, member=False):
    if member:
        return n * 90 // 100
    return n


def total(items):
    out = 0
    for item in items:
        out += price(item)
    return out


def unused():
    return 1
