"""Ignore rules: which webhooks an academy wants kept but not processed (contract, section 6).

The rules are in the academy's settings under `learnpack_features.telemetry_webhook_ignore`. `clean` checks rules before
they are stored, `match` applies stored rules to one webhook.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from learntrace.learnpack.payloads import as_text, natural_id
from learntrace.learnpack.webhook_refs import WebhookRefs

RULE: Final = "rule"
LIST: Final = "list"
FIELDS = ("user_ids", "learnpack_package_ids", "package_slugs", "asset_ids", "events")
"""The fields of a rule, in the order in which reasons name them."""

_LONGEST_SHOWN = 80

BODY_SLUG = "invalid-telemetry-webhook-ignore-body"
FIELD_SLUG = "invalid-telemetry-webhook-ignore-field"
BODY_NOT_OBJECT = "Request body must be a JSON object"
RULE_NOT_OBJECT = "`rules[{index}]` must be an object"
FIELD_NOT_LIST = "`{field}` must be a list"
NO_ID = "`{field}` takes ids, which are numbers, not {value}"


class IgnoreRulesError(ValueError):
    """Rules to be stored are malformed.

    `slug` and `detail` are the contract's. For a translation, `template` is the detail with `{field}`, `{index}` or
    `{value}` in place of the attribute of that name: `field` is the list at fault, `index` the index of its rule in `rules`,
    `value` the element, shortened.
    """

    def __init__(
        self, slug: str, template: str, *, field: str | None = None, index: int | None = None, value: str = ""
    ) -> None:
        self.slug = slug
        self.template = template
        self.field = field
        self.index = index
        self.value = value
        self.detail = template.format(field=field, index=index, value=value)
        super().__init__(self.detail)


def clean(body: object) -> dict[str, Any]:
    """Return rules as they are stored: known keys only, without nulls and without rules that have no field.

    Elements of lists are kept as sent. Raises IgnoreRulesError, also for null, so that nobody clears all rules by
    accident.
    """
    if not isinstance(body, dict):
        raise IgnoreRulesError(BODY_SLUG, BODY_NOT_OBJECT)
    cleaned: dict[str, Any] = {}
    rules = body.get("rules")
    if rules is not None:
        if not isinstance(rules, list):
            raise IgnoreRulesError(FIELD_SLUG, FIELD_NOT_LIST, field="rules")
        cleaned["rules"] = [kept for index, rule in enumerate(rules) if (kept := _clean_rule(rule, index))]
    return cleaned | _clean_fields(body)


def _clean_rule(rule: object, index: int) -> dict[str, list[Any]]:
    if not isinstance(rule, dict):
        raise IgnoreRulesError(FIELD_SLUG, RULE_NOT_OBJECT, index=index)
    return _clean_fields(rule, index)


def _clean_fields(holder: Mapping[str, Any], index: int | None = None) -> dict[str, list[Any]]:
    cleaned = {}
    for field in FIELDS:
        value = holder.get(field)
        if value is None:
            continue
        if not isinstance(value, list):
            raise IgnoreRulesError(FIELD_SLUG, FIELD_NOT_LIST, field=field, index=index)
        cleaned[field] = list(value)
    return cleaned


@dataclass(frozen=True)
class Match:
    """The rule that matched, by all of its fields (`form` RULE), or the list at the top that did (LIST).

    `fields` has their names with commas between.
    """

    form: str
    fields: str


def match(config: object, refs: WebhookRefs, asset_id: int | None) -> Match | None:
    """Return the first match of an academy's rules, None if the webhook isn't ignored.

    `config` is the stored value, of any age and shape: malformed parts never match. `asset_id` is the asset that the
    payload resolves to (contract, 3.1). Rules come first, in their order, then the lists at the top (legacy), of which
    one is enough.
    """
    if not isinstance(config, dict):
        return None
    values = _values(refs, asset_id)
    rules = config.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        # A known field that is null or no list doesn't match: half a rule would ignore more than was meant.
        fields = [field for field in FIELDS if field in rule] if isinstance(rule, dict) else []
        if fields and all(_matches(field, rule[field], values) for field in fields):
            return Match(RULE, ",".join(fields))
    for field in FIELDS:
        if _matches(field, config.get(field), values):
            return Match(LIST, field)
    return None


def _text(value: object) -> str | None:
    """Return a slug or event, trimmed; a number as text, since some clients write a slug of digits as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return as_text(value).strip() or None


_READERS: dict[str, Callable[[object], int | str | None]] = {
    "user_ids": natural_id,
    "learnpack_package_ids": natural_id,
    "package_slugs": _text,
    "asset_ids": natural_id,
    "events": _text,
}


def refuse_words(rules: Mapping[str, Any]) -> None:
    """Refuse cleaned rules in which a list of ids has a word and nothing that could match: nobody would notice.

    Raises IgnoreRulesError.
    """
    for index, holder in ((None, rules), *enumerate(rules.get("rules", ()))):
        for field, elements in holder.items():
            if field in FIELDS and (word := _word(field, elements)) is not None:
                raise IgnoreRulesError(FIELD_SLUG, NO_ID, field=field, index=index, value=word)


def _word(field: str, elements: list[Any]) -> str | None:
    """Return the first word of a list of ids that can't match as a whole, None where it can, or where no word is in it."""
    if _READERS[field] is not natural_id or any(can_match(field, element) for element in elements):
        return None
    words = (element.strip() for element in elements if isinstance(element, str))
    return next((word[:_LONGEST_SHOWN] for word in words if word and not word.isdigit()), None)


def can_match(field: str, element: object) -> bool:
    """Whether an element of a field's list can match anything: no text is an id, and no list is a slug."""
    return _READERS[field](element) is not None


def _values(refs: WebhookRefs, asset_id: int | None) -> dict[str, set[int | str | None]]:
    """Return the webhook's values for each field."""
    values: dict[str, set[int | str | None]] = {
        "user_ids": {refs.user_id},
        "learnpack_package_ids": {refs.package_id},
        "package_slugs": {_text(refs.package_slug), _text(refs.slug)},
        "asset_ids": {asset_id},
        "events": {_text(refs.event)},
    }
    return {field: present - {None} for field, present in values.items()}


def _matches(field: str, elements: object, values: Mapping[str, set[int | str | None]]) -> bool:
    if not isinstance(elements, list) or not values[field]:
        return False
    return any(_READERS[field](element) in values[field] for element in elements)
