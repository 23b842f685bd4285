"""Names that look like ids: who is meant, in filters, the diagnosis, erasure and commands."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from learntrace.accounts.models import User
from learntrace.accounts.people.naming import as_typed, called
from learntrace.accounts.tokens.command import TokenCommandError, find_user
from learntrace.config.commands import recompute
from learntrace.diagnosis.question import SeveralMeant, find_person
from learntrace.learnpack.models import Webhook
from tests.support.builders import Api, Cast, make_academy, make_signal, make_stored_event, make_user, make_webhook


@pytest.fixture
def numbered(cast: Cast) -> User:
    """The user with the id that is another's name."""
    return make_user("mila", "student", cast.academy, id=101)


@pytest.fixture
def named(cast: Cast) -> User:
    return make_user("101", "student", cast.academy, id=202)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("101", 101), ("id:101", 101), ("name:101", 202), ("202", 202), ("mila", 101), ("name:mila", 101), ("id: 202", 202),
        ("name:202", None), ("id:mila", None), ("id:303", None), ("name:", None), ("id:", None), ("", None),
        ("id:" + "9" * 5000, None), ("9" * 5000, None), ("MILA@example.org", 101), ("name:mila@example.org", None),
    ],
)  # fmt: skip
def test_a_bare_number_is_an_id_first_and_a_marked_name_is_what_it_says(
    cast: Cast, numbered: User, named: User, name: str, meant: int | None
) -> None:
    User.objects.filter(pk=101).update(email="mila@example.org")
    person = find_person(cast.academy, name)
    assert (person.pk if person else None) == meant
    assert [user.pk for user in called(name, User.objects.all())] == ([meant] if meant else [])
    try:
        assert find_user(name).pk == meant
    except TokenCommandError:
        assert meant is None


def test_a_number_that_is_no_id_here_is_a_name(cast: Cast, named: User) -> None:
    assert find_person(cast.academy, "101") == named
    stranger = make_user("elsewhere", "student", make_academy("other"), id=101)
    assert find_person(cast.academy, "101") == named
    assert find_user("101") == stranger


def test_an_address_of_several_people_is_told_with_their_ids(cast: Cast, numbered: User, named: User) -> None:
    User.objects.filter(pk__in=(101, 202)).update(email="shared@example.org")
    with pytest.raises(SeveralMeant) as caught:
        find_person(cast.academy, "shared@example.org")
    assert "101 (mila), 202 (101). Ask by id, such as id:101" in caught.value.sentence()


@pytest.mark.parametrize(("name", "meant"), [("101", [101]), ("name:101", [202]), ("id:101,name:101", [101, 202])])
def test_the_learner_filter_of_every_list_reads_them(
    cast: Cast, numbered: User, named: User, name: str, meant: list[int]
) -> None:
    for user in (numbered, named):
        make_signal(user, cast.academy)
        make_stored_event(user, cast.academy)
    api = Api(cast.colleague, cast.academy)
    for path in ("/v1/signal/academy/signal", "/v1/notebook/academy/event"):
        rows = api.get(f"{path}?learner={name}").json()
        found = {row["learner"]["id"] for row in rows}
        assert found == set(meant), path
    repeated = "&".join(f"learner={part}" for part in name.split(","))
    assert len(api.get(f"/v1/signal/academy/signal?{repeated}").json()) == len(meant)


def test_an_erasure_takes_whom_it_names(cast: Cast, numbered: User, named: User) -> None:
    make_webhook(numbered)
    make_webhook(named)
    out = StringIO()
    call_command("erase_personal_data", "name:101", stdout=out)
    assert "of 101." in out.getvalue()
    assert list(Webhook.objects.values_list("student", flat=True)) == [101]
    with pytest.raises(CommandError):
        call_command("erase_personal_data", "name:202")


def test_a_recomputation_takes_whom_it_names(numbered: User, named: User) -> None:
    assert recompute._learners(["101"], None) == [101]
    assert recompute._learners(["name:101", "id:101"], None) == [101, 202]


def test_what_is_suggested_means_who_it_says(named: User) -> None:
    assert [as_typed(name) for name in ("mila", "101", "id:5", "name:x")] == [
        "mila",
        "name:101",
        "name:id:5",
        "name:name:x",
    ]
