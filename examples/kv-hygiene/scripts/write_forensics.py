"""Serve a few made-up requests and leave the forensics that a real run would leave.

    python scripts/write_forensics.py OUT

writes OUT/kv_cache.log with its rotated predecessors, OUT/eviction_metrics.json
and OUT/events.jsonl. Time is a counter and not the clock: the same arguments
write the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.activation_logger import SECRET_ENV, ActivationLogger, verify  # noqa: E402
from tools.cache_tracer import CacheTracer  # noqa: E402
from tools.events import Event  # noqa: E402
from tools.eviction_checker import EvictionChecker  # noqa: E402

EPOCH = 1_736_937_000.0  # 2025-01-15T10:30:00Z

TENANTS = ("acme", "Zürich-Klinik", "東京広告", "naïve-bot 🤖", "مختبر")

# Numbers that JSON writers spell in different ways, and text that they escape in different ways.
NUMBERS = (
    1e-07, 1.0, 0.1 + 0.2, -0.0, 1e16, 1e22, 5e-324, 123456789012345680.0, 1.5e300, 0.0001, 1e-05,
    2**53 + 1, 0, -1,
)  # fmt: skip
TEXTS = (
    "plain",
    "tab\tand\nnew line",
    'quote " and back\\slash',
    "</script><!-- & -->",
    "line\u2028separator, nul \x00, delete \x7f",
    "e\u0301 is not \u00e9",
    "𝒦𝒱-cache 🧊",
    "half an emoji \ud83e",  # a prompt cut in the middle of a surrogate pair
)


def ticks(step: float = 0.125) -> Iterator[float]:
    now = EPOCH
    while True:
        yield now
        now += step


def serve(tracer: CacheTracer, requests: int, leak: bool) -> None:
    """Each request takes a region, is answered, and gives it back wiped."""
    for number in range(requests):
        tenant = TENANTS[number % len(TENANTS)]
        region = tracer.allocate(tenant, 4096 * (1 + number % 3))
        tracer.write(region, tenant, f"keys and values of {tenant}".encode())
        tracer.free(region)
        if leak and number == requests // 2:
            tracer.sanitize(region, limit=4000)
            tracer.evict(region)
            continue
        tracer.sanitize(region)
        if number % 7 == 6:
            tracer.evict(region)


def write(out: Path, args: argparse.Namespace) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    clock = ticks().__next__
    secret = os.environ.get(args.secret_env, "").encode("utf-8")
    logger = ActivationLogger(
        out / "kv_cache.log",
        secret=secret or None,
        max_bytes=args.max_bytes,
        clock=clock,
        ascii_lines=args.ascii,
    )
    count = 0

    def sink(event: Event) -> None:
        nonlocal count
        fields: dict[str, Any] = event.to_record()
        kind = fields.pop("kind")
        fields["größe"] = NUMBERS[count % len(NUMBERS)]
        fields["prompt"] = {"text": TEXTS[count % len(TEXTS)], "layers": [1.0, 2, None, True]}
        logger.log(kind, **fields)
        count += 1

    tracer = CacheTracer(clock=clock, sinks=[sink])
    serve(tracer, args.requests, args.leak)
    report = EvictionChecker().check(tracer.events)

    metrics = out / "eviction_metrics.json"
    metrics.write_text(json.dumps(report.as_metrics(), indent=2, sort_keys=True) + "\n")
    events = out / "events.jsonl"
    lines = (json.dumps(event.to_record(), ensure_ascii=False) for event in tracer.events)
    events.write_text("\n".join(lines) + "\n", encoding="utf-8")

    problems = verify(logger.path, secret or None)
    if problems:
        raise RuntimeError("; ".join(map(str, problems)))
    return sorted([*out.glob("kv_cache*.log"), metrics, events])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the forensics of a made-up run.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--max-bytes", type=int, default=16_384, help="rotate at this size")
    parser.add_argument("--secret-env", default=SECRET_ENV, metavar="NAME")
    parser.add_argument("--ascii", action="store_true", help="escape non-ASCII in the lines")
    parser.add_argument("--leak", action="store_true", help="evict one region before it is wiped")
    args = parser.parse_args(argv)
    if any(args.out.glob("kv_cache*.log")):
        parser.error(f"{args.out} already holds a log: forensics are never overwritten")
    for path in write(args.out, args):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
