"""Makes `earlier_version.sql.gz`: a database as the version before "history only grows" left it.

Run with that version's code, commit 409c2ee, and nothing of this one:

    git worktree add ../earlier 409c2ee
    cd ../earlier && PYTHONPATH=. <environment>/bin/python <this file> <file to write>
    git worktree remove ../earlier

Ada has a recorded session of the CLI (streamed too), Grace many runs with signals, in one moment several alike, Lin a
step that was renamed, Sam events of a notebook. The webhooks of Grace were deleted by the retention.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "learntrace.config.settings"
os.environ["LEARNTRACE_HOME"] = home = tempfile.mkdtemp()

from learntrace.config.postgres.server import EmbeddedPostgres

BEGAN = 1_795_311_000_000


def document(slug: str, steps: dict[str, list[Any]], until: int) -> dict[str, Any]:
    return {
        "slug": slug,
        "telemetry_id": "device",
        "agent": "cloud",
        "tutorial_started_at": BEGAN,
        "last_interaction_at": BEGAN + until * 1000,
        "workout_session": [{"started_at": BEGAN}, {"started_at": BEGAN + 3_600_000}],
        "steps": [
            {
                "slug": step,
                "position": place,
                "opened_at": BEGAN,
                "compilations": runs,
                "tests": [],
                "is_testeable": True,
            }
            for place, (step, runs) in enumerate(steps.items())
        ],
    }


def run(second: int, code: int, source: str = "print(1)") -> dict[str, Any]:
    stderr = "NameError: name 'total' is not defined" if code else ""
    return {"started_at": BEGAN + second * 1000, "exit_code": code, "source_code": source, "stderr": stderr}


def take_events(user: Any, academy: Any) -> None:
    from datetime import timedelta

    from learntrace.notebooks.documents.arrivals import take_arrivals
    from learntrace.notebooks.models import Arrival
    from tests.support.builders import NOW, make_stored_event

    events = [
        make_stored_event(
            user,
            academy,
            occurred_at=NOW + timedelta(seconds=20 * number),
            code_hash="a" * 64,
            about={"assignment": "assignment:lesson-03-exercise-1"},
            result={"outcome": "error", "error_name": "NameError", "error_value": "name 'x' is not defined"},
        )
        for number in range(5)
    ]
    Arrival.objects.create(events=[event.pk for event in events])
    while take_arrivals():
        pass


def fill() -> None:
    from learntrace.accounts.academy_settings import merge_features
    from learntrace.learnpack.attempts.derivation import take_attempts
    from learntrace.learnpack.models import Webhook
    from learntrace.learnpack.processing.drain import drain_webhooks
    from tests.support.builders import make_academy, make_graded_asset, make_task, make_user

    academy = make_academy("downtown", id=1)
    merge_features(academy, {"streaming_events": True})
    names = ["ada", "grace", "lin", "sam"]
    people = {name: make_user(name, "student", academy, id=number) for number, name in enumerate(names, 1234)}

    def send(user: Any, payload: dict[str, Any]) -> None:
        event = payload.get("event", "batch")
        Webhook.objects.create(is_streaming="event" in payload, event=event, student=user, payload=payload)
        drain_webhooks()
        while take_attempts():
            pass

    for number, slug in enumerate(["python-hello-tutorial", "loops", "names"], 145):
        make_graded_asset(slug, id=number, academy=academy)
        for user in people.values():
            make_task(user, slug)
    lines = Path("data/learnpack/recorded_cli_requests.jsonl").read_text().splitlines()
    for body in (json.loads(line)["body"] for line in lines):
        send(people["ada"], body | {"asset_id": "145"})
    many = {
        f"step-{step}": [run(60 * number + step, int(number % 9 > 0), f"print({number // 4})") for number in range(120)]
        for step in range(3)
    }
    many["step-3"] = [run(5, 1), run(5, 1), run(5, 0), run(5, 1, "print(2)")]
    many["step-4"] = [run(5, 1), run(6, 1), run(7, 1), run(8, 1)]
    send(people["grace"], document("loops", many, 9000))
    Webhook.objects.filter(student=people["grace"]).delete()
    before = {"01-first": [run(second, 1) for second in (10, 20, 30)], "02-next": [run(40, 0)]}
    send(people["lin"], document("names", before, 50))
    send(people["lin"], document("names", {"01-one": before["01-first"], "02-next": [run(40, 0), run(60, 0)]}, 70))
    take_events(people["sam"], academy)


if __name__ == "__main__":
    server = EmbeddedPostgres(Path(home))
    with server.ensure():
        import django

        django.setup()
        from learntrace.config.upgrade import upgrade_database

        upgrade_database()
        fill()
        dump = [
            str(server.binary("pg_dump")),
            "--inserts",
            "--rows-per-insert=200",
            "--no-owner",
            "--dbname",
            server.url,
        ]
        text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    # Meta-commands of psql, and a setting that older servers don't know.
    kept = [line for line in text.splitlines() if not line.startswith(("\\", "SET transaction_timeout"))]
    Path(sys.argv[1]).write_bytes(gzip.compress("\n".join(kept).encode(), mtime=0))
