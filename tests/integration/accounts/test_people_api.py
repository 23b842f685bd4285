"""People and invitations by the API: the functions of the pages, refused in sentences of the caller's language."""

from typing import Any
from unittest.mock import patch

import pytest
from pytest_django import Settings

from learntrace.accounts.models import CohortLearner, Invitation, Membership, User
from learntrace.accounts.signing_in import reset
from tests.support.builders import Api, Cast, make_cohort, make_task, make_user

pytestmark = pytest.mark.django_db

MEMBERS = "/v1/auth/academy/member"
INVITATIONS = "/v1/auth/academy/invitation"


@pytest.fixture
def api(cast: Cast) -> Api:
    return Api(cast.colleague, cast.academy)


def test_people_are_listed_with_roles_and_cohorts_searched_and_filtered(api: Api, cast: Cast) -> None:
    fall = make_cohort("fall", cast.academy)
    CohortLearner.objects.create(cohort=fall, user=cast.owner)
    gone = make_user("gone", "student", cast.academy)
    Membership.objects.filter(user=gone).update(status="INACTIVE")
    ada = api.get(f"{MEMBERS}?like=lovelace&role=student&cohort=fall").json()
    assert [(one["username"], one["role"], one["archived"]) for one in ada] == [("ada", "student", False)]
    assert ada[0]["cohorts"] == [{"id": fall.pk, "name": "Fall", "slug": "fall"}]
    assert ada[0]["limited_to"] is None
    assert [one["username"] for one in api.get(f"{MEMBERS}?status=archived").json()] == ["gone"]
    assert {one["username"] for one in api.get(f"{MEMBERS}?status=all").json()} == {"ada", "grace", "gone"}
    assert api.get(f"{MEMBERS}?limit=1").json()["count"] == 2


@pytest.mark.parametrize("query", ["role=boss", "status=dead", "cohort=nowhere"])
def test_an_unknown_filter_is_a_sentence(api: Api, query: str) -> None:
    answer = api.get(f"{MEMBERS}?{query}")
    assert answer.status_code == 400
    assert query.split("=")[1] in str(answer.json())


def test_somebody_is_added_changed_limited_archived_and_restored(api: Api, cast: Cast) -> None:
    fall = make_cohort("fall", cast.academy)
    added = api.post(MEMBERS, {"username": "lina", "first_name": "Lina", "cohorts": ["fall"]})
    assert added.status_code == 201
    lina = f"{MEMBERS}/{added.json()['id']}"
    assert [cohort["slug"] for cohort in added.json()["cohorts"]] == ["fall"]
    assert api.put(lina, {"last_name": "Müller"}).json()["last_name"] == "Müller"
    assert api.get(lina).json()["first_name"] == "Lina"
    teacher = api.put(f"{lina}/role", {"role": "teacher", "limited_to": [str(fall.pk)]}).json()
    assert (teacher["role"], [cohort["slug"] for cohort in teacher["limited_to"]]) == ("teacher", ["fall"])
    assert api.put(f"{lina}/archived", {"archived": True}).json()["archived"] is True
    assert api.put(f"{lina}/archived", {"archived": False}).json()["archived"] is False
    assert api.put(f"{lina}/role", {"role": "teacher"}).json()["limited_to"] is None


def test_a_place_in_a_cohort_is_given_and_taken_unless_there_are_tasks(api: Api, cast: Cast) -> None:
    fall, spring = make_cohort("fall", cast.academy), make_cohort("spring", cast.academy)
    place = f"{MEMBERS}/{cast.owner.pk}/cohort"
    assert [cohort["slug"] for cohort in api.put(f"{place}/{fall.pk}").json()["cohorts"]] == ["fall"]
    assert api.delete(f"{place}/{fall.pk}").json()["cohorts"] == []
    make_task(cast.owner, "intro", cohort=spring)
    kept = api.delete(f"{place}/{spring.pk}")
    assert (kept.status_code, kept.json()["slug"]) == (409, "has-tasks-of-cohort")
    theirs = make_cohort("theirs", cast.elsewhere)
    assert api.put(f"{place}/{theirs.pk}").status_code == 404


@pytest.mark.parametrize(
    ("body", "field", "english", "spanish"),
    [
        ({"username": "grace"}, "username", "is taken", "ya está en uso"),
        ({"username": "a", "email": "nonsense"}, "email", "not an e-mail address", "correo electrónico"),
        ({"username": "a", "cohorts": ["theirs"]}, "cohorts", "no cohort theirs", "cohorte"),
        ({"username": "a", "role": "boss"}, "role", "boss", "boss"),
        ({}, "username", "user name", "usuario"),
    ],
)
def test_what_cannot_be_added_is_said_in_the_callers_language(
    api: Api, cast: Cast, body: dict[str, Any], field: str, english: str, spanish: str
) -> None:
    make_cohort("theirs", cast.elsewhere)
    before = User.objects.count()
    for language, part in (("en", english), ("es", spanish)):
        answer = api.post(MEMBERS, body, Accept_Language=language)
        assert answer.status_code == 400
        assert part in answer.json()[field][0]
    assert User.objects.count() == before


def test_the_last_admin_stays_one(api: Api, cast: Cast) -> None:
    own = f"{MEMBERS}/{cast.colleague.pk}"
    for path, body in ((f"{own}/role", {"role": "teacher"}), (f"{own}/archived", {"archived": True})):
        answer = api.put(path, body)
        assert (answer.status_code, answer.json()["slug"]) == (409, "last-admin")
    assert Membership.objects.get(user=cast.colleague).role == "admin"


def test_whoever_acts_elsewhere_too_keeps_names_and_address(api: Api, cast: Cast) -> None:
    both = make_user("both", "student", cast.academy, cast.elsewhere)
    answer = api.put(f"{MEMBERS}/{both.pk}", {"email": "mine@example.org"})
    assert (answer.status_code, answer.json()["slug"]) == (403, "person-elsewhere")


def test_an_invitation_is_made_mailed_listed_and_taken_back(api: Api, cast: Cast, settings: Settings) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail", "https://learn.example.org"
    with patch.object(reset, "post") as post:
        made = api.post(INVITATIONS, {"email": "lina@example.org", "role": "teacher", "days": 7})
    assert made.status_code == 201
    told = made.json()
    assert (told["state"], told["mailed"], told["made_by"]["username"]) == ("open", True, "grace")
    [message] = [call.args[0] for call in post.call_args_list]
    assert message.to == ["lina@example.org"]
    assert "https://learn.example.org/invitation/" in message.body
    # Whoever opens the link sees whether the address has an account.
    assert told["link"] is None
    [listed] = api.get(INVITATIONS).json()
    assert "link" not in listed
    assert api.delete(f"{INVITATIONS}/{told['id']}").status_code == 204
    assert api.get(INVITATIONS).json()[0]["state"] == "revoked"
    assert Invitation.objects.get().revoked_at is not None


def test_an_invitation_to_a_members_address_says_who_that_is(api: Api, cast: Cast) -> None:
    answer = api.post(INVITATIONS, {"email": "ADA@example.org"})
    assert answer.status_code == 400
    assert "already belongs to the academy" in answer.json()["email"][0]
    assert not Invitation.objects.exists()


def test_a_link_to_hand_on_is_shown_where_no_mail_is_sent(api: Api) -> None:
    made = api.post(INVITATIONS, {}).json()
    assert (made["mailed"], "/invitation/" in made["link"]) == (False, True)


def test_where_mail_is_sent_nobody_learns_whether_an_address_has_an_account(
    api: Api, cast: Cast, settings: Settings
) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail", "https://learn.example.org"
    added = [api.post(MEMBERS, {"email": email}) for email in ("lee@example.org", "free@example.org")]
    assert added[0].status_code == added[1].status_code == 400
    assert added[0].json() == added[1].json()
    with patch.object(reset, "post") as post:
        made = [api.post(INVITATIONS, {"email": email}).json() for email in ("lee@example.org", "free@example.org")]
    alike = ("role", "cohorts", "state", "mailed", "link", "used_by")
    assert [made[0][name] for name in alike] == [made[1][name] for name in alike]
    assert [call.args[0].to for call in post.call_args_list] == [["lee@example.org"], ["free@example.org"]]
