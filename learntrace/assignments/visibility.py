"""The telemetry that an academy may see."""

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery

from learntrace.accounts.models import Academy
from learntrace.accounts.scope import seen_in
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.registry.models import Asset


def telemetry_seen_in(academy: Academy) -> QuerySet[AssignmentTelemetry]:
    """Return the telemetry of an academy's members.

    Telemetry on another academy's asset is visible only there if the learner belongs to that academy too.
    """
    home = Asset.objects.filter(slug=OuterRef("asset_slug")).values("academy_id")[:1]
    rows = AssignmentTelemetry.objects.alias(home=Subquery(home, output_field=BigIntegerField()))
    return rows.filter(seen_in(academy, learner="user_id", asset_academy="home"))
