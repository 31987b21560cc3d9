"""Prices in cents, and what changes them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("prices.json")
VAT = {"food": 7, "book": 7, "other": 19}


@dataclass(frozen=True)
class Price:
    net: int
    kind: str = "other"

    def gross(self) -> int:
        return math.ceil(self.net * (100 + VAT[self.kind]) / 100)

    def reduced(self, percent: int) -> "Price":
        if not 0 <= percent <= 100:
            raise ValueError(f"a reduction of {percent} percent")
        return Price(self.net * (100 - percent) // 100, self.kind)


def load(path: Path = TABLE) -> dict[str, Price]:
    rows = json.loads(path.read_text())
    return {row["name"]: Price(row["net"], row["kind"]) for row in rows}


def cheapest(prices: dict[str, Price], count: int = 1) -> list[str]:
    ordered = sorted(prices, key=lambda name: (prices[name].net, name))
    return ordered[:count]
