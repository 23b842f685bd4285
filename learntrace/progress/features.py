"""The setting of an academy for its measures: the longest gap that counts as active, among its `signal_features`."""

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import SIGNAL, declare_feature
from learntrace.core.errors import FieldProblem
from learntrace.measures.learner_measures import GAP_SECONDS
from learntrace.progress.recording.active_gap import FEATURE

# A gap of more than a day would count nights as work.
_LEAST, MOST_GAP_SECONDS = 1, 86_400


def _gap(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _LEAST <= value <= MOST_GAP_SECONDS:
        raise FieldProblem(
            SIGNAL,
            _("`%(name)s` must be a number from %(least)s to %(most)s"),
            name=FEATURE,
            least=_LEAST,
            most=MOST_GAP_SECONDS,
        )
    return value


def register() -> None:
    """Declare the setting with its default and its check."""
    declare_feature(SIGNAL, FEATURE, GAP_SECONDS, _gap)
