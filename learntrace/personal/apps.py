from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PersonalConfig(AppConfig):
    name = "learntrace.personal"
    verbose_name = _("Personal data")

    def ready(self) -> None:
        from learntrace.personal import features, personal_data

        features.register()
        personal_data.register()
