"""Set up an installation: the operator's account, an academy and a class, in one transaction."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models, transaction
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from learntrace.accounts.audit.actions import ACADEMY_MADE, INSTALLATION_SET_UP
from learntrace.accounts.audit.recording import record
from learntrace.accounts.first_setup.code import AlreadySetUp, WrongSetupCode, administrator_exists, end_code, is_code
from learntrace.accounts.models import Academy, Cohort, Membership, User
from learntrace.accounts.signing_in.passwords import faults_of
from learntrace.core.errors import Problem

LONGEST_NAME: Final = 150
_LONGEST_SLUG: Final = 140


class SetupFaults(Problem):
    """Some of the fields can't be used; `faults` says why, by the name of the field."""

    text = gettext_lazy("Some fields need another look")

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = faults
        super().__init__()


@dataclass(frozen=True)
class NewAcademy:
    """The names of an academy and of its first class."""

    academy: str = ""
    cohort: str = ""

    def faults(self) -> dict[str, str]:
        return dict(self._faults())

    def _faults(self) -> Iterator[tuple[str, str]]:
        if fault := _fault_of_name(self.academy):
            yield "academy", fault
        if fault := _fault_of_name(self.cohort):
            yield "cohort", fault


@dataclass(frozen=True)
class Operator:
    """Who sets up the installation, as typed."""

    name: str = ""
    email: str = ""
    password: str = field(default="", repr=False)
    again: str = field(default="", repr=False)

    def user(self) -> User:
        """Return the account, not stored yet; its user name is the part of the e-mail address before the @."""
        first, _blank, last = self.name.partition(" ")
        username = re.sub(r"[^\w.+-]", "", self.email.partition("@")[0])[:100] or "operator"
        return User(
            username=_free(User, "username", username),
            email=self.email,
            first_name=first,
            last_name=last.strip(),
            is_staff=True,
            is_superuser=True,
            language=translation.get_language() or "",
        )

    def faults(self) -> dict[str, str]:
        return dict(self._faults())

    def _faults(self) -> Iterator[tuple[str, str]]:
        if fault := _fault_of_name(self.name):
            yield "name", fault
        try:
            validate_email(self.email)
        except ValidationError:
            yield "email", _("This isn't an e-mail address.")
        if len(self.email) > 254:
            yield "email", _("This is too long.")
        elif User.objects.filter(email__iexact=self.email).exists():
            yield "email", _("There is already an account with this e-mail address.")
        if faults := faults_of(self.password, self.user()):
            yield "password", " ".join(faults)
        elif self.password != self.again:
            yield "again", _("The two passwords differ.")


def _fault_of_name(name: str) -> str:
    if not name:
        return _("This is missing.")
    if len(name) > LONGEST_NAME:
        return _("This is too long.")
    return "" if name.isprintable() else _("This holds characters that can't be shown.")


def set_up(code: str, operator: Operator, wanted: NewAcademy) -> User:
    """Create the operator's account, the academy and the class, and end the code: all of it or nothing.

    Raises AlreadySetUp, WrongSetupCode, SetupFaults.
    """
    with transaction.atomic():
        # Of two who send the code at once, the second waits here and finds it ended.
        right = is_code(code, locked=True)
        if administrator_exists():
            raise AlreadySetUp
        if not right:
            raise WrongSetupCode
        if faults := operator.faults() | wanted.faults():
            raise SetupFaults(faults)
        user = operator.user()
        user.set_password(operator.password)
        user.save()
        academy, cohort = _make(user, wanted)
        end_code()
        record(
            INSTALLATION_SET_UP,
            academy_id=academy.pk,
            object_id=academy.pk,
            subject_id=user.pk,
            after={"user": user.pk, "academy": academy.slug, "cohort": cohort.slug},
        )
    return user


@transaction.atomic
def add_academy(user: User, wanted: NewAcademy) -> Academy:
    """Create an academy with a class for an operator who belongs to none, as its administrator.

    Raises SetupFaults.
    """
    if faults := wanted.faults():
        raise SetupFaults(faults)
    academy, cohort = _make(user, wanted)
    record(
        ACADEMY_MADE,
        academy_id=academy.pk,
        object_id=academy.pk,
        after={"academy": academy.slug, "cohort": cohort.slug, "admin": user.pk},
    )
    return academy


def _make(user: User, wanted: NewAcademy) -> tuple[Academy, Cohort]:
    academy = Academy.objects.create(slug=_free(Academy, "slug", _slug(wanted.academy, "academy")), name=wanted.academy)
    cohort = Cohort.objects.create(
        slug=_free(Cohort, "slug", _slug(wanted.cohort, "class")), name=wanted.cohort, academy=academy
    )
    Membership.objects.create(user=user, academy=academy, role="admin")
    return academy, cohort


def _slug(name: str, otherwise: str) -> str:
    return slugify(name)[:_LONGEST_SLUG] or otherwise


def _free(model: type[models.Model], column: str, wanted: str) -> str:
    """Return a name that no row has: the wanted one, else with a number."""
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
    return next(name for name in names if not model._default_manager.filter(**{column: name}).exists())
