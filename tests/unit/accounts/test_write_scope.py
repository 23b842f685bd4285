"""The scope of writes as pure functions: nobody reaches what another academy owns, whatever the memberships are."""

from hypothesis import given
from hypothesis import strategies as st

from learntrace.accounts.write_scope import (
    AssetHome,
    Learner,
    Sender,
    closed_to,
    may_describe,
    may_name,
    may_write,
    owners,
    sees,
)

_ACADEMY = st.integers(1, 4)
_ACADEMIES = st.frozensets(_ACADEMY)
_HOMES = st.builds(AssetHome, st.none() | _ACADEMY, st.booleans())
_SENDERS = st.builds(Sender, st.none() | st.integers(1, 3), st.none() | _ACADEMIES)
_LEARNERS = st.builds(Learner, st.integers(1, 3), _ACADEMIES)


@given(_ACADEMIES, st.none() | _ACADEMY)
def test_the_owners_of_a_record_are_the_academies_that_may_see_it(joined: frozenset[int], asset: int | None) -> None:
    seen = {academy for academy in joined if asset in (None, academy) or asset not in joined}
    assert owners(joined, asset) == seen


@given(_SENDERS, _LEARNERS, st.none() | _ACADEMY)
def test_a_record_is_written_by_its_learner_and_by_who_serves_an_owner(
    sender: Sender, learner: Learner, asset: int | None
) -> None:
    allowed = may_write(sender, learner, asset)
    assert allowed or sender.user_id != learner.user_id
    if allowed and sender.user_id != learner.user_id and sender.serves is not None and learner.academies:
        assert sender.serves & owners(learner.academies, asset)


@given(_SENDERS, _LEARNERS, _ACADEMY)
def test_what_an_academy_keeps_to_itself_is_named_by_its_own_people_only(
    sender: Sender, learner: Learner, academy: int
) -> None:
    named = may_name(sender, learner, AssetHome(academy))
    own = sender.user_id == learner.user_id and academy in learner.academies
    assert named == (own or sender.serves is None or academy in sender.serves)


@given(_SENDERS, _LEARNERS, _HOMES)
def test_who_belongs_to_an_academy_names_what_everybody_may_open(
    sender: Sender, learner: Learner, home: AssetHome
) -> None:
    assert may_name(sender, learner, AssetHome(home.academy_id, open=True))
    assert may_name(sender, learner, AssetHome(None))


@given(_SENDERS, st.none() | _ACADEMY)
def test_only_services_of_its_academy_describe_an_asset(sender: Sender, academy: int | None) -> None:
    described = may_describe(sender, academy)
    assert described == (
        sender.serves is None or (bool(sender.serves) if academy is None else academy in sender.serves)
    )


@given(_SENDERS, _LEARNERS)
def test_tasks_are_closed_to_who_does_not_serve_their_academy(sender: Sender, learner: Learner) -> None:
    closed = closed_to(sender, learner)
    assert closed <= learner.academies
    own = sender.user_id == learner.user_id
    assert closed == (set() if own or sender.serves is None else learner.academies - sender.serves)


@given(_ACADEMIES, _HOMES)
def test_a_text_for_several_academies_names_nothing_that_one_of_them_may_not_see(
    readers: frozenset[int], home: AssetHome
) -> None:
    if sees(readers, home) and not home.open and home.academy_id is not None:
        assert readers == {home.academy_id}
