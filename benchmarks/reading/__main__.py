"""What every page and every list costs: `python -m benchmarks.reading`, `--requests 40`, `--only "Class now"`, `--json`.

The database is filled by the first call, which takes some minutes, and kept. Processor time is what to look at on a
machine that others use; wall times are told with the machine's load.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.reading import database, streams
from benchmarks.reading.site import Site, open_site

HEAD = (
    "| what | CPU web ms | CPU database ms | CPU ms | wall p50 ms | wall p95 ms | KB | at most, p95 |\n"
    "|---|---|---|---|---|---|---|---|"
)


def report(site: Site, requests: int, name_part: str) -> list[dict[str, object]]:
    """Measure and print what has this in its name."""
    print(HEAD)
    figures = []
    for title, place in site.places():
        if name_part not in title:
            continue
        cost = site.cost(place, requests)
        p95 = cost.percentile(95)
        print(
            f"| {title} | {cost.web:.0f} | {cost.database:.0f} | {cost.cpu:.0f} | {cost.percentile(50):.0f} | {p95:.0f} | "
            f"{cost.size / 1024:.0f} | {place.target:.0f}{'' if p95 <= place.target else ' missed'} |",
            flush=True,
        )
        figures.append({"what": title, "target": place.target, **asdict(cost)})
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.reading", description=__doc__)
    parser.add_argument("--requests", type=int, default=20, help="of each path")
    parser.add_argument("--only", default="", help="only what has this in its name")
    parser.add_argument("--streams", type=int, default=0, help="measure so many streams instead of pages")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    with database.opened(database.home()) as (installation, url, people), open_site(installation, url, people) as site:
        if arguments.streams:
            figures = [streams.measure(site, arguments.streams)]
            print(json.dumps(figures[0], indent=1))
        else:
            figures = report(site, arguments.requests, arguments.only)
    print(f"load of the machine: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
