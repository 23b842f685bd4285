"""Jupyter's events, what was refused among them, which notebooks exist, and who doesn't want to be watched."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User
from learntrace.registry.models import Asset

ASSIGNMENT = KeyTextTransform("assignment", "object")
OUTCOME = KeyTextTransform("outcome", "result")
HAS_OUTCOME = Q(result__has_key="outcome")
FLAGGED = ~Q(flags=[])


class Event(models.Model):
    """Something that a learner did in a notebook. Researchers read this table as it stands: docs/reference/events.md."""

    id = models.UUIDField(primary_key=True, help_text=_("made by the client"))
    actor = models.CharField(max_length=150, help_text=_("the learner's user name"))
    # The database would check each row's references again, which cost a quarter of the ingest in a trial (20,300 against
    # 26,800 events/s): they are read in the transaction that writes. Who is deleted in that moment leaves an id that is
    # nobody's. The indexes below begin with user and academy.
    user = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    academy = models.ForeignKey(
        Academy, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    # Whose token it came with, kept after that user is gone.
    sender = models.ForeignKey(
        User, models.DO_NOTHING, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    verb = models.CharField(max_length=20)
    object = models.JSONField()
    result = models.JSONField(default=dict, db_default={}, blank=True)
    context = models.JSONField(default=dict, db_default={}, blank=True)
    session_id = models.CharField(max_length=200, null=True, blank=True)
    object_id = models.CharField(max_length=200, null=True, blank=True)
    code_hash = models.CharField(max_length=200, null=True, blank=True)
    occurred_at = models.DateTimeField(help_text=_("by the learner's clock"))
    created_at = models.DateTimeField(db_default=Now())
    flags = models.JSONField(default=list, db_default=[], blank=True)
    # The order in which events came, those of one request in the order that they had there.
    arrival = models.BigIntegerField(
        db_default=models.Func(
            models.Value("events_arrival"), function="nextval", output_field=models.BigIntegerField()
        )
    )

    class Meta:
        verbose_name = _("notebook event")
        verbose_name_plural = _("notebook events")
        db_table = "events"
        indexes = [
            models.Index(F("created_at").desc(), name="events_newest"),
            models.Index(F("academy"), F("created_at").desc(), F("arrival").desc(), name="events_academy"),
            # What staff filters by. Most events have no outcome and fewer have a flag: these cost next to nothing.
            models.Index(F("academy"), F("occurred_at").desc(), name="events_happened"),
            models.Index(F("academy"), F("verb"), F("created_at").desc(), F("arrival").desc(), name="events_verb"),
            models.Index(
                F("academy"), OUTCOME, F("created_at").desc(), F("arrival").desc(),
                name="events_outcome", condition=HAS_OUTCOME,
            ),
            models.Index(
                F("academy"), F("created_at").desc(), F("arrival").desc(), name="events_flagged", condition=FLAGGED
            ),
            # One assignment of an academy: its newest events, and when it was last seen.
            models.Index(F("academy"), ASSIGNMENT, F("created_at").desc(), name="events_assignment"),
            # One learner, and a learner's attempts at an assignment in their order.
            models.Index(F("user"), ASSIGNMENT, F("occurred_at"), F("arrival"), name="events_learner"),
            # The group in which signals look for runs of errors.
            models.Index(
                F("session_id"), F("object_id"), ASSIGNMENT, F("occurred_at"), F("arrival"), name="events_session"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.id}"


class Arrival(models.Model):
    """Events that have come and wait to be taken into measures and signals; gone when that is done."""

    events = ArrayField(models.UUIDField())
    created_at = models.DateTimeField(db_default=Now())
    # After a failure: how often, and when again.
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    retry_at = models.DateTimeField(db_default=Now())
    fault = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("arrival")
        verbose_name_plural = _("arrivals")

    def __str__(self) -> str:
        return f"{len(self.events)} events"


class RejectedEvent(models.Model):
    """An event that couldn't be taken, once however often it was sent; staff can correct it and take it after all."""

    sender = models.ForeignKey(User, models.CASCADE, related_name="+")
    # Whose event it would be, as far as that is known, and where.
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    academy = models.ForeignKey(Academy, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of what was sent"))
    event_id = models.CharField(max_length=100, blank=True, default="", db_default="")
    code = models.CharField(max_length=40)
    # The English sentence; the code and the values let it be told in other languages.
    detail = models.CharField(max_length=1000)
    reason_values = models.JSONField(default=dict, db_default={}, blank=True)
    raw = models.TextField(help_text=_("JSON as it was sent, without source code"))
    cut = models.BooleanField(default=False, db_default=False, help_text=_("too large to be kept whole"))
    times = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now(), help_text=_("when it was last sent"))

    class Meta:
        verbose_name = _("rejected event")
        verbose_name_plural = _("rejected events")
        constraints = [models.UniqueConstraint(fields=["sender", "fingerprint"], name="rejected_once")]
        indexes = [
            models.Index(fields=["academy", "-updated_at", "-id"], name="rejected_academy"),
            models.Index(fields=["updated_at"], name="rejected_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.event_id or self.pk}"


class Notebook(models.Model):
    """A published notebook. Its asset holds title and language; the academy is whoever published it."""

    asset = models.OneToOneField(Asset, models.CASCADE, primary_key=True, related_name="notebook")
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="notebooks")
    path = models.CharField(max_length=1000, help_text=_("as the Jupyter server names the file"))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("notebook")
        verbose_name_plural = _("notebooks")

    def __str__(self) -> str:
        return self.path


class NotebookAssignment(models.Model):
    """A tagged cell of a published notebook: one step of its asset."""

    notebook = models.ForeignKey(Notebook, models.CASCADE, related_name="assignments")
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    tag = models.CharField(max_length=200, help_text=_("with its prefix, as in events"))
    cell_id = models.CharField(max_length=200, blank=True, default="")
    title = models.CharField(max_length=200, blank=True, default="")
    position = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("notebook assignment")
        verbose_name_plural = _("notebook assignments")
        ordering = ("position", "id")
        constraints = [models.UniqueConstraint(fields=["academy", "tag"], name="one_tag_per_academy")]

    def __str__(self) -> str:
        return self.tag


class Consent(models.Model):
    """What a learner has said about the collection of events. Who has said nothing is collected."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="consent")
    collecting = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")

    def __str__(self) -> str:
        return f"{self.user_id} {'yes' if self.collecting else 'no'}"
