from django.apps import AppConfig


class LearnPackConfig(AppConfig):
    name = "learntrace.learnpack"

    def ready(self) -> None:
        from learntrace.learnpack import academy_rules

        academy_rules.register()
