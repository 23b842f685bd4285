from django.apps import AppConfig


class ProgressConfig(AppConfig):
    name = "learntrace.progress"

    def ready(self) -> None:
        from learntrace.progress import features

        features.register()
