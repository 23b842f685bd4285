""" "Last seen" says the same in the API and on every page, whatever a learner did last."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from learntrace.progress.models import Activity
from learntrace.progress.reports.own_progress import own_progress
from tests.support.builders import Api, Cast, make_assignment, make_attempts, make_graded_asset, make_telemetry

pytestmark = pytest.mark.django_db

LONG_AGO, LAST = timedelta(days=331), timedelta(days=7, hours=3)


@pytest.fixture
def scene(cast: Cast) -> Cast:
    """A learner who worked long ago, opened a notebook last week, and whose telemetry was written just now."""
    asset = make_graded_asset("arrays", academy=cast.academy)
    make_assignment(cast.academy, asset, "arrays/01")
    make_attempts(cast.owner, cast.academy, "arrays/01", "x-", timezone.now() - LONG_AGO)
    Activity.objects.create(
        id="00000000-0000-4000-8000-000000000001",
        source="notebook",
        user=cast.owner,
        academy=cast.academy,
        verb="opened",
        at=timezone.now() - LAST,
        arrival=1,
    )
    make_telemetry(cast.owner, "arrays", completion_rate=50)
    return cast


def test_the_api_tells_the_latest_of_whatever_the_learner_did(scene: Cast, teacher: Api) -> None:
    expected = Activity.objects.get(verb="opened").at.isoformat().replace("+00:00", "Z")
    for query in ("", "?asset=arrays"):
        found = teacher.get(f"/v1/progress/academy/learner{query}").json()
        assert {row["last_seen_at"] for row in found if row["learner"]["id"] == scene.owner.pk} == {expected}
    one = teacher.get(f"/v1/progress/academy/learner/{scene.owner.pk}").json()
    assert one["last_seen_at"] == expected


def test_pages_say_the_same(scene: Cast, client: Client) -> None:
    client.force_login(scene.colleague)
    at = Activity.objects.get(verb="opened").at
    scope = f"?academy={scene.academy.pk}"
    assert at.isoformat() in client.get(f"/learners{scope}").content.decode()
    learner = client.get(f"/learner/{scene.owner.pk}{scope}").content.decode()
    assert re.search(r"last seen <b>7 d ago</b>", learner)
    assert '<td class="number seen">7 d</td>' in client.get(f"/class{scope}").content.decode(), (
        "not by the class's clock"
    )
    client.force_login(scene.owner)
    own = client.get("/me").content.decode()
    assert re.search(r"last seen <b>7 d ago</b>", own)
    (asset,) = own_progress(scene.owner, [scene.academy.pk]).assets
    assert asset.last_seen_at is not None
    assert asset.last_seen_at < timezone.now() - timedelta(days=300)
