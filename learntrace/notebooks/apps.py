from django.apps import AppConfig


class NotebooksConfig(AppConfig):
    name = "learntrace.notebooks"

    def ready(self) -> None:
        from learntrace.notebooks import features

        features.register()
