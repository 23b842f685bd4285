"""Which telemetry an academy may see."""

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery

from learntrace.accounts.models import Academy
from learntrace.accounts.scope import seen_in
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.registry.models import Asset


def telemetry_seen_in(academy: Academy) -> QuerySet[AssignmentTelemetry]:
    """The telemetry of an academy's members.

    Of somebody in several academies, that on another one's asset is seen there only.
    """
    home = Asset.objects.filter(slug=OuterRef("asset_slug")).values("academy_id")[:1]
    rows = AssignmentTelemetry.objects.alias(home=Subquery(home, output_field=BigIntegerField()))
    return rows.filter(seen_in(academy, learner="user_id", asset_academy="home"))
