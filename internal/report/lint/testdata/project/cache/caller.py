from cache.store import keys, load, missing

load(3)
keys(load("x"), default="y", extra=1)
reveal_type(load("x"))


class Evictor:
    def evict(self, n: int) -> int:
        return n


class Lru(Evictor):
    def evict(self, n: str) -> int:
        return 0
