from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotebooksConfig(AppConfig):
    name = "learntrace.notebooks"
    verbose_name = _("Notebooks")

    def ready(self) -> None:
        from learntrace.notebooks import features, personal_data
        from learntrace.notebooks.documents import activities, arrivals, old_events
        from learntrace.personal.merging.merging import STEPS
        from learntrace.progress.corrections.attempt_retention import when_deleted
        from learntrace.progress.recording import sources

        features.register()
        sources.register(sources.Source(activities.SOURCE, activities.derive, activities.learners, told_once=True))
        personal_data.register()
        when_deleted(old_events.delete_old_events)
        STEPS.undo[activities.SOURCE] = arrivals.give_back
        STEPS.after.append(arrivals.wait_with)
