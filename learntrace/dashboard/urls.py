"""The pages' addresses; `/`, `/status` and `/telemetry` stand in config/urls.py, which hands them the installation's health."""

from django.urls import path, register_converter

from learntrace.dashboard import (
    asset_views,
    assignment_views,
    class_views,
    diagnosis_page,
    health_bulk,
    health_log,
    health_views,
    ignore_views,
    learner_views,
    mine_views,
    search,
    views,
)
from learntrace.dashboard.keys_in_addresses import KeyConverter

register_converter(KeyConverter, "key")

urlpatterns = [
    path("diagnosis", diagnosis_page.diagnosis, name="diagnosis"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("language", views.language, name="language"),
    path("theme", views.theme, name="theme"),
    path("favicon.ico", views.favicon),
    path("search", search.search, name="search"),
    # My learning
    path("me", mine_views.my_learning, name="my-learning"),
    path("me/consent", mine_views.change_consent, name="my-learning-consent"),
    path("me/export", mine_views.export, name="my-learning-export"),
    path("me/erase", mine_views.erase_all, name="my-learning-erase"),
    # Class now
    path("class", class_views.class_now, name="class-now"),
    path("signal/<int:signal_id>/state", class_views.signal_state, name="signal-state"),
    # Assignments; a key may hold a slash, so that the longer address comes first.
    path("assignments", assignment_views.assignments, name="assignments"),
    path("assignment/<key:key>/learner/<int:user_id>", assignment_views.attempts, name="assignments-attempts"),
    path("assignment/<key:key>", assignment_views.assignment, name="assignments-one"),
    # Telemetry health
    path("telemetry/webhooks", health_log.webhooks, name="telemetry-health-log"),
    path("telemetry/webhooks/delete", health_bulk.delete_failed, name="telemetry-health-delete"),
    path("telemetry/webhooks/retry", health_bulk.retry_failed, name="telemetry-health-retry"),
    path("telemetry/webhook/<int:webhook_id>", health_log.webhook, name="telemetry-health-webhook"),
    path("telemetry/webhook/<int:webhook_id>/payload", health_log.payload, name="telemetry-health-payload"),
    path("telemetry/webhook/<int:webhook_id>/retry", health_log.retry, name="telemetry-health-webhook-retry"),
    path("telemetry/webhook/<int:webhook_id>/delete", health_log.delete, name="telemetry-health-webhook-delete"),
    path("telemetry/rejected", health_views.rejected_events, name="telemetry-health-rejected"),
    path(
        "telemetry/rejected/<int:rejected_id>/retry",
        health_views.retry_rejected,
        name="telemetry-health-rejected-retry",
    ),
    path("telemetry/ignore", ignore_views.ignore_rules, name="telemetry-health-ignore"),
    # Learners
    path("learners", learner_views.learners, name="learners"),
    path("learner/<int:user_id>", learner_views.learner, name="learners-one"),
    path("learner/<int:user_id>/telemetry/<key:slug>", learner_views.telemetry, name="learners-telemetry"),
    # Assets; a slug may hold a slash.
    path("assets", asset_views.assets, name="assets"),
    path("asset/<key:slug>/action/<str:action>", asset_views.action, name="assets-action"),
    path("asset/<key:slug>", asset_views.asset, name="assets-one"),
]
