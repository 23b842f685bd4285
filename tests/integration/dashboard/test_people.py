"""Who may open which page of people, and due dates from the page to what staff and learners are shown."""

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client, TestCase
from django.utils import timezone
from pytest_django import Settings

from learntrace.accounts.academy_settings import set_feature
from learntrace.accounts.audit.actions import PERSON_CHANGED, ROLE_CHANGED
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.invitations import accepting, inviting
from learntrace.accounts.models import CohortLearner, Grant, Invitation, Membership, RosterJob, User
from learntrace.accounts.signing_in import reset
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.dashboard.classroom.folding import COOKIE
from learntrace.personal.models import UserMerge
from learntrace.registry.models import Asset
from tests.support.builders import Api, Cast, make_assignment, make_attempts, make_cohort, make_graded_asset, make_user

pytestmark = pytest.mark.django_db
KEY = "intro/01-hello"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def limited(cast: Cast) -> User:
    """A teacher who sees the learners of one cohort, in which is nobody but Bo."""
    mine = make_cohort("mine", cast.academy)
    teacher = make_user("tess", "teacher", cast.academy)
    membership = Membership.objects.get(user=teacher)
    membership.only_cohorts = True
    membership.save()
    membership.cohorts.set([mine])
    CohortLearner.objects.create(cohort=mine, user=make_user("bo", "student", cast.academy))
    CohortLearner.objects.create(cohort=make_cohort("theirs", cast.academy), user=cast.owner)
    return teacher


def test_a_teacher_limited_to_a_cohort_sees_none_of_another(cast: Cast, limited: User) -> None:
    client = signed_in(limited)
    theirs = Membership.objects.get(user=cast.owner)
    other = DueDate.objects.create(
        cohort=cast.academy.cohorts.get(slug="theirs"), asset=make_graded_asset("intro"), due_at=timezone.now()
    )
    for path in ("/people", "/people?format=csv", "/people?archived=all", "/people/cohorts", "/people/due-dates"):
        answer = client.get(path).content.decode()
        assert "bo" in answer or "mine" in answer or path == "/people/due-dates"
        assert "ada" not in answer
        assert "theirs" not in answer
    assert client.get(f"/people/{theirs.user_id}").status_code == 404
    assert client.get(f"/people/cohort/{other.cohort_id}").status_code == 404
    assert client.post(f"/people/due-date/{other.pk}/end").status_code == 404
    told = Api(limited, cast.academy).get("/v1/assignment/academy/due-date").json()
    assert told == []


@pytest.mark.parametrize(
    "path", ["/people/add", "/people/import", "/people/invitations", "/people/{owner}/merge", "/people/{owner}/role"]
)
def test_only_admins_change_people(cast: Cast, path: str) -> None:
    teacher = make_user("tess", "teacher", cast.academy)
    address = path.format(owner=cast.owner.pk)
    for user in (teacher, cast.owner, cast.stranger):
        answer = signed_in(user).post(f"{address}?academy={cast.academy.pk}", {"role": "admin"})
        assert answer.status_code == 403
    assert Membership.objects.get(user=cast.owner).role == "student"


def test_imports_and_invitations_of_another_academy_do_not_exist(cast: Cast) -> None:
    job = RosterJob.objects.create(academy=cast.academy, file_name="a.csv", state="ready", fingerprint="a")
    row, _token = inviting.invite(cast.academy, cast.colleague, email="", role="student", cohorts=[], days=7)
    client = signed_in(cast.stranger)
    for path in (
        f"import/{job.pk}/apply",
        f"import/{job.pk}/undo",
        f"import/{job.pk}/drop",
        f"invitation/{row.pk}/revoke",
    ):
        assert client.post(f"/people/{path}").status_code == 404
    assert client.get(f"/people/import/{job.pk}").status_code == 404
    assert RosterJob.objects.get().state == "ready"


def test_the_last_admin_keeps_the_role(cast: Cast) -> None:
    client = signed_in(cast.colleague)
    for path, body in (("role", {"role": "teacher"}), ("archive", {"archived": "yes"})):
        answer = client.post(f"/people/{cast.colleague.pk}/{path}", body)
        assert answer.status_code == 409
        assert "would have no administrator any more" in answer.content.decode()


def test_saving_what_nobody_changed_says_so_and_records_nothing(cast: Cast) -> None:
    client, ada = signed_in(cast.colleague), cast.owner
    names = {name: getattr(ada, name) for name in ("username", "email", "first_name", "last_name")}
    for path, body in (("role", {"role": "student", "limit": "no"}), ("change", names)):
        page = client.post(f"/people/{ada.pk}/{path}", body, follow=True).content.decode()
        assert "Nothing has changed." in page
    assert not AuditEntry.objects.filter(action__in=(ROLE_CHANGED.slug, PERSON_CHANGED.slug)).exists()


@pytest.mark.parametrize("how", ["member", "grant", "is_superuser", "is_staff"])
def test_whoever_acts_beyond_the_academy_is_neither_renamed_nor_merged(cast: Cast, how: str) -> None:
    # With the address comes the password, and with a merge what the person may do.
    both = make_user("both", "student", cast.academy, **({how: True} if how.startswith("is_") else {}))
    if how == "member":
        Membership.objects.create(user=both, academy=cast.elsewhere, role="student")
    elif how == "grant":
        Grant.objects.create(user=both, permission="upload_any_telemetry")
    admin, address = signed_in(cast.colleague), User.objects.get(pk=both.pk).email
    fields = {"username": "both", "email": "me@example.org"}
    assert admin.post(f"/people/{both.pk}/change", fields).status_code == 403
    for into, other in ((cast.colleague, both), (both, cast.owner)):
        assert admin.post(f"/people/{into.pk}/merge", {"other": f"id:{other.pk}"}).status_code == 403
    assert User.objects.get(pk=both.pk).email == address
    assert not UserMerge.objects.exists()


@pytest.mark.parametrize("name", ["id:{owner}", "{owner}", "ada", "ADA@example.org"])
def test_a_record_is_not_merged_with_itself_by_whatever_name(cast: Cast, name: str) -> None:
    answer = signed_in(cast.colleague).get(
        f"/people/{cast.owner.pk}/merge", {"other": name.format(owner=cast.owner.pk)}
    )
    page = answer.content.decode()
    assert "This is the same record" in page
    assert "Nobody at your academy" not in page


def test_the_former_address_hears_of_the_new_one(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail", "https://learn.example.org"
    admin = signed_in(cast.colleague)
    fields = {"username": "ada", "email": "other@example.org", "first_name": "", "last_name": ""}
    with patch.object(reset, "post") as post, TestCase.captureOnCommitCallbacks(execute=True):
        assert admin.post(f"/people/{cast.owner.pk}/change", fields).status_code == 302
        assert admin.post(f"/people/{cast.owner.pk}/change", {**fields, "first_name": "Ada"}).status_code == 302
    [message] = [call.args[0] for call in post.call_args_list]
    assert message.to == ["ada@example.org"]
    assert "other@example.org" not in message.body


@pytest.mark.parametrize("email", ["lee@example.org", "free@example.org"])
def test_somebody_with_an_address_is_invited_whether_they_have_an_account_or_not(
    cast: Cast, settings: Settings, email: str
) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail", "https://learn.example.org"
    with patch.object(reset, "post") as post:
        answer = signed_in(cast.colleague).post("/people/add", {"email": email, "role": "student"}, follow=True)
    page = answer.content.decode()
    assert f"An invitation is on its way to {email}." in page
    assert "/invitation/" not in page.replace("/people/invitation/", "")
    assert [call.args[0].to for call in post.call_args_list] == [[email]]
    assert not Membership.objects.filter(academy=cast.academy, user__email=email).exists()


def test_a_role_that_asks_for_a_second_factor_asks_at_once(cast: Cast) -> None:
    set_feature(cast.academy, "access_features", "second_factor", True, seen=False)
    _row, token = inviting.invite(cast.academy, cast.colleague, email="", role="admin", cohorts=[], days=7)
    lee = signed_in(cast.strange_learner)
    lee.get("/people")
    lee.post(f"/invitation/{token}")
    assert lee.get(f"/people?academy={cast.academy.pk}").headers["Location"] == "/account"


@pytest.mark.parametrize(("role", "status"), [("admin", 410), ("assistant", 410), ("student", 200)])
def test_an_admin_who_has_gone_comes_not_back_by_a_link(cast: Cast, role: str, status: int) -> None:
    gone = make_user("gone", "admin", cast.academy)
    _row, token = inviting.invite(cast.academy, gone, email="", role=role, cohorts=[], days=7)
    assert signed_in(cast.strange_learner).get(f"/invitation/{token}").status_code == 200
    assert signed_in(cast.colleague).post(f"/people/{gone.pk}/archive", {"archived": "yes"}).status_code == 302
    assert signed_in(cast.strange_learner).get(f"/invitation/{token}").status_code == status


def test_invitations_of_a_day_are_limited(cast: Cast) -> None:
    in_a_month = timezone.now() + timedelta(days=30)
    Invitation.objects.bulk_create(
        Invitation(academy=cast.academy, role="student", token_hash=str(number), expires_at=in_a_month)
        for number in range(inviting.MOST_A_DAY)
    )
    answer = signed_in(cast.colleague).post("/people/invitations", {"email": "", "role": "student", "days": "7"})
    assert answer.status_code == 429
    assert Invitation.objects.count() == inviting.MOST_A_DAY


@pytest.mark.parametrize(
    ("email", "sentence"),
    [("ada@example.org", "already belongs to the academy"), ("nonsense", "not an e-mail address")],
)
def test_an_invitation_that_makes_no_sense_is_refused(cast: Cast, email: str, sentence: str) -> None:
    answer = signed_in(cast.colleague).post("/people/invitations", {"email": email, "role": "student", "days": "7"})
    assert sentence in answer.content.decode()
    assert not Invitation.objects.exists()


def test_an_invitation_opens_once_for_its_address_until_it_ends(cast: Cast) -> None:
    row, token = inviting.invite(
        cast.academy, cast.colleague, email="LEE@example.org", role="teacher", cohorts=[], days=7
    )
    assert token not in str(Invitation.objects.values())
    assert "Sign in with it to accept" in Client().get(f"/invitation/{token}").content.decode()
    with pytest.raises(accepting.ForSomebodyElse, match=r"for LEE@example\.org, and you are signed in as Sam"):
        accepting.accept_as(cast.stranger, token)
    lee = signed_in(cast.strange_learner)
    assert lee.post(f"/invitation/{token}").status_code == 302
    assert Membership.objects.get(user=cast.strange_learner, academy=cast.academy).role == "teacher"
    for change, part in (
        ({}, "has already been used"),
        ({"used_at": None, "expires_at": timezone.now()}, "has expired"),
        ({"revoked_at": timezone.now()}, "was revoked"),
    ):
        Invitation.objects.filter(pk=row.pk).update(**change)
        answer = Client().get(f"/invitation/{token}")
        assert (answer.status_code, part in answer.content.decode()) == (410, True)


def test_an_invitation_is_mailed_where_mail_is_configured(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail", "https://learn.example.org"
    answer = signed_in(cast.colleague).post(
        "/people/invitations", {"email": "new@example.org", "role": "student", "days": "7"}
    )
    assert "on its way to new@example.org" in answer.content.decode()
    assert Invitation.objects.get().mailed


def test_late_and_extended_are_told_everywhere(cast: Cast) -> None:
    cohort, asset = make_cohort("fall", cast.academy), make_graded_asset("intro", academy=cast.academy)
    make_assignment(cast.academy, asset, KEY)
    make_attempts(cast.owner, cast.academy, KEY, "x")
    bo = make_user("bo", "student", cast.academy)
    for user in (cast.owner, bo):
        CohortLearner.objects.create(cohort=cohort, user=user)
    client, api = signed_in(cast.colleague), Api(cast.colleague, cast.academy)
    due_at = timezone.now() - timedelta(days=1)
    answer = api.put(
        "/v1/assignment/academy/due-date", {"cohort": "fall", "asset": "intro", "due_at": due_at.isoformat()}
    )
    extension = f"/v1/assignment/academy/due-date/{answer.json()['id']}/extension/{bo.pk}"
    early = api.put(extension, {"due_at": due_at.isoformat()})
    assert early.status_code == 400
    later = (due_at + timedelta(days=9)).isoformat()
    assert api.put(extension, {"due_at": later, "reason": "was ill"}).status_code == 200
    told = {
        row["learner"]["id"]: row["timeliness"]
        for row in api.get(f"/v1/progress/academy/assignment/{KEY}/learner?cohort=fall").json()
    }
    assert told == {cast.owner.pk: "late", bo.pk: "extended"}
    assert "1 late" in client.get("/class?cohort=fall").content.decode()
    assert "extended until" in client.get(f"/assignment/{KEY}?cohort=fall").content.decode()
    assert "late, was due" in client.get(f"/learner/{cast.owner.pk}").content.decode()
    assert "late, was due" in signed_in(cast.owner).get("/me").content.decode()
    assert ",late" in client.get(f"/learner/{cast.owner.pk}?format=csv").content.decode()
    assert Extension.objects.get().reason == "was ill"


@pytest.fixture
def due(cast: Cast) -> dict[str, User]:
    """Of one cohort: Ada is late, Bo has an extension, Cy is done late; two assets, so that lessons fold."""
    cohort, asset = make_cohort("fall", cast.academy), make_graded_asset("intro", academy=cast.academy)
    other = make_graded_asset("more", academy=cast.academy)
    for place in range(2):
        make_assignment(cast.academy, asset, f"intro/0{place + 1}-hello", position=place)
        make_assignment(cast.academy, other, f"more/0{place + 1}-hello", position=place)
    people = {
        "ada": cast.owner,
        "bo": make_user("bo", "student", cast.academy),
        "cy": make_user("cy", "student", cast.academy),
    }
    for user in people.values():
        CohortLearner.objects.create(cohort=cohort, user=user)
    at = timezone.now() - timedelta(days=1)
    row = DueDate.objects.create(cohort=cohort, asset=asset, due_at=at)
    Extension.objects.create(due_date=row, user=people["bo"], due_at=at + timedelta(days=9))
    start = timezone.now() - timedelta(hours=1)
    make_attempts(people["cy"], cast.academy, KEY, "-", start)
    make_attempts(people["ada"], cast.academy, KEY, "x", start)
    make_attempts(people["bo"], cast.academy, KEY, "x", start)
    return people


WORDS = {
    "en": {
        "late": "late, was due",
        "extended": "extended until",
        "done_late": "done late, was due",
        "row": "2 late",
        "row_extended": "2 extended",
    },
    "es": {
        "late": "con retraso; entrega:",
        "extended": "con prórroga hasta",
        "done_late": "hecho con retraso; entrega:",
        "row": "2 con retraso",
        "row_extended": "2 con prórroga",
    },
}
IN_FILES = {
    "en": {"late": ",late", "extended": ",extended", "done_late": ",done late"},
    "es": {"late": ",con retraso", "extended": ",con prórroga", "done_late": ",hecho con retraso"},
}


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_page_tells_who_is_late_and_who_has_longer(cast: Cast, due: dict[str, User], language: str) -> None:
    words, client = WORDS[language], signed_in(cast.colleague)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    def page(path: str, user: User | None = None) -> str:
        reader = signed_in(user) if user else client
        reader.defaults["HTTP_ACCEPT_LANGUAGE"] = language
        return reader.get(path).content.decode()

    def told(text: str) -> set[str]:
        return {name for name in ("late", "extended", "done_late") if words[name] in text}

    def in_file(path: str) -> set[str]:
        text = page(path)
        return {name for name, word in IN_FILES[language].items() if word in text}

    grid = page("/class?cohort=fall")
    rows = {name: grid.split(f'<tr data-row="{user.pk}">')[1].split("</tr>")[0] for name, user in due.items()}
    assert words["row"] in rows["ada"]
    assert words["row_extended"] in rows["bo"]
    assert '<svg class="done_late">' in rows["cy"]
    assert '<svg class="extended">' in rows["bo"]
    for name, word in (("ada", "late"), ("bo", "extended"), ("cy", "done_late")):
        assert word in told(page(f"/learner/{due[name].pk}")), name
        assert word in in_file(f"/learner/{due[name].pk}?format=csv"), name
    assert told(page("/me", due["ada"])) == {"late"}
    assert told(page("/me", due["bo"])) == {"extended"}
    every = {"late", "extended", "done_late"}
    assert told(page(f"/assignment/{KEY}?cohort=fall")) == every
    assert in_file(f"/assignment/{KEY}?cohort=fall&format=csv") == every


@pytest.mark.parametrize(("language", "word"), [("en", "2 late"), ("es", "2 con retraso")])
def test_a_folded_lesson_tells_how_many_are_late(cast: Cast, due: dict[str, User], language: str, word: str) -> None:
    client = signed_in(cast.colleague)
    asset = Asset.objects.get(slug="intro")
    client.cookies[COOKIE] = str(asset.pk)
    grid = client.get("/class?cohort=fall", headers={"Accept-Language": language}).content.decode()
    row = grid.split(f'<tr data-row="{due["ada"].pk}">')[1].split("</tr>")[0]
    assert f'<svg class="late"><use href="#shape-late"/></svg><span class="hidden">{word}</span>' in row


DUE_WORDS = {
    "en": ("due ", "1 late, 1 extended", "Due dates"),
    "es": ("entrega: ", "1 con retraso, 1 con prórroga", "Fechas de entrega"),
}


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_headings_of_class_now_tell_until_when_and_who_is_late(
    cast: Cast, due: dict[str, User], language: str
) -> None:
    # Cy has done one of two, and is late on the other.
    word, counts, _title = DUE_WORDS[language]
    counts = counts.replace("1 ", "2 ", 1)
    client = signed_in(cast.colleague)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    at = timezone.localtime(DueDate.objects.get().due_at)
    for path in ("/class?cohort=fall", "/class"):
        head = client.get(path).content.decode().partition("<thead")[2].partition("</thead>")[0]
        lesson = re.search(r'class="due-at" title="([^"]*)"', head)
        assert lesson is not None
        assert lesson[1].startswith(word)
        assert f"{at:%H:%M}" in lesson[1]
        assert counts in lesson[1]
        # Each of its two columns tells it, and no column of the other asset.
        assert head.count(f'<span class="hidden">, {word}') == 2
        assert head.count('class="due-at"') == 1
    projected = client.get("/class?cohort=fall&projector=1").content.decode()
    assert counts not in projected
    # Another cohort's date is told with the cohorts' names where both are shown.
    winter = make_cohort("winter", cast.academy)
    DueDate.objects.create(cohort=winter, asset=Asset.objects.get(slug="intro"), due_at=at + timedelta(days=30))
    head = client.get("/class").content.decode()
    assert f"{DueDate.objects.first().cohort.name}: " in head
    assert f"{winter.name}: " in head
    assert f"{winter.name}: " not in client.get("/class?cohort=fall").content.decode()


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_assets_page_tells_its_due_dates_and_how_learners_stand(
    cast: Cast, due: dict[str, User], language: str
) -> None:
    client = signed_in(cast.colleague)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    def cells() -> list[str]:
        page = client.get("/asset/intro").content.decode()
        assert DUE_WORDS[language][2] in page
        row = page.partition('data-part="dues"')[2].partition("</tbody>")[0]
        return [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]

    # Learners, done in time, done late, late, extended: Cy has done half of it.
    assert cells()[1:] == ["3", "0", "0", "2", "1"]
    make_attempts(due["cy"], cast.academy, "intro/02-hello", "-", timezone.now() - timedelta(minutes=30))
    assert cells()[1:] == ["3", "0", "1", "1", "1"]
    start = timezone.now() - timedelta(days=2)
    dee = make_user("dee", "student", cast.academy)
    CohortLearner.objects.create(cohort=cast.academy.cohorts.get(slug="fall"), user=dee)
    for key in (KEY, "intro/02-hello"):
        make_attempts(dee, cast.academy, key, "-", start)
    assert cells()[1:] == ["4", "1", "1", "1", "1"]
    # Whoever sees another cohort only, sees none of it; nothing is due on the other asset.
    assert 'data-part="dues"' not in client.get("/asset/more").content.decode()
    teacher = make_user("tess", "teacher", cast.academy)
    membership = Membership.objects.get(user=teacher)
    membership.only_cohorts = True
    membership.save()
    membership.cohorts.set([make_cohort("mine", cast.academy)])
    assert 'data-part="dues"' not in signed_in(teacher).get("/asset/intro").content.decode()
