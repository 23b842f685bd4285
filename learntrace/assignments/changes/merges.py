"""Records of a user who is merged into another: of two on one asset the older one goes, and what only it tells is kept."""

from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.telemetry_documents import keep_unread_records


def before_merge(merged: int, into: int) -> None:
    """Keep what nobody has read yet of the records that both have."""
    slugs = AssignmentTelemetry.objects.filter(user=merged).values_list("asset_slug", flat=True)
    both = AssignmentTelemetry.objects.filter(user=into, asset_slug__in=slugs).values_list("asset_slug", flat=True)
    keep_unread_records([(user_id, slug) for slug in both for user_id in (merged, into)])
