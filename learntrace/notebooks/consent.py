"""Consent: whether a learner's events are collected, and whether the learner may opt out."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.academy_settings import NOTEBOOK
from learntrace.accounts.models import Academy, AcademySettings, Membership, User
from learntrace.accounts.scope import learners_of
from learntrace.core.errors import Forbidden
from learntrace.core.http.filters import natural
from learntrace.notebooks.features import COLLECT_SOURCE, OPT_OUT, is_on
from learntrace.notebooks.inbox.admission import InvalidAcademy, NotAMember
from learntrace.notebooks.models import Consent


class OptOutNotAllowed(Forbidden):
    slug = "opt-out-not-allowed"
    text = _("Your academy doesn't allow its learners to turn the collection of events off")


@dataclass(frozen=True)
class Terms:
    """The terms of collection for a learner in an academy; `academy` is None for a learner without one."""

    user: User
    academy: Academy | None
    collecting: bool
    may_opt_out: bool
    collects_source: bool


def academy_for(request: Request, user: User, hub_academy: int | None) -> Academy | None:
    """Return the academy that a learner's request is about: the named one, the hub's, or the learner's first.

    Raises InvalidAcademy, NotAMember.
    """
    named = request.headers.get("Academy", "").strip() or request.query_params.get("academy", "").strip()
    mine = Academy.objects.filter(
        memberships__user=user, memberships__status=Membership.Status.ACTIVE, status=Academy.Status.ACTIVE
    )
    if hub_academy is not None:
        mine = mine.filter(pk=hub_academy)
    if not named:
        return mine.order_by("id").first()
    number = natural(named)
    if number is None:
        raise InvalidAcademy(value=named)
    academy = mine.filter(pk=number).first()
    if academy is None:
        raise NotAMember(user=user.pk, academy=named)
    return academy


def terms_of(user: User, academy: Academy | None) -> Terms:
    """Return the current terms in one academy."""
    return terms_in(user, [academy])[0]


def terms_in(user: User, academies: Sequence[Academy | None]) -> list[Terms]:
    """Return the current terms in each of the academies, with two queries however many there are."""
    consent = Consent.objects.filter(user=user).first()
    stored = dict(AcademySettings.objects.filter(academy__in=filter(None, academies)).values_list("academy", NOTEBOOK))
    features = [stored.get(academy.pk) if academy else None for academy in academies]
    return [
        Terms(
            user,
            academy,
            collecting=consent is None or consent.collecting,
            may_opt_out=is_on(feature, OPT_OUT),
            collects_source=is_on(feature, COLLECT_SOURCE),
        )
        for academy, feature in zip(academies, features, strict=True)
    ]


def has_opted_out(user: User) -> bool:
    """Whether the learner has turned the collection of events off."""
    return Consent.objects.filter(user=user, collecting=False).exists()


def learners_opted_out(academy: Academy) -> list[User]:
    """Return the academy's learners who have turned the collection of events off, by name."""
    rows = learners_of(academy).filter(consent__collecting=False)
    return list(rows.only("username", "first_name", "last_name").order_by("last_name", "first_name", "username"))


def change(user: User, academy: Academy | None, *, collecting: bool) -> Terms:
    """Store the learner's consent; it is in force from the next request.

    Raises OptOutNotAllowed. Consenting is always allowed.
    """
    if not collecting and not terms_of(user, academy).may_opt_out:
        raise OptOutNotAllowed
    Consent.objects.update_or_create(user=user, defaults={"collecting": collecting})
    return terms_of(user, academy)
