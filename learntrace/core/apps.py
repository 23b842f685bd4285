from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "learntrace.core"
    verbose_name = _("Installation")

    def ready(self) -> None:
        # By now the models of all rooms are loaded.
        from learntrace.core import holdings
        from learntrace.core.labels import label_fields

        label_fields()
        holdings.register()
