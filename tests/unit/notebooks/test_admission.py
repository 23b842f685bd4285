"""Whose a notebook event is, and which academy's: decided without a database."""

from typing import Any

import pytest

from learntrace.accounts.roles import UPLOAD_ANY, UPLOAD_OWN
from learntrace.intake.protocol import Caller
from learntrace.notebooks.inbox.admission import (
    AdmissionFacts,
    InvalidAcademy,
    NotAMember,
    OptedOut,
    Person,
    academy_of,
    learner_of,
    sender_of,
)
from learntrace.notebooks.validation.rejections import Rejection

ADA = Person(1, "ada", (10, 20))
LEE = Person(2, "lee", (20, 30))
NO = Person(3, "no", (10,), collecting=False)
PROGRAM = Person(4, "program", (20,))
PEOPLE = (ADA, LEE, NO, PROGRAM)
KNOWN = AdmissionFacts(
    {one.id: one for one in PEOPLE},
    {one.username: one for one in PEOPLE},
    tags={"assignment:a": (30, 20), "assignment:b": (20, 10)},
    paths={"b.ipynb": (20,)},
)
OWN, ANY = frozenset({UPLOAD_OWN}), frozenset({UPLOAD_OWN, UPLOAD_ANY})


def row(actor: Any = None, **about: Any) -> dict[str, Any]:
    return {"actor": actor, "object": about}


def decide(caller: Caller, event: dict[str, Any], named: str = "") -> tuple[str, int | None]:
    sender = sender_of(caller, named, KNOWN)
    learner = learner_of(event, sender, KNOWN)
    return learner.username, academy_of(event, learner, sender, KNOWN)


@pytest.mark.parametrize(
    ("event", "named", "academy"),
    [
        (row(), "", 10), (row(), "20", 20), (row("ada"), "", 10), (row(""), "", 10),
        (row(assignment="assignment:a"), "", 20), (row(notebook="b.ipynb"), "", 20),
        (row(assignment="assignment:b"), "", 20), (row(assignment="assignment:x", notebook="x.ipynb"), "", 10),
        (row(assignment="assignment:a"), "10", 10),
    ],
)  # fmt: skip
def test_a_learners_event_is_of_the_named_the_publishing_or_the_first_academy(
    event: dict[str, dict[str, str] | None], named: str, academy: int
) -> None:
    assert decide(Caller(1, OWN), event, named) == ("ada", academy)


@pytest.mark.parametrize("actor", ["lee", "nobody", 7, True, ["ada"], "ADA"])
def test_a_learner_speaks_for_nobody_else(actor: Any) -> None:
    with pytest.raises(Rejection) as caught:
        decide(Caller(1, OWN), row(actor))
    assert caught.value.code == "telemetry-of-another-user"


def test_a_hubs_caller_has_the_hubs_academy_and_no_other() -> None:
    hub = Caller(1, OWN, academy_id=20)
    assert decide(hub, row()) == ("ada", 20)
    assert decide(hub, row(assignment="assignment:x")) == ("ada", 20)
    assert decide(hub, row(), "20") == ("ada", 20)
    with pytest.raises(NotAMember):
        decide(hub, row(), "10")
    with pytest.raises(Rejection):
        decide(hub, row("lee"))


def test_a_service_speaks_in_the_academies_that_it_serves() -> None:
    program = Caller(4, ANY, serves=frozenset({20}))
    assert decide(program, row()) == ("program", 20)
    assert decide(program, row("ada")) == ("ada", 20)
    assert decide(program, row("lee")) == ("lee", 20)
    for actor in ("no", "nobody", 7):
        with pytest.raises(Rejection) as caught:
            decide(program, row(actor))
        assert caught.value.code == "telemetry-of-another-user"


def test_a_service_that_belongs_to_an_academy_otherwise_doesnt_speak_for_others_there() -> None:
    program = Person(5, "mixed", (10, 20))
    known = AdmissionFacts({5: program}, {"ada": ADA, "mixed": program})
    sender = sender_of(Caller(5, ANY, serves=frozenset({20})), "10", known)
    assert academy_of(row(), program, sender, known) == 10
    with pytest.raises(Rejection) as caught:
        academy_of(row("ada"), ADA, sender, known)
    assert caught.value.code == "telemetry-of-another-user"


def test_a_service_by_grant_speaks_everywhere_but_only_where_the_learner_is() -> None:
    program = Caller(4, ANY, serves=None)
    assert decide(program, row("lee")) == ("lee", 20)
    assert decide(program, row("lee"), "30") == ("lee", 30)
    for actor in ("nobody", 7):
        with pytest.raises(Rejection) as caught:
            decide(program, row(actor))
        assert caught.value.code == "unknown-actor"
    for named in ("10", "99"):
        with pytest.raises(Rejection) as caught:
            decide(program, row("lee"), named)
        assert caught.value.code == "telemetry-of-another-user"


def test_who_has_said_no_is_left_alone() -> None:
    with pytest.raises(OptedOut):
        decide(Caller(3, OWN), row())
    with pytest.raises(Rejection) as caught:
        decide(Caller(4, ANY, serves=None), row("no"))
    assert caught.value.code == "opted-out"


@pytest.mark.parametrize(("named", "kind"), [("30", NotAMember), ("x", InvalidAcademy), ("1.5", InvalidAcademy),
                                             ("٣", InvalidAcademy), ("9" * 50, NotAMember)])  # fmt: skip
def test_an_academy_that_is_not_ones_own_refuses_the_request(named: str, kind: type[Any]) -> None:
    with pytest.raises(kind):
        decide(Caller(1, OWN), row(), named)
