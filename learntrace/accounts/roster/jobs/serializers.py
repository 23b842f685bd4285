"""What the endpoints of imports take and answer."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learntrace.accounts.models import RosterJob
from learntrace.accounts.roster.jobs.preview import CHANGED, NEW, SAME
from learntrace.accounts.roster.jobs.telling import count_problems, left_of, notes_of, problems_of
from learntrace.accounts.serializers import LearnerSerializer


class UploadSerializer(serializers.Serializer[Any]):
    """A roster."""

    file = serializers.FileField(
        allow_empty_file=True, help_text="CSV (Excel's too), YAML, JSON, or OneRoster as CSV or ZIP, known by its name"
    )


class FingerprintSerializer(serializers.Serializer[Any]):
    """What was looked at."""

    fingerprint = serializers.CharField(max_length=64, help_text="of the import, as it was read")


class ToldSerializer(serializers.Serializer[Any]):
    """A sentence about a line of the file."""

    line = serializers.CharField(allow_blank=True)
    about = serializers.CharField(allow_blank=True, help_text="whom it concerns, where that is known")
    text = serializers.CharField()


class RosterImportSerializer(serializers.ModelSerializer[RosterJob]):
    """An import of a roster, in the reader's language."""

    made_by = LearnerSerializer(allow_null=True)

    class Meta:
        model = RosterJob
        fields: tuple[str, ...] = (
            "id",
            "file_name",
            "form",
            "state",
            "made_by",
            "created_at",
            "applied_at",
            "undone_at",
        )


class WholeRosterImportSerializer(RosterImportSerializer):
    """An import with how far it is, what it would change or has changed, and what is wrong."""

    step = serializers.CharField(
        source="progress.step", default="", allow_blank=True, help_text="what a worker does now"
    )
    done = serializers.IntegerField(source="progress.done", default=0)
    total = serializers.IntegerField(source="progress.total", default=0, help_text="0: unknown")
    counts = serializers.SerializerMethodField(help_text=f"entries by list: {NEW}, {CHANGED} and {SAME}")
    notes = serializers.SerializerMethodField()
    problems = serializers.SerializerMethodField(help_text="the first 500")
    problem_count = serializers.SerializerMethodField()
    left = serializers.SerializerMethodField(help_text="what an undo has left as it was")

    class Meta(RosterImportSerializer.Meta):
        fields = (
            *RosterImportSerializer.Meta.fields,
            "step",
            "done",
            "total",
            "counts",
            "notes",
            "problems",
            "problem_count",
            "left",
            "fingerprint",
        )

    def get_counts(self, job: RosterJob) -> dict[str, dict[str, int]]:
        return {name: told for name, told in job.counts.items() if name != "problems"}

    def get_notes(self, job: RosterJob) -> list[str]:
        return list(notes_of(job))

    @extend_schema_field(ToldSerializer(many=True))
    def get_problems(self, job: RosterJob) -> Any:
        return ToldSerializer(problems_of(job), many=True).data

    def get_problem_count(self, job: RosterJob) -> int:
        return count_problems(job)

    @extend_schema_field(ToldSerializer(many=True))
    def get_left(self, job: RosterJob) -> Any:
        return ToldSerializer(left_of(job), many=True).data


class ChangedFieldSerializer(serializers.Serializer[Any]):
    """A column that changes."""

    name = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class ChangeSerializer(serializers.Serializer[Any]):
    """An entry of the file, and what becomes of it."""

    line = serializers.CharField()
    section = serializers.CharField(help_text="the list that it belongs to")
    about = serializers.CharField(allow_blank=True)
    what = serializers.ChoiceField([NEW, CHANGED, SAME])
    columns = ChangedFieldSerializer(many=True, source="fields")
