from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssignmentsConfig(AppConfig):
    name = "learntrace.assignments"
    verbose_name = _("Tasks")

    def ready(self) -> None:
        from learntrace.assignments import personal_data
        from learntrace.assignments.changes import merges
        from learntrace.personal.merging.merging import STEPS

        personal_data.register()
        STEPS.before["records"] = merges.before_merge
