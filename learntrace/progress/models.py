"""Activities of learners from every source, and the measures that follow from them per learner and assignment."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Cohort, User
from learntrace.registry.models import Asset


class Activity(models.Model):
    """One activity of a learner (`measures.activity.Activity`); attempts are those with an outcome.

    Primary data: what was recorded stays, whatever the sources tell or keep later; only an erasure deletes it. It has no
    foreign keys in the database, like the table `events`: each row is written by a worker that has just read its learner.
    """

    id = models.UUIDField(primary_key=True, help_text=_("the event's; of a LearnPack run one made from what it is"))
    source = models.CharField(max_length=20)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    academy = models.ForeignKey(
        Academy, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    assignment = models.CharField(max_length=420, null=True, blank=True)
    # Under which name it was told, where a rename reads it under another one (`corrections.step_renames`).
    told_as = models.CharField(max_length=420, null=True, blank=True)
    verb = models.CharField(max_length=20)
    outcome = models.CharField(max_length=10, null=True, blank=True)
    # [[name, message], ...], both cleaned.
    failures = models.JSONField(default=list, db_default=[], blank=True)
    session_id = models.CharField(max_length=200, null=True, blank=True)
    object_id = models.CharField(max_length=200, null=True, blank=True)
    code_hash = models.CharField(max_length=200, null=True, blank=True)
    part = models.CharField(
        max_length=10,
        null=True,
        blank=True,
        help_text=_(
            "what of the assignment was executed: a check cell, a compile, a test, a quiz; empty: the work itself"
        ),
    )
    # By `measures.clock.counted_at`: the receipt where that clock is ahead.
    at = models.DateTimeField(help_text=_("by the learner's clock"))
    arrival = models.BigIntegerField(help_text=_("the order in which they came, for those of one moment"))
    # Whether it counts is decided in `counting`. No foreign keys here either.
    exclusion_id = models.BigIntegerField(
        null=True, blank=True, help_text=_("the exclusion for which it doesn't count")
    )
    before_floor = models.BooleanField(
        default=False, db_default=False, help_text=_("whether it is of an earlier course run, and so doesn't count")
    )

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        indexes = [
            # The activities from which measures and signals are made again when one comes late.
            models.Index(fields=["user", "assignment", "at", "arrival"], name="activity_assignment"),
            models.Index(fields=["user", "at", "arrival"], name="activity_learner"),
            # An academy's latest activities, and the attempts at an assignment.
            models.Index(fields=["academy", "-at"], name="activity_academy"),
            models.Index(fields=["academy", "assignment", "at"], name="activity_class"),
            models.Index(
                fields=["academy", "told_as"], name="activity_told_as", condition=models.Q(told_as__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.verb} {self.assignment}"


class Code(models.Model):
    """Source code that attempts in an academy ran, once however often; `code_texts` writes and reads it.

    `text` is what is hashed (`measures.code_hash`). No other academy sees it, whatever hash its clients tell.
    """

    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    hash = models.CharField(max_length=64, help_text=_("SHA-256 of the text"))
    text = models.TextField()

    class Meta:
        verbose_name = _("code")
        verbose_name_plural = _("codes")
        constraints = [
            models.UniqueConstraint(fields=["hash", "academy"], name="one_code_per_academy", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.hash


class CodeUse(models.Model):
    """That a learner's attempts ran a code: the code stays for as long as anybody's did."""

    code = models.ForeignKey(Code, models.CASCADE, related_name="uses", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("use of a code")
        verbose_name_plural = _("uses of codes")
        constraints = [models.UniqueConstraint(fields=["code", "user"], name="one_use_per_code_and_learner")]

    def __str__(self) -> str:
        return f"{self.code_id} of {self.user_id}"


class Exclusion(models.Model):
    """Staff's word that activities of a learner count for nothing: one, a session's, or those of a span.

    `corrections.exclusions` makes and lifts them. All conditions that are set must hold. What comes later and fits is
    excluded too. A lifted one stays, to tell who did what and when.
    """

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    # Those that one request made have the same.
    made_together = models.UUIDField(default=uuid.uuid4, editable=False)
    activity_id = models.UUIDField(null=True, blank=True)
    session_id = models.CharField(max_length=200, null=True, blank=True)
    assignment = models.CharField(max_length=420, null=True, blank=True)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    excluded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    excluded_at = models.DateTimeField(db_default=Now())
    lifted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("exclusion")
        verbose_name_plural = _("exclusions")
        indexes = [
            models.Index(
                fields=["user", "academy"], name="exclusion_standing", condition=models.Q(lifted_at__isnull=True)
            ),
            models.Index(fields=["academy", "-id"], name="exclusion_latest"),
            models.Index(fields=["made_together"], name="exclusion_together"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.reason}"


class CourseRun(models.Model):
    """A cohort's course as a learner took it: what makes a later cohort the next course run, though tasks are moved on."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    cohort = models.ForeignKey(Cohort, models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=150)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("course run")
        verbose_name_plural = _("course runs")
        constraints = [
            models.UniqueConstraint(fields=["user", "academy", "starts_on"], name="one_course_run_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.name}"


class Floor(models.Model):
    """A time before which nothing of a learner counts: on an assignment, on a package ("slug/"), or at all ("").

    `corrections.floors` sets them.
    """

    class Cause(models.TextChoices):
        COURSE_RUN = "course_run", _("Another course run")
        RETENTION = "retention", _("The academy doesn't keep older attempts")

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    scope = models.CharField(max_length=420, blank=True)
    at = models.DateTimeField()
    cause = models.CharField(max_length=20, choices=Cause.choices)
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("floor")
        verbose_name_plural = _("floors")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "academy", "scope", "cause", "at"], name="one_floor_per_scope_and_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.scope} {self.at}"


class EarlierRun(models.Model):
    """A learner's measures on an assignment until a floor, as they were then; they don't change any more."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    assignment = models.CharField(max_length=420)
    until = models.DateTimeField()
    cause = models.CharField(max_length=20, choices=Floor.Cause.choices)
    course = models.CharField(max_length=150, blank=True, default="", help_text=_("the cohort's name"))
    # The columns of `Progress`.
    measures = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("earlier course run")
        verbose_name_plural = _("earlier course runs")
        constraints = [
            models.UniqueConstraint(fields=["user", "academy", "assignment", "until"], name="one_earlier_run_until")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.assignment} until {self.until}"

    @property
    def done(self) -> bool:
        return self.measures.get("done_at") is not None


class SummarySubscription(models.Model):
    """That a member of staff gets the weekly summary of an academy, or of a cohort there, by mail (`summaries.mail`)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    cohort = models.ForeignKey(Cohort, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    # The Monday of the latest week that was sent, or left out as the mail couldn't be delivered.
    sent_for = models.DateField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("weekly summary by mail")
        verbose_name_plural = _("weekly summaries by mail")
        constraints = [models.UniqueConstraint(fields=["academy", "user"], name="one_summary_per_member")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.academy_id}"


class Assignment(models.Model):
    """An assignment that exists: a published notebook's tagged cell, or a step of a LearnPack package.

    The number of assignments is the denominator of completion, whether or not anybody was seen on them.
    """

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=420, help_text=_("a tag with its prefix, or asset/step"))
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="steps")
    title = models.CharField(max_length=200, blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    check_cell = models.BooleanField(
        default=False, db_default=False, help_text=_("whether the published notebook has a check cell for it")
    )
    published_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ("asset", "position", "id")
        constraints = [models.UniqueConstraint(fields=["academy", "key"], name="one_assignment_per_academy_and_key")]

    def __str__(self) -> str:
        return self.key


class CheckedAssignment(models.Model):
    """An assignment of which some activity or document showed that something checks it; it is never forgotten (`checks`)."""

    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    key = models.CharField(max_length=420)
    part = models.CharField(max_length=10, help_text=_("what checks it: a check cell or a test"))

    class Meta:
        verbose_name = _("checked assignment")
        verbose_name_plural = _("checked assignments")
        constraints = [
            models.UniqueConstraint(
                fields=["key", "academy", "part"], name="one_row_per_checked_assignment", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.part}"


class FormerStep(models.Model):
    """A step that a package no longer has: shown with its attempts, in no denominator (`corrections.step_renames`)."""

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=420)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="former_steps")
    title = models.CharField(max_length=200, blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    published_at = models.DateTimeField()
    left_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("former step")
        verbose_name_plural = _("former steps")
        constraints = [models.UniqueConstraint(fields=["academy", "key"], name="one_former_step_per_academy_and_key")]

    def __str__(self) -> str:
        return self.key


class StepRename(models.Model):
    """Staff's word that a former step is another one under its old name; `read_as`: where that was renamed in turn."""

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    old_key = models.CharField(max_length=420)
    new_key = models.CharField(max_length=420)
    read_as = models.CharField(max_length=420, editable=False)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    made_at = models.DateTimeField(db_default=Now())
    undone_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("rename of a step")
        verbose_name_plural = _("renames of steps")
        constraints = [
            models.UniqueConstraint(
                fields=["academy", "old_key"],
                name="one_standing_rename_per_step",
                condition=models.Q(undone_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.old_key} is {self.new_key}"


class StepList(models.Model):
    """The steps of a package according to the last document of one learner, or of a service (no learner); `step_lists`."""

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    # Equal lists have equal digests.
    digest = models.CharField(max_length=32, editable=False)
    # [[slug, title], ...]
    steps = models.JSONField(default=list)
    told_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("list of steps")
        verbose_name_plural = _("lists of steps")
        constraints = [
            models.UniqueConstraint(
                fields=["academy", "asset", "user"], name="one_step_list_per_learner_and_asset", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["academy", "asset", "digest"], name="step_list_digest")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.asset_id}"


class Progress(models.Model):
    """A learner's measures on an assignment, and the state that the next activity continues."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    assignment = models.CharField(max_length=420)
    attempts = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0, help_text=_("attempts that failed"))
    aborted = models.PositiveIntegerField(default=0)
    last_outcome = models.CharField(max_length=10, null=True, blank=True, help_text=_("of the last attempt"))
    checks = models.PositiveIntegerField(default=0, db_default=0, help_text=_("runs of its check cell"))
    failed_checks = models.PositiveIntegerField(default=0, db_default=0)
    done_at = models.DateTimeField(null=True, blank=True, help_text=_("when it was done first"))
    done_because = models.CharField(max_length=10, null=True, blank=True, help_text=_("checked, or ran"))
    done_by = models.CharField(max_length=10, null=True, blank=True, help_text=_("what has checked it"))
    failed_again_at = models.DateTimeField(
        null=True, blank=True, help_text=_("when the last attempt failed, of one that was done before")
    )
    questions = models.PositiveIntegerField(default=0, db_default=0, help_text=_("to the assistant"))
    # [[attempt, questions before it], ...]
    asked_before = models.JSONField(default=list, db_default=[], blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    active_seconds = models.FloatField(default=0)
    error_quotient = models.FloatField(null=True, blank=True)
    repeated_error_density = models.FloatField(default=0)
    # The kinds of the open signals on it that mean trouble.
    concerns = models.JSONField(default=list, db_default=[], blank=True)
    # Since when one of them stands, and since when one stands by which the learner is stuck.
    trouble_since = models.DateTimeField(null=True, blank=True)
    stuck_since = models.DateTimeField(null=True, blank=True)
    state = models.JSONField(default=dict, editable=False)
    # The last activity in the state: an activity that comes before it is late.
    last_arrival = models.BigIntegerField(editable=False)
    gap_seconds = models.FloatField(editable=False, help_text=_("the longest gap that counts as active"))
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("progress")
        verbose_name_plural = _("progress")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "assignment", "academy"],
                name="one_progress_per_learner_and_assignment",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["academy", "assignment"], name="progress_of_assignment")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.assignment}"


class ErrorCount(models.Model):
    """How often a learner met a variant of an error on an assignment; a group's figures are the sums over its variants.

    `measures.error_groups` tells groups and variants. `recording.error_counts` keeps the rows, `reports.errors` reads them.
    """

    progress = models.ForeignKey(Progress, models.CASCADE, related_name="error_counts", db_index=False)
    name = models.CharField(max_length=500)
    message = models.CharField(max_length=500)
    # The digests of the variant and of its group, whose texts are too long for an index.
    digest = models.CharField(max_length=32, editable=False)
    group_digest = models.CharField(max_length=32, editable=False, default="", db_default="")
    kind = models.CharField(max_length=500, blank=True, default="", db_default="", help_text=_("the group's type"))
    pattern = models.CharField(
        max_length=500, blank=True, default="", db_default="", help_text=_("the group's message, with placeholders")
    )
    count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    solved_at = models.DateTimeField(
        null=True, blank=True, help_text=_("the first success on the assignment after it was met first")
    )

    class Meta:
        verbose_name = _("error count")
        verbose_name_plural = _("error counts")
        constraints = [models.UniqueConstraint(fields=["progress", "digest"], name="one_count_per_progress_and_error")]

    def __str__(self) -> str:
        return f"{self.name} x{self.count}"


class Stale(models.Model):
    """A learner's asset that has changed, so that its telemetry has to be made or checked again."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    asset_slug = models.CharField(max_length=200)
    source = models.CharField(max_length=20)
    since = models.DateTimeField(db_default=Now())
    # Whose share of the workers' time it takes, beside the learner's (`core.fair_claims`): the asset's academy, 0 for none.
    turn_academy = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        verbose_name = _("stale telemetry")
        verbose_name_plural = _("stale telemetry")
        constraints = [models.UniqueConstraint(fields=["user", "asset_slug", "source"], name="stale_once")]
        indexes = [
            models.Index(fields=["source", "since"], name="stale_oldest"),
            models.Index(fields=["source", "turn_academy", "user", "since", "id"], name="stale_turn"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.asset_slug}"


class Recomputation(models.Model):
    """A learner to be recomputed, and the result: in a run of `learntrace recompute`, or because a change asks for it."""

    run = models.UUIDField()
    by_operator = models.BooleanField(default=False, db_default=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    done_at = models.DateTimeField(null=True, blank=True)
    # {"activities": n, "measures": n, "signals": n}: how many were changed.
    changed = models.JSONField(null=True, blank=True)
    fault = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("recomputation")
        verbose_name_plural = _("recomputations")
        constraints = [models.UniqueConstraint(fields=["run", "user"], name="recomputed_once")]
        indexes = [
            models.Index(fields=["id"], name="recomputation_open", condition=models.Q(done_at__isnull=True)),
            models.Index(fields=["user", "-done_at"], name="recomputation_learner"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.run}"
