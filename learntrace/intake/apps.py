from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntakeConfig(AppConfig):
    name = "learntrace.intake"
    verbose_name = _("Intake")

    def ready(self) -> None:
        from learntrace.intake import personal_data

        personal_data.register()
