"""The addresses under /v1/assignment that are no source's own."""

from django.urls import path

from learntrace.assignments import views
from learntrace.assignments.due_dates.views import DueDatesView, DueDateView, ExtensionView

urlpatterns = [
    path("task/<int:task_id>", views.TaskView.as_view()),
    path("user/me/task", views.MyTasksView.as_view()),
    path("user/me/task/<int:task_id>", views.MyTaskView.as_view()),
    path("academy/asset/<str:slug>/user/<int:user_id>/telemetry", views.StaffTelemetryView.as_view()),
    path("academy/due-date", DueDatesView.as_view()),
    path("academy/due-date/<int:due_date_id>", DueDateView.as_view()),
    path("academy/due-date/<int:due_date_id>/extension/<int:user_id>", ExtensionView.as_view()),
]
