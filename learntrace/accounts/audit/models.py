"""The tables of the audit log: entries, which nobody changes, and their values, which an erasure takes away.

No column refers to another table but the values' to their entry: what an entry names may be deleted, and the entry stays.
Triggers in the database refuse every change of an entry (migration 0005), and of a value every change but taking it away.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """One action: ids, names of fields and a digest, and nothing that tells about a person by itself.

    `academy_id` is None for what concerns the installation, `actor_id` for a command, `subject_id` for what concerns no
    particular person. `fields` are the names of what changed. `digest` covers the values too (`recording.digest_of`).
    """

    class Door(models.TextChoices):
        PAGE = "page", _("Page")
        API = "api", "API"
        COMMAND = "command", _("Command")
        ADMINISTRATION = "administration", _("Administration")

    at = models.DateTimeField(db_default=Now())
    # Without choices: each new action would be a migration.
    action = models.CharField(max_length=60)
    door = models.CharField(max_length=20, choices=Door.choices)
    academy_id = models.BigIntegerField(null=True, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    object_type = models.CharField(max_length=60, blank=True, default="")
    object_id = models.BigIntegerField(null=True, blank=True)
    fields = models.JSONField(default=list)
    digest = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["academy_id", "-id"], name="audit_of_academy"),
            models.Index(fields=["actor_id", "-id"], name="audit_of_actor"),
            models.Index(fields=["subject_id", "-id"], name="audit_of_subject"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M}"


class AuditValues(models.Model):
    """What an entry tells of people: values before and after, the actor's name then, the network address.

    `before` and `after` hold only what differs. An erasure of the subject's data takes both and the salt away, one of the
    actor's the name and the address; the entry stays.
    """

    entry = models.OneToOneField(AuditEntry, models.CASCADE, primary_key=True, related_name="values")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    # Without it nobody can find out erased values by trying which ones give the digest.
    salt = models.CharField(max_length=32, null=True, blank=True, editable=False)
    actor_name = models.CharField(max_length=150, null=True, blank=True)
    address = models.CharField(max_length=45, null=True, blank=True)

    class Meta:
        verbose_name = _("values of an audit entry")
        verbose_name_plural = _("values of audit entries")

    def __str__(self) -> str:
        return f"values of {self.entry_id}"
