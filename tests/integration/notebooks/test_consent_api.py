"""A learner's say about the collection of notebook events."""

from typing import Any

import pytest

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.models import Academy, Membership
from learntrace.notebooks.models import Consent
from tests.support.builders import Api, Cast

CONSENT = "/v1/me/consent"


def allow(academy: Academy, **features: bool) -> None:
    merge_features(academy, features, NOTEBOOK)


def test_who_has_said_nothing_is_collected(cast: Cast, learner: Api) -> None:
    answer = learner.get(CONSENT)
    assert (answer.status_code, answer.json()) == (200, {
        "user": {"id": cast.owner.pk, "username": "ada"},
        "academy": {"id": cast.academy.pk, "slug": "downtown", "name": "Downtown"},
        "collecting": True, "may_opt_out": False, "collects_source": False,
    })  # fmt: skip


def test_a_learner_may_say_no_where_the_academy_allows_it(cast: Cast, learner: Api) -> None:
    answer = learner.put(CONSENT, {"collecting": False})
    assert (answer.status_code, answer.json()["slug"]) == (403, "opt-out-not-allowed")
    allow(cast.academy, opt_out=True, collect_source=True)
    answer = learner.put(CONSENT, {"collecting": False})
    assert (answer.status_code, answer.json()) == (200, learner.get(CONSENT).json())
    told = answer.json()
    assert (told["collecting"], told["may_opt_out"], told["collects_source"]) == (False, True, True)
    assert Consent.objects.get().user == cast.owner


def test_a_no_stays_when_the_academy_allows_no_more_of_them_and_a_yes_is_always_allowed(
    cast: Cast, learner: Api
) -> None:
    allow(cast.academy, opt_out=True)
    learner.put(CONSENT, {"collecting": False})
    allow(cast.academy, opt_out=False)
    assert learner.get(CONSENT).json()["collecting"] is False
    assert learner.put(CONSENT, {"collecting": True}).json()["collecting"] is True
    assert learner.put(CONSENT, {"collecting": False}).status_code == 403


@pytest.mark.parametrize("body", [{}, {"collecting": None}, {"collecting": "no"}, {"collecting": 0}])
def test_only_true_and_false_are_an_answer(cast: Cast, learner: Api, body: dict[str, Any]) -> None:
    allow(cast.academy, opt_out=True)
    answer = learner.put(CONSENT, body)
    assert (answer.status_code, answer.json()) == (400, {"collecting": ["Must be a valid boolean."]})
    assert not Consent.objects.exists()


def test_a_body_that_is_no_object_is_refused(learner: Api) -> None:
    assert learner.put(CONSENT, [True]).status_code == 400


def test_of_several_academies_the_named_or_else_the_first_counts(cast: Cast, learner: Api) -> None:
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    allow(cast.elsewhere, opt_out=True)
    first, second = sorted((cast.academy, cast.elsewhere), key=lambda academy: academy.pk)
    assert learner.get(CONSENT).json()["academy"]["id"] == first.pk
    named = Api(cast.owner, second)
    assert named.get(CONSENT).json()["academy"]["id"] == second.pk
    assert Api(cast.owner, cast.elsewhere).put(CONSENT, {"collecting": False}).status_code == 200


@pytest.mark.parametrize(("named", "status", "slug"), [("x", 400, "invalid-academy-id"), ("1", 403, "not-a-member"),
                                                     ("9" * 30, 403, "not-a-member")])  # fmt: skip
def test_an_academy_that_is_not_ones_own_is_refused(learner: Api, named: str, status: int, slug: str) -> None:
    answer = learner.get(CONSENT, Academy=named)
    assert (answer.status_code, answer.json()["slug"]) == (status, slug)


def test_who_has_no_academy_has_nothing_to_refuse(cast: Cast, learner: Api) -> None:
    Membership.objects.all().delete()
    assert learner.get(CONSENT).json()["academy"] is None
    assert learner.put(CONSENT, {"collecting": False}).status_code == 403
