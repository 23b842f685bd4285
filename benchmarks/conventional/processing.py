"""A webhook processed by the ORM: its asset, learner and tasks looked up, its record written, each statement a commit."""

from learntrace.accounts.models import User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.learnpack.models import Webhook
from learntrace.measures.indicators import indicators
from learntrace.registry.models import Asset


def process(webhook: Webhook) -> None:
    """Write the telemetry record that follows from a webhook, save its tasks, and mark it as done."""
    asset = Asset.objects.get(slug=webhook.payload["slug"])
    student = User.objects.get(pk=webhook.payload["user_id"])
    tasks = Task.objects.filter(user=student, associated_slug=asset.slug)
    result = indicators(webhook.payload)
    AssignmentTelemetry.objects.update_or_create(
        user=student, asset_slug=asset.slug, defaults={"telemetry": webhook.payload, "metrics": result}
    )
    for task in tasks:
        task.save()
    webhook.status = Webhook.Status.DONE
    webhook.save()
