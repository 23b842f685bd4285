"""The list of a package's steps: who may say what the steps are, and how they are called.

A list counts at once where it comes from somebody who describes the asset: in its manifest (of a roster or of a package
event), or in a document that a service sent. Without such a list, a step is one that at least LEAST_LEARNERS learners
and more than half of those who sent any list have, under the title that as many agree on. So nobody writes on the pages
of a class by sending a list of his own; what only few have is shown by its slug, on the learner's own pages
(`catalogue.SHOWN_TO_CLASS`).
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from learntrace.core.sql import fetch, json_rows
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import Listed, lock_assignments, publish_assignments, published
from learntrace.progress.models import StepList
from learntrace.registry.models import Asset

LEAST_LEARNERS: Final = 3
MOST_STEPS: Final = 1000
MAX_TEXT: Final = 200
# Where a manifest lists its steps.
_MANIFEST_KEYS = ("steps", "exercises", "lessons")

NamedStep = tuple[str, str]
"""A step's slug and title."""

# Every batch repeats its list: the lists of learners that are stored as they are.
_UNCHANGED = """
SELECT l.academy_id, l.asset_id, l.user_id
  FROM jsonb_to_recordset(%s::jsonb) AS r(academy bigint, asset bigint, learner bigint, digest text)
  JOIN progress_steplist l
    ON l.academy_id = r.academy AND l.asset_id = r.asset AND l.user_id = r.learner AND l.digest = r.digest
"""
# `learner` is null for a service.
_TELL = """
INSERT INTO progress_steplist AS old (academy_id, asset_id, user_id, digest, steps, told_at)
SELECT academy, asset, learner, digest, steps, now()
  FROM jsonb_to_recordset(%s::jsonb) AS r(academy bigint, asset bigint, learner bigint, digest text, steps jsonb)
 ORDER BY academy, asset, learner
    ON CONFLICT (academy_id, asset_id, user_id) DO UPDATE
   SET digest = excluded.digest, steps = excluded.steps, told_at = excluded.told_at
 WHERE old.digest <> excluded.digest
RETURNING academy_id, asset_id
"""
# Most learners send the same list: equal ones are counted, and each is read once.
_COUNTED = """
SELECT l.academy_id, l.asset_id, counted.by_service, counted.learners, l.steps::text
  FROM (SELECT max(id) AS id, user_id IS NULL AS by_service, count(*) AS learners
          FROM progress_steplist
          JOIN jsonb_to_recordset(%s::jsonb) AS asked(academy bigint, asset bigint)
            ON academy_id = asked.academy AND asset_id = asked.asset
         GROUP BY academy_id, asset_id, user_id IS NULL, digest) AS counted
  JOIN progress_steplist l ON l.id = counted.id
"""
_FORGET = "DELETE FROM progress_steplist WHERE user_id = %s RETURNING academy_id, asset_id"


@dataclass(frozen=True)
class ToldList:
    """The list of an asset's steps in a document; `learner` is None where a service that describes the asset sent it."""

    academy_id: int
    asset_id: int
    learner: int | None
    steps: tuple[NamedStep, ...]

    def row(self) -> dict[str, Any]:
        """Return the columns of the row."""
        digest = hashlib.sha256(json.dumps(self.steps).encode()).hexdigest()[:32]
        place = {"academy": self.academy_id, "asset": self.asset_id, "learner": self.learner}
        return {**place, "digest": digest, "steps": self.steps}


Place = tuple[int, int]
"""An academy's id and the id of an asset, the canonical one, whose steps it sees."""


def agreed_steps(lists: Iterable[tuple[Sequence[NamedStep], int]]) -> list[NamedStep]:
    """Return the steps on which enough learners agree, in the order in which they have them on average.

    `lists` are different lists, each with the number of learners who sent it.
    """
    counted = [(dict(steps), learners) for steps, learners in lists]
    total = sum(learners for _steps, learners in counted)
    votes: dict[str, int] = {}
    places: dict[str, int] = {}
    titles: dict[NamedStep, int] = {}
    for steps, learners in counted:
        for place, (slug, title) in enumerate(steps.items()):
            votes[slug] = votes.get(slug, 0) + learners
            places[slug] = places.get(slug, 0) + learners * place
            titles[slug, title] = titles.get((slug, title), 0) + learners

    def enough(learners: int) -> bool:
        return learners >= LEAST_LEARNERS and 2 * learners > total

    agreed = {slug: title for (slug, title), learners in titles.items() if enough(learners)}
    slugs = sorted((slug for slug in votes if enough(votes[slug])), key=lambda slug: (places[slug] / votes[slug], slug))
    return [(slug, agreed.get(slug, "")) for slug in slugs]


def steps_of_manifest(manifest: object) -> list[NamedStep]:
    """Return the steps that a package's manifest lists, each once; none where it has no list that can be read."""
    if not isinstance(manifest, Mapping):
        return []
    listed = next((value for key in _MANIFEST_KEYS if isinstance(value := manifest.get(key), list) and value), [])
    by_slug: dict[str, str] = {}
    for step in listed[:MOST_STEPS]:
        if (named := _named_step(step)) is not None:
            by_slug.setdefault(*named)
    return list(by_slug.items())


def _named_step(step: object) -> NamedStep | None:
    fields = step if isinstance(step, Mapping) else {"slug": step}
    slug, title = fields.get("slug"), fields.get("title")
    if not isinstance(slug, str) or not slug.strip():
        return None
    return slug.strip()[:MAX_TEXT], title[:MAX_TEXT] if isinstance(title, str) else ""


def tell(lists: Collection[ToldList]) -> None:
    """Store lists in the open transaction, at most one for each academy, asset and learner; publish what follows."""
    rows = {(told.academy_id, told.asset_id, told.learner): told.row() for told in lists}
    if not rows:
        return
    asked = [{name: value for name, value in row.items() if name != "steps"} for row in rows.values()]
    for academy, asset, learner in fetch(_UNCHANGED, [json_rows(asked)]):
        del rows[academy, asset, learner]
    if rows:
        publish_steps({(academy, asset) for academy, asset in fetch(_TELL, [json_rows(rows.values())])})


def publish_steps(places: Collection[Place]) -> None:
    """Publish the steps of assets in academies, as their manifest, a service or the learners have them."""
    if not places:
        return
    # Before anything is counted, so that of two who store lists at the same time the second counts those of both.
    lock_assignments({asset for _academy, asset in places})
    wanted = _wanted(places)
    current = published(wanted)
    for (academy, asset), listed in sorted(wanted.items()):
        of_notebook = any(key.startswith(PREFIX) for key, _title, _position in current[academy, asset])
        if current[academy, asset] != listed and not of_notebook:
            publish_assignments(academy, asset, listed)


def publish_manifests(asset_ids: Collection[int]) -> None:
    """Publish the steps of assets whose manifest has changed: in their academy, and wherever learners work on them."""
    if not asset_ids:
        return
    owned = Asset.objects.filter(pk__in=asset_ids, academy__isnull=False).values_list("academy_id", "id")
    told = StepList.objects.filter(asset__in=asset_ids).order_by().values_list("academy_id", "asset_id").distinct()
    own = [(academy, asset) for academy, asset in owned if academy is not None]
    publish_steps({*own, *told})


def forget_lists(user_id: int) -> int:
    """Delete a learner's lists in the open transaction and publish what follows without them; return how many."""
    places = fetch(_FORGET, [user_id])
    publish_steps({(academy, asset) for academy, asset in places})
    return len(places)


def _wanted(places: Collection[Place]) -> dict[Place, list[Listed]]:
    asset_ids = {asset for _academy, asset in places}
    assets = {pk: facts for pk, *facts in Asset.objects.filter(pk__in=asset_ids).values_list("pk", "slug", "manifest")}
    services: dict[Place, list[NamedStep]] = {}
    learners: dict[Place, list[tuple[Sequence[NamedStep], int]]] = {}
    asked = json_rows({"academy": academy, "asset": asset} for academy, asset in places)
    for academy, asset, by_service, count, text in fetch(_COUNTED, [asked]):
        steps = msgspec.json.decode(text, type=list[NamedStep])
        if by_service:
            services[academy, asset] = steps
        else:
            learners.setdefault((academy, asset), []).append((steps, count))
    wanted: dict[Place, list[Listed]] = {}
    for place in places:
        if (facts := assets.get(place[1])) is not None:
            slug, manifest = facts
            steps = steps_of_manifest(manifest) or services.get(place) or agreed_steps(learners.get(place, []))
            wanted[place] = [(f"{slug}/{step}", title, position) for position, (step, title) in enumerate(steps)]
    return wanted
