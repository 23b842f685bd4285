"""No change leaves an academy without an admin: not in the administration, and not by a roster."""

import json
from pathlib import Path

import pytest
from django.test import Client

from learntrace.accounts.models import Membership, User
from learntrace.accounts.roster.items import RosterError
from learntrace.config.commands.roster import import_roster
from tests.support.builders import make_academy, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def last() -> Membership:
    """The only admin of an academy, who also runs the server."""
    user = make_user("lone-admin", "admin", make_academy("lone"))
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    return Membership.objects.get(user=user)


def administration(membership: Membership) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=membership.user_id))
    return client


def test_the_last_admin_can_take_no_other_role(last: Membership) -> None:
    body = {"user": last.user_id, "academy": last.academy_id, "role": "teacher", "status": "ACTIVE"}
    answer = administration(last).post(f"/admin/accounts/membership/{last.pk}/change/", body, follow=True)
    assert "would have no administrator any more" in answer.content.decode()
    assert Membership.objects.get(pk=last.pk).role == "admin"


def test_the_last_admin_can_take_another_role_once_there_is_a_second(last: Membership) -> None:
    make_user("second", "admin", last.academy)
    body = {"user": last.user_id, "academy": last.academy_id, "role": "teacher", "status": "ACTIVE"}
    administration(last).post(f"/admin/accounts/membership/{last.pk}/change/", body)
    assert Membership.objects.get(pk=last.pk).role == "teacher"


def test_the_last_admin_cannot_be_deleted_one_by_one_nor_with_others(last: Membership) -> None:
    client = administration(last)
    client.post(f"/admin/accounts/membership/{last.pk}/delete/", {"post": "yes"})
    selected = {"action": "delete_selected", "_selected_action": [last.pk], "post": "yes"}
    answer = client.post("/admin/accounts/membership/", selected, follow=True)
    assert "would have no administrator any more" in answer.content.decode()
    client.post(f"/admin/accounts/user/{last.user_id}/delete/", {"post": "yes"})
    assert Membership.objects.filter(pk=last.pk).exists()


def test_a_roster_that_takes_the_last_admin_away_changes_nothing(last: Membership, tmp_path: Path) -> None:
    path = tmp_path / "roster.json"
    membership = {"user": last.user.username, "academy": last.academy.slug, "role": "teacher"}
    path.write_text(json.dumps({"memberships": [membership]}))
    with pytest.raises(RosterError, match="would have no administrator any more"):
        import_roster(path)
    assert Membership.objects.get(pk=last.pk).role == "admin"
