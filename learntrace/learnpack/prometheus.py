"""Prometheus counters of LearnPack's processing."""

from prometheus_client import Counter, Histogram

PROCESSED = Counter("learntrace_webhooks_processed_total", "Webhooks that reached an end", ["status"])
BATCH_SIZE = Histogram(
    "learntrace_webhook_batch_size", "Webhooks processed in one transaction", buckets=(1, 2, 5, 10, 25, 50, 100, 200)
)
