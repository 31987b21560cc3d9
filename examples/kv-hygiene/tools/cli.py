"""The command line: ``python -m tools.cli check|verify``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.activation_logger import SECRET_ENV, verify
from tools.events import Event
from tools.eviction_checker import EvictionChecker, Thresholds, verdict
from tools.isolation import IsolationPolicy


def read_events(path: Path) -> Iterator[Event]:
    """Events of a JSON Lines file; blank lines are skipped, a bad one is named."""
    with path.open(encoding='utf-8') as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield Event.from_record(json.loads(line))
            except ValueError as error:
                raise ValueError(f'{path.name}:{number}: {error}') from error

def check(args: argparse.Namespace) -> int:
    events = list(read_events(args.events))
    report = EvictionChecker(quarantined=args.quarantined).check(events)
    answer = verdict(report.as_metrics(), Thresholds(min_coverage_pct=args.min_coverage_pct))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(answer, indent=2, sort_keys=True) + '\n', encoding='utf-8')
    for failure in answer['failures']:
        print(f"FAIL {failure['metric']}: {failure['actual']}")
    violations = IsolationPolicy().violations(events)
    for violation in violations:
        print(f'FAIL {violation}')
    print(f"{report.coverage_pct:.2f} % of {len(report.releases)} released regions wiped")
    return 0 if answer['pass'] and not violations else 1

def verify_log(args: argparse.Namespace) -> int:
    secret = os.environ.get(args.secret_env, '').encode('utf-8')
    problems = verify(args.log, secret or None)
    for problem in problems:
        print(problem)
    if not problems:
        print(f'{args.log.name}: the chain holds')
    return 1 if problems else 0

def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog='kv-hygiene', description=__doc__)
    commands = root.add_subparsers(dest='command', required=True)

    checking = commands.add_parser('check', help='judge the events of a JSON Lines file')
    checking.add_argument('events', type=Path)
    checking.add_argument('--min-coverage-pct', type=float, default=99.9)
    checking.add_argument('--quarantined', type=int, nargs='*', default=[], metavar='REGION')
    checking.add_argument('--out', type=Path, help='write the verdict to this file')
    checking.set_defaults(run=check)

    verifying = commands.add_parser('verify', help='verify a forensic log and its rotations')
    verifying.add_argument('log', type=Path)
    verifying.add_argument('--secret-env', default=SECRET_ENV, metavar='NAME')
    verifying.set_defaults(run=verify_log)
    return root

def main(argv: Sequence[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        status: int = args.run(args)
    except (OSError, ValueError) as error:
        print(f'kv-hygiene: {error}', file=sys.stderr)
        return 2
    return status


if __name__ == '__main__':
    sys.exit(main())
