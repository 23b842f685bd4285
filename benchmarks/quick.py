"""`make bench-quick`: the comparisons that have a target, in a few minutes.

Every round verifies the rows that it has made. Other work on the machine makes ratios smaller too, as a server is several
processes and a reference is one: so a ratio is a failure only where even the best round is below half of its target, and
none is where others use much of the machine. The rows count always.
"""

import argparse
import os
import sys

import psutil

from benchmarks.__main__ import report, tell
from benchmarks.figures import compare
from benchmarks.server import running

ROUNDS = 3
# Percent of the machine that others may use where ratios are judged.
MOST_USED_BY_OTHERS = 40.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-quick", description="Compare what has a target, in a few minutes.")
    parser.add_argument(
        "--tell", action="store_true", help="only tell ratios: for machines that are shared; rows are judged"
    )
    options = parser.parse_args()
    used = psutil.cpu_percent(interval=2.0)
    with running() as installation:
        from benchmarks import batches, ingest, processing

        rows = [
            row
            for part in (processing, ingest, batches)
            for group in part.quick(installation)
            for row in compare(group, ROUNDS, tell)
        ]
    report(rows, ROUNDS)
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\nOthers used {used:.0f} % of the machine before; its load after: {loads}")
    far_off = [row for row in rows if row.is_far_off]
    for row in far_off:
        print(f"below half of its target, {row.target}: {row.name}", file=sys.stderr)
    if options.tell or used > MOST_USED_BY_OTHERS:
        print("ratios are told and not judged: the machine is shared", file=sys.stderr)
        return 0
    return 1 if far_off else 0


if __name__ == "__main__":
    sys.exit(main())
