"""What an academy decides about its measures: the longest gap that counts as active, among its `signal_features`."""

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import SIGNAL, declare_feature
from learntrace.core.errors import FieldProblem
from learntrace.metrics.measures import GAP_SECONDS
from learntrace.progress.gaps import FEATURE

# A gap of a day is no pause any more; a longer one would turn nights into work.
_LEAST, MOST_GAP_SECONDS = 1, 86_400


def _gap(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _LEAST <= value <= MOST_GAP_SECONDS:
        raise FieldProblem(
            SIGNAL, _("`%(name)s` must be a number from %(least)s to %(most)s"),
            name=FEATURE, least=_LEAST, most=MOST_GAP_SECONDS,
        )  # fmt: skip
    return value


def register() -> None:
    """Have the gap shown with its default, and checked wherever it is stored."""
    declare_feature(SIGNAL, FEATURE, GAP_SECONDS, _gap)
