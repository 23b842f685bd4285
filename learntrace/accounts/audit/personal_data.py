"""Personal datasets of the audit log: its values, which an erasure takes away, and the bare entries, which stay."""

from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.models import AuditEntry, AuditValues
from learntrace.core.personal_data import PersonalDataset, Rows


def _entries(user_id: int) -> Rows:
    rows = AuditEntry.objects.filter(Q(actor_id=user_id) | Q(subject_id=user_id)).order_by("id")
    return rows.values("id", "at", "action", "door", "academy_id", "object_type", "object_id", "fields")


def _told(user_id: int) -> Rows:
    """Return the values about the user, and name and address of what the user did; never those of others."""
    about = Q(entry__subject_id=user_id)
    by = Q(entry__actor_id=user_id)
    something = about & (Q(before__isnull=False) | Q(after__isnull=False))
    something |= by & (Q(actor_name__isnull=False) | Q(address__isnull=False))
    rows = AuditValues.objects.filter(something).order_by("entry_id")
    return rows.values(
        "entry_id",
        about_before=Case(When(about, then=F("before")), default=Value(None)),
        about_after=Case(When(about, then=F("after")), default=Value(None)),
        own_name=Case(When(by, then=F("actor_name")), default=Value(None)),
        own_address=Case(When(by, then=F("address")), default=Value(None)),
    )


def _take_away(user_id: int) -> int:
    count = _told(user_id).count()
    AuditValues.objects.filter(entry__subject_id=user_id).update(before=None, after=None, salt=None)
    AuditValues.objects.filter(entry__actor_id=user_id).update(actor_name=None, address=None)
    return count


DATASETS = (
    PersonalDataset(
        "audit-entries",
        _("Audit log: what was done by you or about you, without the values"),
        _entries,
        stays=_("It proves who did what and when, with numbers only. It is deleted when it is old."),
    ),
    PersonalDataset(
        "audit-values", _("Audit log: values about you, your name and network addresses"), _told, erase=_take_away
    ),
)
