"""A person's own first and last name, as that person changes them.

Whoever acts beyond one academy has names that none of its admins may change (`people.reach`), and the first administrator has
nobody above. A learner of a single academy is called what the academy's list says, so that nobody passes for another.
"""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import PERSON_CHANGED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Membership, User
from learntrace.accounts.people.changes import checked
from learntrace.core.errors import FieldProblem, Forbidden

NAMES = ("first_name", "last_name")


def may_change_own_names(user: User) -> bool:
    """Whether somebody's names are theirs to change."""
    if user.is_superuser or user.is_staff:
        return True
    held = list(Membership.objects.filter(user=user).values_list("role", "academy_id"))
    return any(role != "student" for role, _where in held) or len({academy for _student, academy in held}) != 1


@transaction.atomic
def change_own_names(user: User, first_name: str, last_name: str) -> bool:
    """Change the own names; return whether they differ from what they were.

    Raises FieldProblem, Forbidden.
    """
    if not may_change_own_names(user):
        raise Forbidden
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    named = checked({"first_name": first_name, "last_name": last_name})
    before, after = {name: getattr(row, name) for name in NAMES}, {name: named[name] for name in NAMES}
    if before == after:
        return False
    if not any(after.values()):
        raise FieldProblem("first_name", _("Enter a first or a last name."))
    for name, value in after.items():
        setattr(row, name, value)
    row.save(update_fields=list(NAMES))
    # The admins of each of the person's academies read it.
    academies: list[int | None] = [
        *Membership.objects.filter(user=user).values_list("academy_id", flat=True).distinct()
    ]
    for academy_id in academies or [None]:
        record(
            PERSON_CHANGED,
            academy_id=academy_id,
            object_id=user.pk,
            subject_id=user.pk,
            before=before,
            after=after,
        )
    return True
