"""An academy's setting whether its learners may erase their data: `erasure` in `notebook_features`."""

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import NOTEBOOK, declare_feature
from learntrace.core.errors import FieldProblem

ERASURE = "erasure"
# On by default, as most learners have a right to it; an academy that must keep records for a while turns it off.
DEFAULT = True


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldProblem(NOTEBOOK, _("`%(name)s` must be true or false"), name=ERASURE)
    return value


def allows(stored: object) -> bool:
    """Whether an academy lets its learners erase their data, by its stored settings."""
    return not isinstance(stored, dict) or stored.get(ERASURE, DEFAULT) is not False


def register() -> None:
    """Declare the feature: shown with its default, and checked before it is stored."""
    declare_feature(NOTEBOOK, ERASURE, DEFAULT, _flag)
