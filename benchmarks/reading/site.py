"""A web process on the database that is read, with everybody who reads it signed in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.reading.database import ACADEMIES, LARGE, Filled, People
from benchmarks.reading.paths import Place, places_of
from benchmarks.reading.visits import Cost, Processors, Visitor
from tests.faults.installation import Installation, free_port, port_is_free
from tests.support.waiting import wait_until


def names() -> list[str]:
    """Return the titles of all that is read."""
    nobody = People(0, "", "", "", 0, "", "", [])
    return [
        titled(place, filled)
        for filled in ACADEMIES
        for place in places_of(nobody, filled.prefix, many=filled is not LARGE)
    ]


def titled(place: Place, filled: Filled) -> str:
    """Return a place's title with the size of the academy."""
    return f"{place.title}, {filled.learners:,} learners"


@dataclass
class Site:
    """A running web process, its port and process id; `visitors` by academy and reader."""

    port: int
    pid: int
    url: str
    people: list[People]
    processors: Processors
    visitors: dict[tuple[int, str], Visitor]
    nobody: Visitor

    def places(self) -> Iterator[tuple[str, "AcademyPlace"]]:
        """Return what is read, by a title with the size of the academy."""
        for filled, people in zip(ACADEMIES, self.people, strict=True):
            for place in places_of(people, filled.prefix, many=filled is not LARGE):
                yield titled(place, filled), AcademyPlace(people.academy, *place)

    def cost(self, place: "AcademyPlace", requests: int) -> Cost:
        """Measure what a place costs."""
        return self.visitors[place.academy, place.reader].cost(place.path, self.processors, requests)


@dataclass(frozen=True)
class AcademyPlace:
    """A place of an academy."""

    academy: int
    title: str
    path: str
    reader: str
    target: float


@contextmanager
def open_site(installation: Installation, url: str, people: list[People]) -> Iterator[Site]:
    """Start a web process on the database."""
    port = free_port()
    web = installation.command("web", "--port", str(port), LEARNTRACE_DATABASE_URL=url)
    try:
        wait_until(lambda: not port_is_free(port), "the web server")
        visitors = {}
        for each in people:
            visitors[each.academy, "teacher"] = Visitor(port, each.teacher, each.password)
            visitors[each.academy, "admin"] = Visitor(port, each.admin, each.password)
            visitors[each.academy, "learner"] = Visitor(port, each.learner, each.password)
            visitors[each.academy, "key"] = Visitor(port, key=each.key, academy=each.academy)
        yield Site(port, web.pid, url, people, Processors(web.pid, url), visitors, Visitor(port))
    finally:
        web.terminate()
        web.wait(30)
