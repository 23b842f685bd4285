"""What lies about: code and secrets in the database, headers that anybody may send, caches, logs, files of a deployment."""

import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.attack.cast import LEARNER, LIMITED_TEACHER, OTHER_LEARNER, TEACHER
from tests.attack.target import EVENTS, Response, Target
from tests.attack.verdicts import Attack, Verdict

_MARK = "hush-hush-4711"
_CHAT = f"slack://T1JJ3T3L2/A1BRTD4JD/{_MARK.replace('-', '')}dlazkcOXrIdevi7"
_RULES = "/v1/signal/academy/notification-rule"
_DEPLOY = Path(__file__).parents[2] / "deploy"
# Every route that tells of learners, as a teacher of one cohort asks for those of another.
_READS = (
    "/v1/progress/academy/learner", "/v1/progress/academy/assignment?explain=1", "/v1/progress/academy/cohort",
    "/v1/assignment/academy/learnpack/webhook", "/v1/notebook/academy/event", "/v1/notebook/academy/rejected",
    "/v1/signal/academy/signal", "/v1/progress/academy/exclusion", f"/v1/progress/academy/learner/{OTHER_LEARNER.id}",
    f"/v1/diagnosis/academy/telemetry?user={OTHER_LEARNER.id}&asset=alpha-intro",
)  # fmt: skip


def _header(response: Response, name: str) -> str:
    return next((text for given, text in response.headers.items() if given.lower() == name), "")


def code_hides_in_events(target: Target) -> Verdict:
    """Code, outputs and tracebacks under every name, in events that are taken and in events that are rejected."""
    hidden: dict[str, Any] = dict.fromkeys(("code", "source", "input"), _MARK)
    hidden |= {"cell": {"source": _MARK}, "outputs": [{"text": _MARK}]}
    event = {
        "verb": "executed", "timestamp": datetime.now(UTC).isoformat(), **hidden,
        "object": {"type": "cell", "id": "c", "notebook": "n.ipynb", **hidden},
        "result": {"outcome": "ok", "traceback": [_MARK], **hidden},
        "context": {"kernel": "python3", **hidden, "version": {"nested": _MARK}},
    }  # fmt: skip
    batch = [
        {"id": str(uuid.uuid4()), **event},
        {"id": str(uuid.uuid4()), **event, "verb": "danced"},
        {"id": "none", **event, "object": _MARK},
        [_MARK],
    ]
    answer = target.ask("POST", EVENTS, LEARNER, batch)
    stored = sum(
        target.sql(f"SELECT count(*) FROM {table} r WHERE r::text LIKE %s", f"%{_MARK}%")[0][0]
        for table in ("events", "notebooks_rejectedevent")
    )
    taken = answer.status == 200 and answer.json()["accepted"] == 1
    return Verdict(taken and stored == 0, f"{answer.status}, kept in {stored} rows")


def a_dump_tells_the_chat_key(target: Target) -> Verdict:
    answer = target.ask("POST", _RULES, TEACHER, {"channel": "chat", "target": _CHAT}, academy=1)
    [(rows,)] = target.sql(
        "SELECT count(*) FROM signals_notificationrule r WHERE r::text LIKE %s", f"%{_CHAT.rpartition('/')[2]}%"
    )
    return Verdict(answer.status == 201 and rows == 0, f"{answer.status}, readable in {rows} rows")


def a_message_to_a_relay(target: Target) -> Verdict:
    """Targets in networks that forward into any other."""
    hosts = ("192.88.99.1", "100.64.0.1", "198.18.0.1", "[2002:7f00:1::]", "[64:ff9b::7f00:1]")
    statuses = [
        target.ask("POST", _RULES, TEACHER, {"channel": "webhook", "target": f"https://{host}/x"}, academy=1).status
        for host in hosts
    ]
    return Verdict(set(statuses) == {400}, f"{statuses.count(400)} of {len(hosts)} refused")


def headers_that_lie(target: Target) -> Verdict:
    """/metrics through a proxy that names the visitor in any way, and hosts that are nobody's."""
    metrics = [
        target.ask("GET", "/metrics", X_Forwarded_For="203.0.113.9").status,
        target.ask("GET", "/metrics", X_Real_IP="203.0.113.9").status,
        target.ask("GET", "/metrics", Forwarded="for=203.0.113.9").status,
        target.ask("GET", "/metrics", X_Forwarded_Proto="https").status,
        target.ask("GET", "/metrics", Host="learntrace.example.org").status,
    ]
    host = target.ask("GET", "/sign-in", Host="evil.example").status
    held = set(metrics[:4]) == {403} and metrics[4] in (400, 403) and host == 400
    return Verdict(held, f"/metrics {sorted(set(metrics))}, unknown host {host}")


def what_a_cache_may_keep(target: Target) -> Verdict:
    paths = ("/v1/auth/user/me", "/v1/progress/academy/learner", "/sign-in", "/admin/login/")
    answers = [target.ask("GET", path, TEACHER, academy=1) for path in paths]
    kept = [path for path, one in zip(paths, answers, strict=True) if "no-store" not in _header(one, "cache-control")]
    return Verdict(not kept, f"{len(paths) - len(kept)} of {len(paths)} say no-store")


def a_sign_in_that_leads_anywhere(target: Target) -> Verdict:
    statuses = {}
    page = target.ask("GET", "/sign-in")
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.body)
    cookie = _header(page, "set-cookie").partition(";")[0]
    for leads in ("foo", "//evil.example", "https://evil.example", "http://[", "/\\evil.example", "x" * 5000):
        form = (
            f"csrfmiddlewaretoken={token[1].decode() if token else ''}&name={TEACHER.name}&password={TEACHER.password}"
        )
        answer = target.ask(
            "POST",
            "/sign-in",
            None,
            f"{form}&next={leads}".encode(),
            Cookie=cookie,
            Host="localhost",
            Content_Type="application/x-www-form-urlencoded",
        )
        statuses[leads[:20]] = (answer.status, _header(answer, "location"))
    bad = [leads for leads, (status, place) in statuses.items() if status != 302 or "evil" in place]
    return Verdict(
        not bad, f"{len(statuses) - len(bad)} of {len(statuses)}, {sorted({s for s, _p in statuses.values()})}"
    )


def a_teacher_of_one_cohort_asks_for_another(target: Target) -> Verdict:
    answers = {path: target.ask("GET", path, LIMITED_TEACHER, academy=1) for path in _READS}
    told = [
        path
        for path, answer in answers.items()
        if answer.status >= 500 or OTHER_LEARNER.name.encode() in answer.body.replace(b'"asked"', b"")
    ]
    seen = LEARNER.name.encode() in answers[_READS[0]].body
    return Verdict(seen and not told, f"{len(_READS) - len(told)} of {len(_READS)} tell nothing of the other cohort")


def files_of_a_deployment(target: Target) -> Verdict:
    """Containers with privileges, units without a limit of memory, a proxy without limits."""
    services = yaml.safe_load((_DEPLOY / "compose.yaml").read_text())["services"].values()
    open_ones = sum(
        not (one.get("cap_drop") == ["ALL"] and one.get("read_only") and one.get("mem_limit")) for one in services
    )
    units = [path.read_text() for path in (_DEPLOY / "systemd").glob("*.service")]
    unlimited = sum("MemoryMax=" not in unit for unit in units)
    nginx = (_DEPLOY / "nginx.conf").read_text()
    limits = all(word in nginx for word in ("limit_req ", "limit_conn "))
    return Verdict(
        not open_ones and not unlimited and limits,
        f"{len(services)} containers, {len(units)} units, nginx {'limits' if limits else 'does not limit'}",
    )


ATTACKS = (
    Attack(18, "a teacher of one cohort asks for another", a_teacher_of_one_cohort_asks_for_another),
    Attack(19, "code under every name in an event", code_hides_in_events),
    Attack(19, "the chat key in a dump", a_dump_tells_the_chat_key),
    Attack(20, "a message to a relay", a_message_to_a_relay),
    Attack(20, "headers that lie", headers_that_lie),
    Attack(20, "what a cache may keep", what_a_cache_may_keep),
    Attack(20, "a sign-in that leads anywhere", a_sign_in_that_leads_anywhere),
    Attack(21, "the files of a deployment", files_of_a_deployment),
)
