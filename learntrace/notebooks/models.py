"""Jupyter's events, rejected events, published notebooks, and learners' consent."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User
from learntrace.registry.models import Asset

ASSIGNMENT = KeyTextTransform("assignment", "object")
OUTCOME = KeyTextTransform("outcome", "result")
HAS_OUTCOME = Q(result__has_key="outcome")
FLAGGED = ~Q(flags=[])
CORRECTED = Q(clock_offset_ms__isnull=False)
# When an event happened: by the learner's clock, less the error of that.
HAPPENED_AT = ExpressionWrapper(
    F("occurred_at")
    - ExpressionWrapper(
        Coalesce(F("clock_offset_ms"), 0) * Value(timedelta(milliseconds=1)), output_field=models.DurationField()
    ),
    output_field=models.DateTimeField(),
)


class Event(models.Model):
    """Something that a learner did in a notebook. Researchers read this table as it stands: docs/reference/events.md."""

    id = models.UUIDField(primary_key=True, help_text=_("made by the client"))
    actor = models.CharField(max_length=150, help_text=_("the learner's user name"))
    # No foreign keys in the database: checking them for each row cost a quarter of the ingest in a trial (20,300 against
    # 26,800 events/s), and user and academy are read in the transaction that writes. A user deleted at that moment leaves
    # an id that refers to nobody. The indexes below begin with user and academy.
    user = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    academy = models.ForeignKey(
        Academy, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    # The owner of the token that it was sent with; kept after that user is deleted.
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
    # What is to be taken from `occurred_at` (`measures.clock.correction`).
    clock_offset_ms = models.BigIntegerField(
        null=True, blank=True, help_text=_("by how much the learner's clock was ahead, where it was wrong and told so")
    )
    created_at = models.DateTimeField(db_default=Now())
    flags = models.JSONField(default=list, db_default=[], blank=True)
    # The order in which events were received; within a request, their order there.
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
            # Staff's filters. Few events have an outcome, and fewer have a flag, so these partial indexes cost very little.
            models.Index(F("academy"), F("occurred_at").desc(), name="events_happened"),
            models.Index(F("academy"), F("verb"), F("created_at").desc(), F("arrival").desc(), name="events_verb"),
            models.Index(
                F("academy"),
                OUTCOME,
                F("created_at").desc(),
                F("arrival").desc(),
                name="events_outcome",
                condition=HAS_OUTCOME,
            ),
            models.Index(
                F("academy"), F("created_at").desc(), F("arrival").desc(), name="events_flagged", condition=FLAGGED
            ),
            # Clocks that are wrong, which few are: those of a learner, and an academy's newest.
            models.Index(F("user"), F("clock_offset_ms"), name="events_clocks", condition=CORRECTED),
            models.Index(F("academy"), F("created_at").desc(), name="events_clocks_off", condition=CORRECTED),
            # One assignment of an academy: its newest events, and when it was last seen.
            models.Index(F("academy"), ASSIGNMENT, F("created_at").desc(), name="events_assignment"),
            # One learner, and a learner's attempts at an assignment in their order.
            models.Index(F("user"), ASSIGNMENT, F("occurred_at"), F("arrival"), name="events_learner"),
            # The group in which signals detect runs of errors.
            models.Index(
                F("session_id"), F("object_id"), ASSIGNMENT, F("occurred_at"), F("arrival"), name="events_session"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.id}"


class Arrival(models.Model):
    """A queue row: ids of events that wait to be recorded in measures and signals; deleted when that is done."""

    events = ArrayField(models.UUIDField())
    created_at = models.DateTimeField(db_default=Now())
    # After a failure: the number of attempts, and the time of the next one.
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    retry_at = models.DateTimeField(db_default=Now())
    fault = models.TextField(blank=True, default="", db_default="")
    # Whose share of the workers' time it takes (`core.fair_claims`); 0 for unknown.
    turn_academy = models.BigIntegerField(default=0, db_default=0, editable=False)
    turn_learner = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        verbose_name = _("arrival")
        verbose_name_plural = _("arrivals")
        indexes = [models.Index(fields=["turn_academy", "turn_learner", "retry_at", "id"], name="arrival_turn")]

    def __str__(self) -> str:
        return f"{len(self.events)} events"


class RejectedEvent(models.Model):
    """A rejected event, one row however often it was sent; staff can correct and retry it."""

    sender = models.ForeignKey(User, models.CASCADE, related_name="+")
    # The learner and the academy that the event would belong to, as far as known.
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    academy = models.ForeignKey(Academy, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of what was sent"))
    event_id = models.CharField(max_length=100, blank=True, default="", db_default="")
    code = models.CharField(max_length=40)
    # The English sentence; code and values allow its translation.
    detail = models.CharField(max_length=1000)
    reason_values = models.JSONField(default=dict, db_default={}, blank=True)
    raw = models.TextField(help_text=_("JSON as it was sent, without source code"))
    cut = models.BooleanField(default=False, db_default=False, help_text=_("too large to be stored in full"))
    times = models.PositiveIntegerField(default=1, db_default=1)
    # Measured as it was sent first, for the correction of its time once it is accepted.
    clock_offset_ms = models.BigIntegerField(
        null=True, blank=True, help_text=_("by how much the sender's clock was ahead, where it told its time")
    )
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
    """A published notebook. Its asset holds title and language; `academy` is the academy that published it."""

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
    check_cell = models.BooleanField(default=False, db_default=False, help_text=_("whether a check cell checks it"))

    class Meta:
        verbose_name = _("notebook assignment")
        verbose_name_plural = _("notebook assignments")
        ordering = ("position", "id")
        constraints = [models.UniqueConstraint(fields=["academy", "tag"], name="one_tag_per_academy")]

    def __str__(self) -> str:
        return self.tag


class Consent(models.Model):
    """A learner's consent to the collection of events. Without a row, events are collected."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="consent")
    collecting = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")

    def __str__(self) -> str:
        return f"{self.user_id} {'yes' if self.collecting else 'no'}"
