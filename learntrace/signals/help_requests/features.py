"""An academy's setting whether its learners may raise a hand: `help_requests` in `signal_features`."""

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import SIGNAL, declare_feature
from learntrace.accounts.models import AcademySettings
from learntrace.core.errors import FieldProblem

HELP_REQUESTS = "help_requests"
# On by default: a learner who waits for help and can't say so is what this product is against.
DEFAULT = True


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldProblem(SIGNAL, _("`%(name)s` must be true or false"), name=HELP_REQUESTS)
    return value


def allowed_in(academy_id: int) -> bool:
    """Whether the learners of an academy may raise a hand."""
    stored = AcademySettings.objects.filter(academy=academy_id).values_list(SIGNAL, flat=True).first()
    return allows(stored)


def allows(features: object) -> bool:
    """Whether stored features let learners raise a hand; None where an academy has set nothing."""
    return not isinstance(features, dict) or features.get(HELP_REQUESTS, DEFAULT) is not False


def register() -> None:
    """Declare the feature: shown with its default, and checked before it is stored."""
    declare_feature(SIGNAL, HELP_REQUESTS, DEFAULT, _flag)
