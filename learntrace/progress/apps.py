from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProgressConfig(AppConfig):
    name = "learntrace.progress"
    verbose_name = _("Progress")

    def ready(self) -> None:
        from learntrace.progress import features, holdings

        features.register()
        holdings.register()
