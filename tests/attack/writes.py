"""Writes into another academy, and answers that tell what it has."""

import json
import re
import time

from tests.attack.cast import (
    ABSENT,
    ALPHA,
    BETA,
    BETA_SERVICE,
    BETA_TEACHER,
    HIDDEN,
    INTRO,
    LEARNER,
    LEARNER_OF_BOTH,
    OPEN,
    SERVICE,
    SLUGS,
    TEACHER,
)
from tests.attack.target import Target
from tests.attack.verdicts import Attack, Verdict
from tests.support.waiting import wait_until

_STEP = {"slug": "01", "title": "One", "opened_at": 1_780_000_000_000, "completed_at": 1_780_000_060_000}
_LURE = "CLASS CANCELLED - log in at example.net"


def _batch(asset: int, *, moment: int | str = 1_780_000_100_000, **fields: object) -> dict[str, object]:
    return {
        "asset_id": asset, "last_interaction_at": moment, "tutorial_started_at": 1_780_000_000_000, "steps": [_STEP],
        "workout_session": [], **fields,
    }  # fmt: skip


def a_service_writes_a_record_of_another_academy(target: Target) -> Verdict:
    before = target.record(LEARNER_OF_BOTH, SLUGS[OPEN]), _task(target)
    answer = target.send(SERVICE, _batch(OPEN, user_id=LEARNER_OF_BOTH.id))
    target.settle()
    unchanged = (target.record(LEARNER_OF_BOTH, SLUGS[OPEN]), _task(target)) == before
    return Verdict(answer.status == 403 and unchanged, f"{answer.status}, record {'as it was' if unchanged else 'new'}")


def _task(target: Target) -> list[tuple[object, ...]]:
    return target.sql(
        "SELECT task_status, revision_status FROM assignments_task WHERE user_id = %s AND associated_slug = %s",
        LEARNER_OF_BOTH.id,
        SLUGS[OPEN],
    )


def a_learner_sets_a_package_id(target: Target) -> Verdict:
    for asset in (HIDDEN, OPEN, INTRO):
        target.send(LEARNER, {"asset_id": asset, "package_id": 666000 + asset, "slug": "x", "steps": []})
    target.settle()
    found = target.sql("SELECT id, learnpack_id FROM registry_asset WHERE learnpack_id IS NOT NULL ORDER BY id")
    return Verdict(not found, f"{len(found)} of 3 assets have it")


def a_teacher_moves_the_statistics_of_another_academy(target: Target) -> Verdict:
    before = _statistics(target)
    body = {"engagement_score": 1, "frustration_score": 99, "completion_rate": 1}
    answers = [
        target.ask(
            "POST", f"/v1/assignment/academy/asset/{slug}/user/{LEARNER.id}/telemetry", TEACHER, body, academy=ALPHA
        ).status
        for slug in (SLUGS[OPEN], SLUGS[HIDDEN], "what-nobody-has")
    ]
    after = _statistics(target)
    # A slug that no asset has is taken as it is (contract, section 7), and a hidden one must not differ from it.
    alike = answers[1] == answers[2]
    return Verdict(before == after and alike, f"answers {answers}, statistics {before} then {after}")


def _statistics(target: Target) -> object:
    path = f"/v1/registry/academy/asset/{SLUGS[OPEN]}"
    target.ask("PUT", f"{path}/action/sync_telemetry_stats", BETA_SERVICE, {}, academy=BETA)
    time.sleep(1)  # nothing tells that a recomputation that changes nothing has ended
    asset = target.ask("GET", path, BETA_TEACHER, academy=BETA).json()
    return (asset.get("telemetry_stats") or {}).get("days")


def hidden_and_absent_assets_are_told_apart(target: Target) -> Verdict:
    for asset in (HIDDEN, ABSENT):
        target.send(LEARNER, {"asset_id": asset, "slug": f"x-{asset}", "steps": []})
    target.settle()
    rows = target.sql(
        "SELECT payload->>'asset_id', status, status_text, asset_id, reason FROM learnpack_webhook "
        "WHERE payload->>'asset_id' IN (%s, %s) AND package_slug LIKE 'x-%%' ORDER BY id",
        str(HIDDEN),
        str(ABSENT),
    )
    told = {json.dumps(row[1:]) for row in rows}
    seen = target.teacher_sees(TEACHER, "/v1/assignment/academy/learnpack/webhook?limit=100")
    seen += target.ask("GET", "/v1/me/export", LEARNER).body.decode(errors="replace")
    named = SLUGS[HIDDEN] in seen
    times = [_typical_seconds(target, asset) for asset in (HIDDEN, ABSENT)]
    alike = max(times) < 3 * min(times)
    shown = " and ".join(f"{seconds * 1000:.0f} ms" for seconds in times)
    return Verdict(
        len(told) == 1 and not named and alike, f"{len(told)} kinds of answers, slug named: {named}, {shown}"
    )


def _typical_seconds(target: Target, asset: int) -> float:
    return sorted(target.send(LEARNER, {"asset_id": asset, "slug": "y", "steps": []}).seconds for _ in range(9))[4]


def a_learner_titles_the_steps_of_a_class(target: Target) -> Verdict:
    steps = [{**_STEP, "slug": "urgent", "title": _LURE}]
    target.send(LEARNER, _batch(INTRO, steps=steps))
    target.settle()
    time.sleep(2)  # what follows from a batch is derived in a turn of its own, and here nothing may follow
    paths = ["progress/academy/assignment", "progress/academy/asset", "progress/academy/learner", "registry/asset"]
    seen = [path for path in paths if re.search("CLASS CANCELLED", target.teacher_sees(TEACHER, f"/v1/{path}"))]
    kept = target.sql("SELECT count(*) FROM progress_assignment WHERE title = %s", _LURE)[0][0]
    return Verdict(not seen and not kept, f"shown at {len(seen)} addresses, {kept} titles of the class")


def a_time_to_come_freezes_a_record(target: Target) -> Verdict:
    target.send(LEARNER, _batch(OPEN, moment="9999-12-31T00:00:00Z", marker="frozen"))
    target.settle()
    target.send(LEARNER, _batch(OPEN, moment=int(time.time() * 1000), marker="newest"))
    target.settle()

    def newest_counts() -> bool:
        rows = target.record(LEARNER, SLUGS[OPEN])
        return bool(rows) and rows[0][0]["marker"] == "newest"

    try:
        wait_until(newest_counts, "the newest batch counts", 5)
    except AssertionError:
        return Verdict(False, "the batch from the year 9999 counts")
    return Verdict(True, "the newest batch counts")


ATTACKS = (
    Attack(1, "a service writes a record of another academy", a_service_writes_a_record_of_another_academy),
    Attack(2, "a learner sets a package id", a_learner_sets_a_package_id),
    Attack(3, "a teacher moves another academy's statistics", a_teacher_moves_the_statistics_of_another_academy),
    Attack(4, "hidden and absent assets are told apart", hidden_and_absent_assets_are_told_apart),
    Attack(5, "a learner titles the steps of a class", a_learner_titles_the_steps_of_a_class),
    Attack(6, "a time to come freezes a record", a_time_to_come_freezes_a_record),
)
