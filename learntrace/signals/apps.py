from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignalsConfig(AppConfig):
    name = "learntrace.signals"
    verbose_name = _("Signals")

    def ready(self) -> None:
        from learntrace.accounts.academy_settings import SIGNAL, when_changed
        from learntrace.progress.corrections.attempt_retention import when_deleted
        from learntrace.progress.open_signals import register_signal_reader
        from learntrace.progress.recording.recomputation import register_reviser
        from learntrace.progress.recording.recording import register_change_listener
        from learntrace.signals import old_signals, personal_data, queries, thresholds
        from learntrace.signals.evaluation import evaluate, threshold_changes
        from learntrace.signals.help_requests import features

        register_change_listener(evaluate.evaluate_changes)
        register_reviser(evaluate.reevaluate_learner)
        register_signal_reader(queries.open_signals_of)
        thresholds.register()
        features.register()
        when_changed(SIGNAL, threshold_changes.reevaluate_academy)
        personal_data.register()
        when_deleted(old_signals.delete_old_signals)
