from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignalsConfig(AppConfig):
    name = "learntrace.signals"
    verbose_name = _("Signals")

    def ready(self) -> None:
        from learntrace.accounts.academy_settings import SIGNAL, when_changed
        from learntrace.progress.open_signals import read_with
        from learntrace.progress.recomputation import revise_with
        from learntrace.progress.recording import follow_with
        from learntrace.signals import holdings, log, revision, thresholds, watching

        follow_with(watching.follow)
        revise_with(watching.look_again)
        read_with(log.open_of)
        thresholds.register()
        when_changed(SIGNAL, revision.look_at_academy_again)
        holdings.register()
