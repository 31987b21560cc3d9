"""Print N random JSON texts with their canonical form, each pair as a JSON list on a line."""

import json
import random
import struct
import sys

rng = random.Random(20250115)
ALPHABET = ['"', "\\", "/", "\b", "\f", "\n", "\r", "\t", "\x00", "\x1f", "\x7f", " ", "a", "Z", "é", "ß", "\u2028", "\ufeff", "\uffff", "東", "🤖", "𝒦"]


def text():
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(9)))


def number():
    kind = rng.randrange(7)
    if kind == 0:
        return rng.randrange(-(10**25), 10**25)
    if kind == 1:
        return rng.randrange(-1000, 1000)
    if kind == 2:
        return struct.unpack("<d", rng.randbytes(8))[0]  # any bits: denormal, NaN, infinite
    if kind == 3:
        return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-8, 20)
    if kind == 4:
        return round(rng.uniform(-100, 100), rng.randrange(6))
    if kind == 5:
        return 1736937000 + rng.random()
    return rng.choice([0, -0.0, 0.0, 1e16, 1e15, 9.999999999999999e15, 1e-4, 9.999e-5, 1e22, 1e23, 5e-324, 2.0**53])


def value(depth):
    kind = rng.randrange(8 if depth else 5)
    if kind < 2:
        return number()
    if kind < 4:
        return text()
    if kind == 4:
        return rng.choice([True, False, None])
    if kind < 6:
        return [value(depth - 1) for _ in range(rng.randrange(4))]
    return {text(): value(depth - 1) for _ in range(rng.randrange(7))}


def respell(number_text):
    """The same number as somebody else may write it."""
    way = rng.randrange(4)
    if way == 0 and "." in number_text and "e" not in number_text:
        return number_text + "0" * rng.randrange(3)
    if way == 1 and "e" in number_text:
        return number_text.replace("e", "E").replace("+", "")
    if way == 2 and "." in number_text and "e" not in number_text:
        return f"{float(number_text):.17e}"
    return number_text


for _ in range(int(sys.argv[1])):
    record = {text(): value(3) for _ in range(rng.randrange(12))}
    spelled = json.dumps(
        record,
        ensure_ascii=rng.random() < 0.5,
        indent=rng.choice([None, None, 1, "\t"]),
        separators=rng.choice([None, (",", ":"), (" , ", " : ")]),
    )
    if rng.random() < 0.3:
        spelled = spelled.replace("/", "\\/")
    if rng.random() < 0.5 and spelled != "{}":  # equal keys: the last one counts
        spelled = spelled.rstrip()[:-1] + ',"a":' + respell(repr(rng.uniform(-9, 9))) + ',"a":' + respell(repr(rng.random() / 10**6)) + "}"
    canonical = json.dumps(json.loads(spelled), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    print(json.dumps([spelled, canonical]))
