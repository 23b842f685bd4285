"""Processes of an installation: supervisor, web, worker, queues, schedules, Celery."""
