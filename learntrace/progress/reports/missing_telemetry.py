"""Learners of whom telemetry on an asset is missing."""

from django.db.models import Exists, OuterRef

from learntrace.accounts.models import Academy, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.progress.reports.class_members import tasks_on
from learntrace.progress.reports.selection import Selection
from learntrace.registry.translated_assets import TranslatedAsset


def learners_without_telemetry(academy: Academy, translated: TranslatedAsset) -> list[User]:
    """Return the learners with a task on the asset and no telemetry on it, in the order of their names."""
    learners = {user_id for user_id, _asset in tasks_on(Selection(academy), translated.ids)}
    telemetry = AssignmentTelemetry.objects.filter(user=OuterRef("pk"), asset_slug=translated.slug)
    users = User.objects.filter(pk__in=learners).exclude(Exists(telemetry))
    return list(users.only("id", "username", "first_name", "last_name").order_by("last_name", "first_name", "username"))
