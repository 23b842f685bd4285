"""A Celery application with a task for a webhook; `BENCH_BROKER_URL` names its broker."""

import os

from celery import Celery

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.conventional.settings"

app = Celery("conventional", broker=os.environ["BENCH_BROKER_URL"])
app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # Without it Celery opens a connection to the database for each task.
    CELERY_DB_REUSE_MAX=10**9,
)


@app.task(name="process_webhook")
def process_webhook(webhook_id: int) -> None:
    """Process one webhook."""
    from benchmarks.conventional.processing import process
    from learntrace.learnpack.models import Webhook

    process(Webhook.objects.get(pk=webhook_id))
