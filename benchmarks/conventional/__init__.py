"""What Learntrace is measured against: the same telemetry taken and processed as Django projects usually do.

A DRF view that authenticates a token by the ORM and creates a row for each request, and a Celery task for each webhook. Both
use Learntrace's tables on the same durable database, so that rows and indexes are the same; nothing else is ours.
"""
