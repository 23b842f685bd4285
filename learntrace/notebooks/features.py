"""An academy's settings of notebook telemetry: the features in its `notebook_features`."""

from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import NOTEBOOK, declare_feature
from learntrace.core.errors import FieldProblem

# Whether cells' source code is kept, and whether learners may turn the collection of their events off.
COLLECT_SOURCE = "collect_source"
OPT_OUT = "opt_out"
DEFAULTS = {COLLECT_SOURCE: False, OPT_OUT: False}


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldProblem(NOTEBOOK, _("`%(name)s` must be true or false"), name=name)
    return value


def is_on(stored: Any, feature: str) -> bool:
    """Whether a feature is on, in settings as stored; a writer that bypasses the API may have stored anything."""
    return isinstance(stored, dict) and stored.get(feature, DEFAULTS[feature]) is True


def register() -> None:
    """Declare the features: shown with their defaults, checked before they are stored, and no others accepted."""
    for name, default in DEFAULTS.items():
        declare_feature(NOTEBOOK, name, default, partial(_flag, name))
