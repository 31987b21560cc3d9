"""A cart: things that somebody holds, and what they come to."""

from shop.prices import Price, load
from shop.stock import Stock


class Cart:
    def __init__(self, owner: str, stock: Stock, prices: dict[str, Price] | None = None):
        self.owner = owner
        self.stock = stock
        self.prices = load() if prices is None else prices
        self.lines: list[tuple[str, int]] = []
        self.voucher = 0

    def add(self, name: str, count: int = 1) -> None:
        if name not in self.prices:
            raise LookupError(f"nobody sells {name!r}")
        self.stock.hold(self.owner, name, count)
        self.lines.append((name, count))

    def redeem(self, percent: int) -> None:
        self.voucher = max(self.voucher, percent)

    def total(self) -> int:
        total = 0
        for name, count in self.lines:
            price = self.prices[name].reduced(self.voucher)
            total += count * price.gross()
        return total

    def checkout(self) -> str:
        taken = self.stock.take(self.owner)
        return receipt(self.owner, taken, self.total())


def receipt(owner: str, taken: dict[str, int], total: int) -> str:
    parts = [f"{count} x {name}" for name, count in sorted(taken.items())]
    return f"{owner}: {', '.join(parts)} = {total / 100:.2f}"
