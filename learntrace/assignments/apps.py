from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssignmentsConfig(AppConfig):
    name = "learntrace.assignments"
    verbose_name = _("Tasks")

    def ready(self) -> None:
        from learntrace.assignments import personal_data

        personal_data.register()
