from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssignmentsConfig(AppConfig):
    name = "learntrace.assignments"
    verbose_name = _("Tasks")

    def ready(self) -> None:
        from learntrace.accounts.roster.importing import HOOKS
        from learntrace.assignments import personal_data
        from learntrace.assignments.changes import merges
        from learntrace.assignments.roster import Tasks
        from learntrace.personal.merging.merging import STEPS

        personal_data.register()
        HOOKS.sections.append(Tasks())
        STEPS.before["records"] = merges.before_merge
