from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotebooksConfig(AppConfig):
    name = "learntrace.notebooks"
    verbose_name = _("Notebooks")

    def ready(self) -> None:
        from learntrace.notebooks import activities, features, holdings
        from learntrace.progress import sources

        features.register()
        sources.register(sources.Source(activities.SOURCE, activities.derive, activities.learners))
        holdings.register()
