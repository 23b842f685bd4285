"""Who has to have a second factor: an academy can ask for it of whoever isn't a learner there."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import ACCESS, declare_feature
from learntrace.accounts.models import Academy, AcademySettings, Membership, User
from learntrace.core.errors import FieldProblem, Forbidden

SECOND_FACTOR: Final = "second_factor"
_LEARNER: Final = "student"


class SecondFactorMissing(Forbidden):
    """The academy asks for a second factor, and this user has none."""

    slug = "second-factor-missing"
    text = _("%(academy)s asks its staff for a second factor. Sign in on the pages to set one up")


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldProblem(ACCESS, _("`%(name)s` must be true or false"), name=SECOND_FACTOR)
    return value


def academy_asking(user: User) -> Academy | None:
    """Return an academy that asks this user for a second factor, if there is one."""
    asking = AcademySettings.objects.filter(access_features__contains={SECOND_FACTOR: True}).values("academy_id")
    membership = (
        Membership.objects.select_related("academy")
        .filter(user=user, status=Membership.Status.ACTIVE, academy_id__in=asking)
        .filter(academy__status=Academy.Status.ACTIVE)
        .exclude(role=_LEARNER)
        .order_by("academy_id")
        .first()
    )
    return membership.academy if membership else None


def asks(academy: Academy) -> bool:
    """Whether an academy asks its staff for a second factor."""
    return AcademySettings.objects.filter(academy=academy, access_features__contains={SECOND_FACTOR: True}).exists()


def register() -> None:
    """Declare the feature: shown with its default, and checked before it is stored."""
    declare_feature(ACCESS, SECOND_FACTOR, False, _flag)
