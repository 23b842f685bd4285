"""An academy's ignore rules: read, checked and stored in its settings (contract, sections 6 and 10)."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import feature_validator, locked_settings, merge_features, settings_of
from learntrace.accounts.audit.actions import IGNORE_RULES_CHANGED
from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.learnpack.ignore.rules import (
    BODY_NOT_OBJECT,
    FIELD_NOT_LIST,
    NO_ID,
    RULE_NOT_OBJECT,
    IgnoreRulesError,
    clean,
    refuse_words,
)

FEATURE = "telemetry_webhook_ignore"

_TEXTS = {
    BODY_NOT_OBJECT: _("Request body must be a JSON object"),
    RULE_NOT_OBJECT: _("`rules[%(index)s]` must be an object"),
    FIELD_NOT_LIST: _("`%(field)s` must be a list"),
    NO_ID: _("`%(field)s` takes ids, which are numbers, not %(value)s"),
}


class RulesChanged(Problem):
    """Other rules have been stored since these were read."""

    status_code = 409
    text = _("Somebody has changed the rules meanwhile. Nothing was saved.")


def register() -> None:
    """Have rules checked wherever they are stored."""
    feature_validator(FEATURE, checked)


def checked(rules: object) -> dict[str, Any]:
    """Return rules as they are stored.

    Raises Problem (400) that says what is wrong with them.
    """
    try:
        cleaned = clean(rules)
        refuse_words(cleaned)
    except IgnoreRulesError as error:
        raise Problem(
            _TEXTS[error.template], slug=error.slug, field=error.field, index=error.index, value=error.value
        ) from error
    return cleaned


def rules_of(academy: Academy) -> Any:
    """Return the stored rules, an empty object where there are none.

    Raises WholeAcademyOnly: rules name learners, and hold for all.
    """
    require_all_cohorts(academy)
    return settings_of(academy).learnpack_features.get(FEATURE) or {}


def replace_rules(academy: Academy, rules: object) -> dict[str, Any]:
    """Store rules in place of all old ones; the inbox reads them anew for each group of requests.

    Raises Problem (400), WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    features: dict[str, Any] = merge_features(academy, {FEATURE: rules}, action=IGNORE_RULES_CHANGED).learnpack_features
    stored: dict[str, Any] = features[FEATURE]
    return stored


def replace_rules_seen(academy: Academy, rules: object, seen: object) -> dict[str, Any]:
    """Store rules in place of those that their author has seen.

    Raises Problem (400), RulesChanged where other rules are stored by now.
    """
    with transaction.atomic():
        locked_settings(academy)
        if rules_of(academy) != seen:
            raise RulesChanged
        return replace_rules(academy, rules)
