from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProgressConfig(AppConfig):
    name = "learntrace.progress"
    verbose_name = _("Progress")

    def ready(self) -> None:
        from learntrace.progress import features, personal_data
        from learntrace.progress.corrections import attempt_retention, course_runs

        features.register()
        attempt_retention.register()
        course_runs.register()
        personal_data.register()
