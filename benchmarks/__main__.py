"""`make bench`: every figure next to a reference of the same run, several times in turn; the ratio is what counts."""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import Benchmark, Row
from benchmarks.reading import comparison
from benchmarks.server import running
from tests.faults.installation import Installation


def compare(benchmark: Benchmark, rounds: int) -> Row:
    """Measure in turn, so that other load on the machine affects both."""
    row, ours, theirs = benchmark
    for number in range(rounds):
        row.ours.append(ours())
        row.theirs.append(theirs())
        print(f"{row.name}: round {number + 1} of {rounds}", file=sys.stderr)
    return row


def measure(installation: Installation, rounds: int, name_part: str) -> list[Row]:
    """Run the benchmarks whose name contains `name_part` on a running installation."""
    from benchmarks import events, history, ingest, latency, live_class, processing, pure

    return [
        compare(benchmark, rounds)
        for module in (pure, processing, events, ingest, history, latency, live_class, comparison)
        for benchmark in module.benchmarks(installation)
        if name_part in benchmark.row.name
    ]


def report(rows: list[Row], rounds: int) -> None:
    """Print the Markdown table."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"\n{machine}, {rounds} rounds in turn\n")
    print("| what | ours | reference | figure | ratio, median (range) |\n|---|---|---|---|---|")
    for row in rows:
        print(row.line())


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="only benchmarks whose name holds this")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    with running() as installation:
        rows = measure(installation, arguments.rounds, arguments.only)
    report(rows, arguments.rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) | {"ratios": row.ratios} for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
