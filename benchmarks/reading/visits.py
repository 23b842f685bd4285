"""Requests of somebody who is signed in, and what each costs: processor time of the web process and of its sessions in
PostgreSQL, and the wall time."""

import gzip
import http.client
import re
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

import psutil
import psycopg

from tests.faults.installation import HOST

# With which static/dashboard/live.js asks (`dashboard.layout.page.PARTS_HEADER`, whose module wants Django set up).
PARTS_HEADER = "Learntrace-Parts"
# After a path: load only the moving parts of a page that is already open.
PARTS = " parts:"


@dataclass
class Cost:
    """What a path costs: processor time of a request in ms by part, wall times in ms, the bytes of an answer."""

    web: float = 0.0
    database: float = 0.0
    times: list[float] = field(default_factory=list)
    size: int = 0

    @property
    def cpu(self) -> float:
        return self.web + self.database

    def percentile(self, percent: int) -> float:
        if len(self.times) == 1:
            return self.times[0]
        return statistics.quantiles(self.times, n=100, method="inclusive")[percent - 1]


class Processors:
    """The processor time of a web process (its children too) and of the sessions of a database, in seconds."""

    def __init__(self, web: int, database_url: str) -> None:
        self._web = psutil.Process(web)
        self._connection = psycopg.connect(database_url, autocommit=True)

    def web(self) -> float:
        return sum(_seconds(process) for process in [self._web, *self._web.children(recursive=True)])

    def sessions(self) -> float:
        """Return what the sessions have used, with those that have ended and their helpers."""
        rows = self._connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        living = sum(_seconds(psutil.Process(pid)) for (pid,) in rows)
        server = psutil.Process(rows[0][0]).parent() if rows else None
        ended = server.cpu_times() if server else None
        return living + (ended.children_user + ended.children_system if ended else 0.0)


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


class Visitor:
    """A browser on one kept connection, signed in if the visitor has a name; or a client with a key for an academy."""

    def __init__(self, port: int, name: str = "", password: str = "", *, key: str = "", academy: int = 0) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=120)
        self._headers = {"Authorization": f"Token {key}", "Academy": str(academy)} if key else {}
        self._cookies: dict[str, str] = {}
        if not name:
            return
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.open("/sign-in"))
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "name": name, "password": password, "next": "/favicon.ico"}
        self.open("/sign-in", urlencode(form))

    def open(self, path: str, form: str | None = None) -> str:
        """Return what is answered, unpacked."""
        return gzip.decompress(body).decode() if (body := self.fetch(path, form))[:2] == b"\x1f\x8b" else body.decode()

    def fetch(self, path: str, form: str | None = None) -> bytes:
        """Return the answer as it comes, packed."""
        path, _, parts = path.partition(PARTS)
        headers = {"Accept-Encoding": "gzip", **self._headers}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{a}={b}" for a, b in self._cookies.items())
        if parts:
            headers[PARTS_HEADER] = parts
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self._answer(path, form, headers)
        body = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        assert answer.status < 400, (path, answer.status, body[:300])
        return body

    def _answer(self, path: str, form: str | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        method = "GET" if form is None else "POST"
        try:
            self._connection.request(method, path, form, headers)
            return self._connection.getresponse()
        except ConnectionError:
            # The server has ended a connection that was idle while other visitors were measured.
            self._connection.close()
            self._connection.request(method, path, form, headers)
            return self._connection.getresponse()

    def cost(self, path: str, processors: Processors, requests: int) -> Cost:
        """Measure so many requests, after two that warm up."""
        cost = Cost()
        for _ in range(2):
            cost.size = len(self.fetch(path))
        web, database = processors.web(), processors.sessions()
        for _ in range(requests):
            began = time.perf_counter()
            self.fetch(path)
            cost.times.append((time.perf_counter() - began) * 1000)
        cost.web = (processors.web() - web) / requests * 1000
        cost.database = (processors.sessions() - database) / requests * 1000
        return cost
