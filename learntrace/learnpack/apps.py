from django.apps import AppConfig


class LearnPackConfig(AppConfig):
    name = "learntrace.learnpack"
    verbose_name = "LearnPack"

    def ready(self) -> None:
        from learntrace.learnpack import academy_rules, holdings, streaming, telemetry
        from learntrace.progress import sources

        academy_rules.register()
        streaming.register()
        sources.register(sources.Source(streaming.SOURCE, telemetry.derive, telemetry.learners))
        holdings.register()
