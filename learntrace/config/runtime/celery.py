"""Celery, used if a broker is set: it runs the same functions as the embedded worker, on many machines."""

import os
import sys

from celery import Celery, signals

from learntrace.config import environment
from learntrace.config.logs import configure_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")
DRAIN = "learntrace.drain"

app = Celery(
    "learntrace", broker=environment.BROKER_URL.value() or "amqp://", include=["learntrace.config.runtime.celery_tasks"]
)
app.conf.update(
    task_ignore_result=True,
    # An older wake-up is useless: the periodic check has done its work.
    task_default_expires=30,
    task_default_queue="learntrace",
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # Sending a wake-up must not block when the broker is away.
    broker_connection_timeout=2,
    broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2, "max_retries": 0},
    timezone="UTC",
)


@signals.setup_logging.connect
def _use_our_logs(**_arguments: object) -> None:
    configure_logging(environment.LOG_LEVEL.value(), environment.LOG_FORMAT.value(), to_terminal=sys.stderr.isatty())
