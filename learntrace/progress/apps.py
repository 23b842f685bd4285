from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProgressConfig(AppConfig):
    name = "learntrace.progress"
    verbose_name = _("Progress")

    def ready(self) -> None:
        from learntrace.personal.merging.merging import STEPS
        from learntrace.progress import features, personal_data
        from learntrace.progress.corrections import attempt_retention, course_promise, course_runs, roster_courses
        from learntrace.progress.recording.later import recompute_again
        from learntrace.progress.recording.recording import lock_learners

        features.register()
        attempt_retention.register()
        course_promise.register()
        course_runs.register()
        roster_courses.register()
        personal_data.register()
        STEPS.locks.append(lambda *users: lock_learners(users))
        STEPS.after.append(lambda *users: recompute_again(users))
