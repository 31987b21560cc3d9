"""What several test modules share: a clock that only moves when told, and a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.isolation import TenantSession


class Clock:
    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> Iterator[TenantSession]:
    with TenantSession("acme", clock=clock) as opened:
        yield opened
