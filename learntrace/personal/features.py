"""What an academy decides about its learners' data: whether they may erase it, beside `opt_out` in `notebook_features`."""

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import NOTEBOOK, declare_feature
from learntrace.core.errors import FieldProblem

ERASURE = "erasure"
# A right where most learners live; an academy that has to keep records for a while turns it off.
DEFAULT = True


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldProblem(NOTEBOOK, _("`%(name)s` must be true or false"), name=ERASURE)
    return value


def allows(stored: object) -> bool:
    """Whether an academy lets its learners erase their data, by its settings as they are stored."""
    return not isinstance(stored, dict) or stored.get(ERASURE, DEFAULT) is not False


def register() -> None:
    """Have the feature shown with its default, and checked wherever it is stored."""
    declare_feature(NOTEBOOK, ERASURE, DEFAULT, _flag)
