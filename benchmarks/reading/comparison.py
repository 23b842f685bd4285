"""Pages and lists for `make bench`: p95 of each, next to that of the sign-in page, which reads no data of an academy."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from benchmarks.figures import Benchmark, Row
from benchmarks.reading import database
from benchmarks.reading.site import Site, names, open_site
from tests.faults.installation import Installation

REQUESTS = 20


def benchmarks(_installation: Installation) -> Iterator[Benchmark]:
    """Compare what is read; the database is opened with the first page that is measured."""
    with ExitStack() as opened:
        sites: list[Site] = []

        def site() -> Site:
            if not sites:
                sites.append(opened.enter_context(open_site(*opened.enter_context(database.opened(database.KEPT)))))
            return sites[0]

        def ours(row: Row, name: str) -> float:
            place = dict(site().places())[name]
            cost = site().cost(place, REQUESTS)
            row.name = (
                f"page {name}, p95 (at most {place.target:.0f} ms); {cost.cpu:.0f} ms of processor time a request"
            )
            return cost.percentile(95)

        def theirs() -> float:
            return site().nobody.cost("/sign-in", site().processors, REQUESTS).percentile(95)

        for name in names():
            row = Row(f"page {name}, p95", "ms", "the sign-in page, p95")
            yield Benchmark(row, partial(ours, row, name), theirs)
