"""What is in the shop, and who has put it aside."""

import threading
from collections import Counter


class OutOfStock(Exception):
    pass


class Stock:
    def __init__(self, counts: dict[str, int]):
        self.counts = Counter(counts)
        self.held: dict[str, Counter] = {}
        self.lock = threading.Lock()

    def free(self, name: str) -> int:
        held = sum(held[name] for held in self.held.values())
        return self.counts[name] - held

    def hold(self, who: str, name: str, count: int = 1) -> None:
        with self.lock:
            if self.free(name) < count:
                raise OutOfStock(f"{count} of {name} wanted, {self.free(name)} left")
            self.held.setdefault(who, Counter())[name] += count

    def take(self, who: str) -> dict[str, int]:
        with self.lock:
            taken = self.held.pop(who)
            self.counts.subtract(taken)
            return dict(taken)

    def missing(self, below: int = 1) -> list[str]:
        return sorted(name for name, count in self.counts.items() if count < below)
