"""The audit log itself: what an entry holds, that nobody changes it, and how it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from learntrace.accounts.audit.actions import ACTIONS, NOTIFICATION_RULE_CHANGED, SETTINGS_CHANGED, SOURCE_READ
from learntrace.accounts.audit.models import AuditEntry, AuditValues
from learntrace.accounts.audit.recording import digest_of, record
from learntrace.accounts.audit.retention import delete_old_entries
from tests.support.builders import Cast


@contextmanager
def refused(text: str) -> Iterator[None]:
    with pytest.raises(DatabaseError, match=text), transaction.atomic():
        yield


def an_entry(cast: Cast) -> AuditEntry:
    entry = record(
        SETTINGS_CHANGED,
        academy_id=cast.academy.pk,
        object_id=cast.academy.pk,
        before={"erasure": True, "source": False},
        after={"erasure": False, "source": False},
    )
    assert entry is not None
    return AuditEntry.objects.select_related("values").get(pk=entry.pk)


def test_an_entry_holds_what_differs_and_nothing_else(cast: Cast) -> None:
    entry = an_entry(cast)
    assert (entry.action, entry.academy_id, entry.object_type) == ("settings.changed", cast.academy.pk, "academy")
    assert entry.fields == ["erasure"]
    assert (entry.values.before, entry.values.after) == ({"erasure": True}, {"erasure": False})
    assert (entry.door, entry.actor_id) == (AuditEntry.Door.COMMAND, None)


def test_a_change_that_changes_nothing_is_not_recorded(cast: Cast) -> None:
    assert record(SETTINGS_CHANGED, academy_id=cast.academy.pk, before={"a": [1]}, after={"a": (1,)}) is None
    assert record(SOURCE_READ, academy_id=cast.academy.pk) is not None
    assert AuditEntry.objects.count() == 1


def test_the_values_of_secrets_are_told_nowhere(cast: Cast) -> None:
    entry = record(NOTIFICATION_RULE_CHANGED, before={"secret": "first"}, after={"secret": "second"})
    assert entry is not None
    assert entry.fields == ["secret"]
    assert (entry.values.before, entry.values.after) == ({"secret": "***"}, {"secret": "***"})


def test_nobody_changes_or_deletes_an_entry(cast: Cast) -> None:
    entry = an_entry(cast)
    with refused("neither changed nor deleted"):
        AuditEntry.objects.update(actor_id=1)
    with refused("neither changed nor deleted"):
        entry.delete()
    with refused("neither changed nor deleted"), connection.cursor() as cursor:
        cursor.execute("SET LOCAL application_name = 'function audit_forget('; DELETE FROM accounts_auditentry")
    with refused("neither changed nor deleted"), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER audit_entries_stay")
        cursor.execute("TRUNCATE accounts_auditentry CASCADE")
    assert AuditEntry.objects.count() == 1


def test_values_are_taken_away_and_never_changed(cast: Cast) -> None:
    an_entry(cast)
    with refused("never changed"):
        AuditValues.objects.update(after={"erasure": True})
    AuditValues.objects.update(before=None, after=None, salt=None)
    with refused("never changed"):
        AuditValues.objects.update(before={"erasure": False})
    assert AuditValues.objects.values_list("before", "after", "salt").get() == (None, None, None)


def test_the_digest_shows_a_change_past_the_triggers(cast: Cast) -> None:
    entry = an_entry(cast)
    assert digest_of(entry, entry.values) == entry.digest
    AuditValues.objects.update(actor_name=None, address=None)
    entry = AuditEntry.objects.select_related("values").get()
    assert digest_of(entry, entry.values) == entry.digest
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER audit_entry_stays")
        cursor.execute("UPDATE accounts_auditentry SET actor_id = 4711")
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER audit_entry_stays")
    entry = AuditEntry.objects.select_related("values").get()
    assert digest_of(entry, entry.values) != entry.digest


def test_only_what_is_old_is_forgotten_and_never_what_is_younger_than_30_days(cast: Cast) -> None:
    now = timezone.now()
    for days in (1, 29, 31, 400):
        AuditEntry.objects.create(at=now - timedelta(days=days), action="settings.changed", door="api", digest="")
    AuditValues.objects.bulk_create(AuditValues(entry=entry, after={"a": 1}) for entry in AuditEntry.objects.all())
    assert delete_old_entries(days=365, batch_size=1) == 1
    assert delete_old_entries(days=0) == 1
    left = AuditEntry.objects.order_by("at").values_list("at", flat=True)
    assert [(now - at).days for at in left] == [29, 1]
    assert AuditValues.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_change_is_recorded_only_in_the_transaction_that_makes_it() -> None:
    with pytest.raises(RuntimeError, match="outside of the transaction"):
        record(SETTINGS_CHANGED, after={"erasure": False})
    assert not AuditEntry.objects.exists()


def test_every_action_has_a_name_of_its_own() -> None:
    assert len({action.slug for action in ACTIONS}) == len(ACTIONS)
