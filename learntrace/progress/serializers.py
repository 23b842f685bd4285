"""Serializers of the responses of progress's endpoints."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from learntrace.accounts.serializers import LearnerSerializer, PersonSerializer
from learntrace.measures.activity import ABORTED, CHECK
from learntrace.measures.learner_state import CHECKED, DONE_BY, RAN, STATES
from learntrace.progress.explain.explanation import explained
from learntrace.progress.models import Activity, EarlierRun, Exclusion
from learntrace.progress.reports.learners import TitledAssignmentRow


class ExplainedSerializer(serializers.Serializer[Any]):
    """A row; with `?explain=1` each of its numbers says how it came about."""

    explain = serializers.DictField(
        required=False, help_text="with `?explain=1`: of each number its definition, unit, source, inputs and events"
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        row: dict[str, Any] = super().to_representation(instance)
        if instance.explain is None:
            row.pop("explain", None)
        else:
            row["explain"] = instance.explain
        return row


class AssetNameSerializer(serializers.Serializer[Any]):
    """The asset that an assignment belongs to."""

    id = serializers.IntegerField()
    slug = serializers.CharField()


class TopErrorSerializer(serializers.Serializer[Any]):
    """A group of errors on an assignment: how often it was met, by how many learners, and who solved it."""

    group = serializers.CharField(source="digest", help_text="the same for the same error on every assignment")
    name = serializers.CharField(source="kind", help_text="the error's type; empty where it has none")
    message = serializers.CharField(source="pattern", help_text="'…' and … stand for texts and names, N for numbers")
    count = serializers.IntegerField(source="times")
    learners = serializers.IntegerField()
    solved = serializers.IntegerField()
    median_seconds = serializers.FloatField(allow_null=True, help_text="until solved")


class VariantSerializer(serializers.Serializer[Any]):
    """A variant of a group of errors, as it was told."""

    name = serializers.CharField()
    message = serializers.CharField()
    learners = serializers.IntegerField()
    times = serializers.IntegerField()


class ErrorGroupSerializer(ExplainedSerializer):
    """A group of errors on an assignment; the figures are the same wherever they are told."""

    assignment = serializers.CharField(help_text="a tag with its prefix, or asset/step")
    group = serializers.CharField(source="digest", help_text="the same for the same error on every assignment")
    error = serializers.CharField(
        source="text", help_text="type and message: '…' and … stand for texts and names, N for numbers"
    )
    kind = serializers.CharField(help_text="the error's type; empty where it has none")
    pattern = serializers.CharField(help_text="the message with placeholders")
    learners = serializers.IntegerField()
    times = serializers.IntegerField()
    solved = serializers.IntegerField(help_text="the learners who succeeded, or were done, after they met it")
    median_seconds = serializers.FloatField(
        allow_null=True, help_text="from meeting it first to that, of those who solved it"
    )
    last_at = serializers.DateTimeField()
    variant_count = serializers.IntegerField()
    variants = VariantSerializer(many=True, help_text="those that most learners met, 20 at most")


class AssignmentProgressSerializer(ExplainedSerializer):
    """How a class does on an assignment."""

    assignment = serializers.CharField(help_text="a tag with its prefix, or asset/step")
    title = serializers.CharField()
    asset = AssetNameSerializer(allow_null=True)
    learners = serializers.IntegerField(help_text="the class")
    learners_seen = serializers.IntegerField()
    learners_done = serializers.IntegerField()
    completion_rate = serializers.FloatField(help_text="0 to 100, of the class")
    attempts = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    median_active_time = serializers.FloatField(allow_null=True, help_text="seconds, of those who were seen")
    last_seen_at = serializers.DateTimeField(allow_null=True)
    top_errors = TopErrorSerializer(many=True)


class QuestionsSerializer(serializers.Serializer[Any]):
    """How many questions to the assistant were asked before an attempt; 1 is the first attempt."""

    attempt = serializers.IntegerField()
    questions = serializers.IntegerField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return dict(zip(("attempt", "questions"), instance, strict=True))


class _MeasuresSerializer(ExplainedSerializer):
    """A learner's measures on an assignment."""

    state = serializers.ChoiceField(choices=STATES)
    since = serializers.DateTimeField(
        allow_null=True, help_text="since when it is the state; null where nothing was seen"
    )
    done_because = serializers.ChoiceField(
        choices=(CHECKED, RAN),
        allow_null=True,
        help_text="`checked`, or `ran`: without an error, and nothing checks it",
    )
    done_by = serializers.ChoiceField(choices=DONE_BY, allow_null=True, help_text="what has checked it, or `run`")
    done_at = serializers.DateTimeField(
        allow_null=True, help_text="when it was done first; later failures don't change it"
    )
    trying_again = serializers.BooleanField(help_text="done, and the last attempt since then failed")
    attempts = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    active_time = serializers.FloatField(help_text="seconds")
    error_quotient = serializers.FloatField(
        allow_null=True, help_text="0 to 1; null with fewer than two attempts, and over a period"
    )
    repeated_error_density = serializers.FloatField(allow_null=True, help_text="null over a period")
    checks = serializers.IntegerField(help_text="runs of the check cell")
    failed_checks = serializers.IntegerField()
    questions = serializers.IntegerField(help_text="to the assistant")
    asked_before = QuestionsSerializer(many=True, help_text="before which attempts; the latest 100")
    last_outcome = serializers.CharField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)
    signals = serializers.ListField(child=serializers.CharField(), help_text="the kinds that are open")
    due_at = serializers.DateTimeField(allow_null=True, help_text="until when it is to be done, extensions included")
    extended = serializers.BooleanField(help_text="whether the learner has until later than the cohort")
    timeliness = serializers.ChoiceField(
        choices=("", "due", "extended", "late", "done_late"), help_text="empty: nothing is due, or it was done in time"
    )


@extend_schema_serializer(component_name="Standing")  # as clients know it
class AssignmentLearnerSerializer(_MeasuresSerializer):
    """How a learner stands on an assignment."""

    learner = LearnerSerializer()


class LearnerAssignmentSerializer(_MeasuresSerializer):
    """How a learner stands on one of several assignments."""

    assignment = serializers.CharField()
    title = serializers.CharField()
    asset = AssetNameSerializer(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return super().to_representation(_Titled(instance))


class _Titled:
    """The measures of a TitledAssignmentRow with its title and asset, all as attributes of one object."""

    def __init__(self, titled: TitledAssignmentRow) -> None:
        self.title, self.asset, self._row = titled.title, titled.asset, titled.row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


class LearnerProgressSerializer(ExplainedSerializer):
    """How a learner does over all assignments, or an asset's."""

    learner = LearnerSerializer()
    assignments = serializers.IntegerField(help_text="those published")
    done = serializers.IntegerField()
    completion_rate = serializers.FloatField(help_text="0 to 100, of those published")
    attempts = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    active_time = serializers.FloatField(help_text="seconds")
    error_quotient = serializers.FloatField(
        allow_null=True, help_text="the mean over assignments that have one; null over a period"
    )
    repeated_error_density = serializers.FloatField(
        allow_null=True, help_text="the sum over assignments; null over a period"
    )
    open_signals = serializers.IntegerField()
    last_seen_at = serializers.DateTimeField(allow_null=True)


class EarlierRunSerializer(serializers.ModelSerializer[EarlierRun]):
    """A learner's measures on an assignment until an earlier course run ended; they don't change any more."""

    done = serializers.BooleanField(help_text="whether the assignment was done by then")
    measures = serializers.DictField(help_text="the numbers of an assignment, and when it was first and last seen")

    class Meta:
        model = EarlierRun
        fields = ("assignment", "until", "cause", "course", "done", "measures")


class LearnerWithAssignmentsSerializer(LearnerProgressSerializer):
    """The same with each assignment."""

    earlier_runs = EarlierRunSerializer(many=True, help_text="of earlier course runs, the latest first")

    by_assignment = LearnerAssignmentSerializer(many=True)
    more_assignments = serializers.IntegerField(
        help_text="of the assignments without an asset, those beyond the 300 that were seen last; they are left out"
    )


class FailureSerializer(serializers.Serializer[Any]):
    """An error of an attempt."""

    name = serializers.CharField()
    message = serializers.CharField()


class ExcludedSerializer(serializers.ModelSerializer[Exclusion]):
    """Why an attempt counts for nothing: staff has excluded it."""

    by = PersonSerializer(source="excluded_by", allow_null=True)
    at = serializers.DateTimeField(source="excluded_at", allow_null=True)

    class Meta:
        model = Exclusion
        fields = ("id", "reason", "by", "at")


class AttemptSerializer(serializers.ModelSerializer[Activity]):
    """An attempt: when by the learner's clock, how it ended, and with which errors."""

    failures = serializers.SerializerMethodField()
    excluded = serializers.SerializerMethodField()
    earlier_run = serializers.BooleanField(source="before_floor", help_text="whether it is of an earlier course run")

    class Meta:
        model = Activity
        fields = (
            "id",
            "at",
            "part",
            "outcome",
            "failures",
            "session_id",
            "object_id",
            "code_hash",
            "excluded",
            "earlier_run",
        )

    @extend_schema_field(FailureSerializer(many=True))
    def get_failures(self, row: Activity) -> list[dict[str, str]]:
        return failures_of(row)

    @extend_schema_field(ExcludedSerializer(allow_null=True))
    def get_excluded(self, row: Activity) -> dict[str, Any] | None:
        if row.exclusion_id is None:
            return None
        exclusion = self.context.get("exclusions", {}).get(row.exclusion_id)
        return dict(ExcludedSerializer(exclusion or Exclusion(pk=row.exclusion_id)).data)

    def to_representation(self, instance: Activity) -> dict[str, Any]:
        attempt: dict[str, Any] = super().to_representation(instance)
        if self.context.get("explain"):
            counts = (
                instance.outcome != ABORTED
                and instance.part != CHECK
                and instance.exclusion_id is None
                and not instance.before_floor
            )
            attempt["explain"] = {"counts": explained("counts", {"counts": counts}, events=[str(instance.pk)])}
        return attempt


def failures_of(row: Activity) -> list[dict[str, str]]:
    """Return an attempt's errors as objects with `name` and `message`."""
    return [{"name": name, "message": message} for name, message in row.failures]


class _GroupSerializer(ExplainedSerializer):
    """How a class does on several assignments."""

    assignments = serializers.IntegerField(help_text="those published")
    learners = serializers.IntegerField(help_text="the class")
    learners_seen = serializers.IntegerField()
    learners_done = serializers.IntegerField(help_text="who have done all")
    done = serializers.IntegerField(help_text="assignments, each as often as somebody has done it")
    completion_rate = serializers.FloatField(help_text="0 to 100: done of assignments times learners")
    attempts = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    median_active_time = serializers.FloatField(allow_null=True, help_text="seconds, of those who were seen")
    last_seen_at = serializers.DateTimeField(allow_null=True)


class TitledAssetSerializer(AssetNameSerializer):
    """An asset with its title."""

    title = serializers.CharField()


class AssetProgressSerializer(_GroupSerializer):
    """How a class does on an asset."""

    asset = TitledAssetSerializer()


class CohortNameSerializer(AssetNameSerializer):
    """A cohort."""

    name = serializers.CharField()


class CohortProgressSerializer(_GroupSerializer):
    """How a cohort does."""

    cohort = CohortNameSerializer()
