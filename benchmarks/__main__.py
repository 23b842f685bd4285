"""`make bench`: every figure next to a reference of the same run, several times in turn; the ratio is what counts."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import Row
from tests.faults.installation import Installation


def compare(row: Row, ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Row:
    """Measure in turn: what the machine does meanwhile hits both."""
    for number in range(rounds):
        row.ours.append(ours())
        row.theirs.append(theirs())
        print(f"{row.name}: round {number + 1} of {rounds}", file=sys.stderr)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="only benchmarks whose name holds this")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="learntrace-bench-"))
    folder.chmod(0o755)
    installation = Installation(folder / "home")
    try:
        installation.start()
        os.environ |= {
            "LEARNTRACE_DATABASE_URL": installation.database_url, "LEARNTRACE_HOME": str(installation.home),
            "DJANGO_SETTINGS_MODULE": "learntrace.config.settings", "LEARNTRACE_LOG_LEVEL": "warning",
        }  # fmt: skip
        import django

        django.setup()
        from benchmarks import events, history, ingest, latency, pages, processing, pure

        rows = [
            compare(*bench, chosen.rounds)
            for module in (pure, processing, events, ingest, history, latency, pages)
            for bench in module.benchmarks(installation)
            if chosen.only in bench[0].name
        ]
    finally:
        installation.clear()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"{chosen.rounds} rounds in turn\n")  # fmt: skip
    print("| what | ours | reference | figure | ratio, median (range) |\n|---|---|---|---|---|")
    for row in rows:
        print(row.line())
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(row) | {"ratios": row.ratios} for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
