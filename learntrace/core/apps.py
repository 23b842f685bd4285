from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "learntrace.core"
    verbose_name = _("Installation")

    def ready(self) -> None:
        # The models of all rooms are loaded by now.
        from learntrace.core import live_events
        from learntrace.core.labels import label_fields
        from learntrace.core.postgresql.accents import register_lookups

        label_fields()
        register_lookups()
        live_events.register_personal_data()
