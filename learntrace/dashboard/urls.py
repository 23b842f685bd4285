"""The pages' addresses; `/` and `/status` stand in config/urls.py, which hands them the installation's health."""

from django.urls import path

from learntrace.dashboard import assignment_views, class_views, diagnosis_page, learner_views, search, views

urlpatterns = [
    path("diagnosis", diagnosis_page.diagnosis, name="diagnosis"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("language", views.language, name="language"),
    path("theme", views.theme, name="theme"),
    path("favicon.ico", views.favicon),
    path("search", search.search, name="search"),
    # Class now
    path("class", class_views.class_now, name="class-now"),
    path("signal/<int:signal_id>/state", class_views.signal_state, name="signal-state"),
    # Assignments; a key may hold a slash, so that the longer address comes first.
    path("assignments", assignment_views.assignments, name="assignments"),
    path("assignment/<path:key>/learner/<int:user_id>", assignment_views.attempts, name="assignments-attempts"),
    path("assignment/<path:key>", assignment_views.assignment, name="assignments-one"),
    # Learners
    path("learners", learner_views.learners, name="learners"),
    path("learner/<int:user_id>", learner_views.learner, name="learners-one"),
    path("learner/<int:user_id>/telemetry/<path:slug>", learner_views.telemetry, name="learners-telemetry"),
]
