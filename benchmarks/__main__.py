"""`make bench`: every figure next to a reference of the same run, several times in turn; the ratio is what counts."""

import argparse
import importlib
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import Group, Row, compare
from benchmarks.server import running
from tests.faults.installation import Installation

_BEGAN = time.monotonic()
# In this order; each is a module with `benchmarks(installation)`, which yields comparisons or groups of them.
PARTS = (
    "pure", "processing", "events", "batches", "ingest", "backpressure", "history", "latency", "live_class",
    "reading.comparison",
)  # fmt: skip


def groups(part: str, installation: Installation) -> Iterator[Group]:
    """Yield the groups of a part; a comparison by itself is a group of one."""
    for each in importlib.import_module(f"benchmarks.{part}").benchmarks(installation):
        yield each if isinstance(each, list) else [each]


def measure(installation: Installation, rounds: int, only: str) -> list[Row]:
    """Run the benchmarks of the part `only`, or those with `only` in their name, on a running installation."""
    rows = []
    for part in [only] if only in PARTS else PARTS:
        for group in groups(part, installation):
            chosen = group if only in PARTS else [benchmark for benchmark in group if only in benchmark.row.name]
            rows += compared(chosen, rounds)
    return rows


def compared(group: Group, rounds: int) -> list[Row]:
    """Compare; where a check fails, the group's rows say so, and the figures of the others aren't lost."""
    try:
        return compare(group, rounds, tell)
    except AssertionError as error:
        traceback.print_exc()
        for benchmark in group:
            benchmark.row.fail(str(error) or "a check, see the traceback")
        return [benchmark.row for benchmark in group]


def tell(progress: str) -> None:
    """Print how far the run is, and the minutes that it has taken."""
    print(f"{(time.monotonic() - _BEGAN) / 60:.1f} min: {progress}", file=sys.stderr, flush=True)


def report(rows: list[Row], rounds: int) -> None:
    """Print the Markdown table."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"\n{machine}, {rounds} rounds in turn\n")
    print("| what | ours | reference | figure | ratio, median (range) | targets |\n|---|---|---|---|---|---|")
    for row in rows:
        print(row.line())


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--only", default="", help=f"one part ({', '.join(PARTS)}), or benchmarks whose name holds this"
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    with running() as installation:
        rows = measure(installation, arguments.rounds, arguments.only)
    report(rows, arguments.rounds)
    tell("done")
    failed = [row.name for row in rows if row.failed]
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    if arguments.json:
        arguments.json.write_text(
            json.dumps([asdict(row) | {"ratios": row.ratios, "judgement": row.judgement()} for row in rows], indent=1)
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
