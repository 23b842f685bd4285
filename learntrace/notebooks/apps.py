from django.apps import AppConfig


class NotebooksConfig(AppConfig):
    name = "learntrace.notebooks"

    def ready(self) -> None:
        from learntrace.notebooks import activities, features
        from learntrace.progress import sources

        features.register()
        sources.register(sources.Source(activities.SOURCE, activities.derive, activities.learners))
