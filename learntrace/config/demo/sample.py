"""Sample data: the demo's learners with what they have sent in the last half hour, in an academy of their own.

It is stored as the inboxes would have stored it, and processed by the workers as anybody's telemetry; so its pages show what
real ones will. Everything has names that nobody has, and is listed, so that taking it out removes exactly that.
"""

import json
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from learntrace.accounts.academy_settings import settings_of
from learntrace.accounts.audit.actions import SAMPLE_PUT_IN, SAMPLE_TAKEN_OUT
from learntrace.accounts.audit.recording import record
from learntrace.accounts.first_setup.models import SampleData
from learntrace.accounts.models import Academy, Cohort, Membership, User
from learntrace.config.commands.roster import import_roster
from learntrace.config.demo.academy import IGNORED_SLUG, OTHER_ACADEMY, Learner, make_learners, roster
from learntrace.config.demo.notebook_work import PATH, TAGS, TITLE, event, runs
from learntrace.config.demo.replay import Player, shifted
from learntrace.core.personal_data import to_erase
from learntrace.core.sql import execute, json_rows
from learntrace.core.wakeup import announce
from learntrace.intake.models import Refusal
from learntrace.learnpack.events import BATCH
from learntrace.learnpack.ignore import rules
from learntrace.learnpack.inbox.source import TOPIC, LearnPackInbox
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.webhook_refs import read_refs
from learntrace.notebooks.inbox.event_store import INSERT_EVENTS
from learntrace.notebooks.inbox.source import TOPIC as EVENTS
from learntrace.notebooks.publishing.publication import Assignment, Publication, publish
from learntrace.registry.models import Asset, TranslationGroup

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace sample data', 0))"
# A learner who is stuck goes on without end; the last of their work is a moment ago.
_MOST_RUNS: Final = 14
_SPAN: Final = timedelta(minutes=25)
_ATTEMPTS: Final = 5


class Sample:
    """Sample data as the page Connect puts it in and takes it out."""

    def put_in(self, user: User) -> Academy:
        """Put sample data in, unless it is; return its academy, of which the user is an administrator.

        Of two at once the second waits and finds it.
        """
        with transaction.atomic():
            execute(_LOCK)
            row = SampleData.objects.select_related("academy").first()
            if row is not None:
                return row.academy
            return _put_in(user)

    def take_out(self) -> bool:
        """Take the sample data out; return whether there was any."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return _take_out()
            except OperationalError:
                # A worker may lock the same rows in another order: the database aborts one of the two.
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")


def _put_in(user: User) -> Academy:
    prefix = _free_prefix()
    people = [replace(one, username=f"{prefix}.{one.username}") for one in make_learners()]
    _import(_roster(people, prefix))
    academy = Academy.objects.get(slug=prefix)
    Membership.objects.create(user=user, academy=academy, role="admin")
    users = {row.username: row for row in User.objects.filter(username__in=[one.username for one in people])}
    tags = [tag.replace("lesson", f"{prefix}-lesson") for tag in TAGS]
    cells = [Assignment(tag, f"cell-{number}", f"Exercise {number}") for number, tag in enumerate(tags, 1)]
    publish(academy, f"{prefix}-lesson-03", Publication(f"{prefix}/{PATH}", TITLE, "us", cells))
    assets = {row.slug: row for row in Asset.objects.filter(academy=academy)}
    now = timezone.now()
    target = _Target(academy, assets, prefix, settings_of(academy).learnpack_features.get("telemetry_webhook_ignore"))
    for learner in people:
        _send(learner, users[learner.username], target, now)
    execute(INSERT_EVENTS, [json_rows(list(_events(people[::2], users, academy, prefix, now)))])
    transaction.on_commit(lambda: announce(TOPIC))
    transaction.on_commit(lambda: announce(EVENTS))
    ids = [row.pk for row in users.values()]
    SampleData.objects.create(pk=1, academy=academy, users=ids, assets=[row.pk for row in assets.values()])
    record(
        SAMPLE_PUT_IN, academy_id=academy.pk, object_id=academy.pk, after={"learners": len(ids), "assets": len(assets)}
    )
    return academy


def _free_prefix() -> str:
    """Return a beginning that no name has of those that must be unique."""
    for number in count(1):
        prefix = "sample" if number == 1 else f"sample-{number}"
        taken = (
            Academy.objects.filter(slug=prefix),
            User.objects.filter(username__startswith=f"{prefix}."),
            Cohort.objects.filter(slug__startswith=f"{prefix}-"),
            Asset.objects.filter(slug__startswith=f"{prefix}-"),
        )
        if not any(rows.exists() for rows in taken):
            return prefix
    raise AssertionError("unreachable")


def _roster(people: list[Learner], prefix: str) -> dict[str, Any]:
    """Return the demo's roster without ids, which others may have, with names that begin with the prefix, and learners only."""
    whole = roster(people)
    usernames = {one.id: one.username for one in people}
    cohorts = {cohort["id"]: f"{prefix}-{cohort['slug']}" for cohort in whole["cohorts"]}
    academies = [
        {"slug": prefix, "name": "Sample", "settings": _settings(one["settings"], prefix)}
        for one in whole["academies"]
        if one["id"] != OTHER_ACADEMY
    ]
    return {
        "academies": academies,
        "users": [
            {"username": one.username, "first_name": one.first_name, "last_name": one.last_name} for one in people
        ],
        "memberships": [{"user": one.username, "academy": prefix, "role": "student"} for one in people],
        "cohorts": [
            {"slug": cohorts[one["id"]], "name": one["name"], "academy": prefix, "starts_on": one["starts_on"]}
            for one in whole["cohorts"]
        ],
        "assets": [_asset(asset, prefix) for asset in whole["assets"]],
        "tasks": [
            {
                "user": usernames[task["user"]],
                "title": task["title"],
                "associated_slug": f"{prefix}-{task['associated_slug']}",
                "task_type": task["task_type"],
                "cohort": cohorts[task["cohort"]],
            }
            for task in whole["tasks"]
        ],
    }


def _settings(settings: dict[str, Any], prefix: str) -> dict[str, Any]:
    ignored = {"rules": [{"package_slugs": [f"{prefix}-{IGNORED_SLUG}"]}]}
    return {"learnpack_features": settings["learnpack_features"] | {"telemetry_webhook_ignore": ignored}}


def _asset(asset: dict[str, Any], prefix: str) -> dict[str, Any]:
    kept = {name: value for name, value in asset.items() if name not in ("id", "learnpack_id")}
    for name in ("translations", "aliases"):
        if name in kept:
            kept[name] = [f"{prefix}-{slug}" for slug in kept[name]]
    return {**kept, "slug": f"{prefix}-{asset['slug']}", "academy": prefix}


def _import(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.json"
        path.write_text(json.dumps(document))
        import_roster(path)


@dataclass(frozen=True)
class _Target:
    """Where the sample data goes: its academy with the ignore rules, its assets by slug, and what all names begin with."""

    academy: Academy
    assets: Mapping[str, Asset]
    prefix: str
    rules: object


def _send(learner: Learner, user: User, target: _Target, now: datetime) -> None:
    """Store what the learner's LearnPack client has sent, as its inbox does; a refusal, where the token has expired."""
    if learner.trouble == "expired-token":
        refusal = Refusal(user=user, path=LearnPackInbox.path, status_code=401, reason="expired-token", size=4096)
        refusal.times, refusal.last_at = 9, now
        refusal.save()
        return
    ago = random.Random(learner.id).uniform(0, _SPAN.total_seconds())  # noqa: S311 (variety, not secrecy)
    at = now - timedelta(seconds=ago)
    player = Player(replace(learner, id=user.pk), "", 0, Counter(), threading.Event())
    rows = []
    for pause, query, body in player.session():
        at = min(at + timedelta(seconds=pause), now)
        rows.append(_webhook(_document(shifted(body, -int(ago * 1000)), query, target), user, target, at))
    Webhook.objects.bulk_create(rows)


def _webhook(document: dict[str, Any], user: User, target: _Target, at: datetime) -> Webhook:
    """Return a row as the inbox stores it: waiting, or ignored by the academy's rules."""
    asset_id = document.get("asset_id")
    row = Webhook(
        is_streaming="event" in document,
        event=document.get("event", BATCH),
        payload=document,
        package_slug=document.get("slug"),
        asset_id=asset_id,
        student=user,
        sender=user,
        turn_academy=target.academy.pk,
        turn_learner=user.pk,
        created_at=at,
    )
    match = rules.match(target.rules, read_refs(row.event, document), asset_id)
    if match is not None:
        outcome = outcomes.ignored(match)
        row.status, row.status_text = outcome.status, outcome.text()
        row.reason, row.reason_values = outcome.reason, dict(outcome.values)
    return row


def _document(body: dict[str, Any], query: str, target: _Target) -> dict[str, Any]:
    """Return what a client has sent, about the sample's assets: the demo's, whose ids a query names, under their new slugs."""
    document = {name: value for name, value in body.items() if name not in ("package_id", "cohort_id")}
    document["academy_id"] = target.academy.pk
    if "event" not in document:
        document["slug"] = f"{target.prefix}-{document['slug']}"
    if "asset_id" in parse_qs(query):
        slug = document["slug"] if "event" not in document else f"{target.prefix}-python-hello-tutorial"
        document["asset_id"] = target.assets[slug].pk
    return document


def _events(
    people: list[Learner], users: dict[str, User], academy: Academy, prefix: str, now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield what learners have done in the notebook, as rows of the table of events, each in the order of their clocks."""
    for learner in people:
        user = users[learner.username]
        choice = random.Random(learner.id)  # noqa: S311 (variety, not secrecy)
        done = [run for run, _number in zip(runs(learner.skill, choice), range(_MOST_RUNS), strict=False)]
        at = now - timedelta(seconds=sum(run.pause / learner.pace for run in done) + choice.uniform(0, 120))
        for number, run in enumerate(done, 1):
            at = min(at + timedelta(seconds=run.pause / learner.pace), now)
            sent = event(replace(learner, id=user.pk), number, run, f"{prefix}-{user.pk}", at)
            about = sent["object"]
            about["assignment"] = about["assignment"].replace("lesson", f"{prefix}-lesson")
            about |= {"tags": [about["assignment"]], "notebook": f"{prefix}/{PATH}"}
            yield {
                **{name: sent[name] for name in ("id", "verb", "object", "result", "context", "session_id")},
                "actor": user.username,
                "user_id": user.pk,
                "academy_id": academy.pk,
                "sender_id": user.pk,
                "object_id": about["id"],
                "code_hash": about["code_hash"],
                "occurred_at": sent["timestamp"],
                "flags": [],
            }


@transaction.atomic
def _take_out() -> bool:
    execute(_LOCK)
    row = SampleData.objects.select_related("academy").first()
    if row is None:
        return False
    academy = row.academy
    for user_id in row.users:
        for dataset in to_erase():
            if dataset.erase is not None:
                dataset.erase(user_id)
    Webhook.objects.filter(student__in=row.users).delete()
    record(
        SAMPLE_TAKEN_OUT,
        academy_id=academy.pk,
        object_id=academy.pk,
        before={"learners": len(row.users), "assets": len(row.assets)},
    )
    User.objects.filter(pk__in=row.users).delete()
    groups = list(Asset.objects.filter(pk__in=row.assets).values_list("translation_group", flat=True))
    Asset.objects.filter(pk__in=row.assets).delete()
    TranslationGroup.objects.filter(pk__in=groups).exclude(
        Exists(Asset.objects.filter(translation_group=OuterRef("pk")))
    ).delete()
    academy.delete()
    return True
