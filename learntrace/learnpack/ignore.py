"""Ignore rules: which webhooks an academy wants kept but not processed (contract section 6).

The rules stand in the academy's settings under `learnpack_features.telemetry_webhook_ignore`. `clean` checks what
somebody wants to store there, `match` asks the stored rules about one payload.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from learntrace.learnpack.payloads import natural_id, package_id, user_id

RULE: Final = "rule"
LIST: Final = "list"
FIELDS = ("user_ids", "learnpack_package_ids", "package_slugs", "asset_ids", "events")
"""All that a rule can look at, in the order in which reasons name them."""

BODY_SLUG = "invalid-telemetry-webhook-ignore-body"
FIELD_SLUG = "invalid-telemetry-webhook-ignore-field"
BODY_NOT_OBJECT = "Request body must be a JSON object"
RULE_NOT_OBJECT = "`rules[{index}]` must be an object"
FIELD_NOT_LIST = "`{field}` must be a list"


class IgnoreRulesError(ValueError):
    """The rules somebody wants to store are malformed.

    `slug` and `detail` are the contract's. For a translation, `template` is the detail with `{field}` or `{index}` in
    place of the attribute of that name: `field` is the list at fault, `index` the place of its rule in `rules`.
    """

    def __init__(self, slug: str, template: str, *, field: str | None = None, index: int | None = None) -> None:
        self.slug = slug
        self.template = template
        self.field = field
        self.index = index
        self.detail = template.format(field=field, index=index)
        super().__init__(self.detail)


def clean(body: object) -> dict[str, Any]:
    """The rules as they are to be stored: known keys only, nulls and rules without a field dropped.

    Elements of lists are kept as sent. Raises `IgnoreRulesError`, also for null: nobody clears all rules by accident.
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
    """What matched: a rule, by all of its fields, or (`form` LIST) one of the lists at the top; fields with commas between."""

    form: str
    fields: str


def match(config: object, payload: Mapping[str, Any], asset_id: int | None) -> Match | None:
    """What of the academy's rules this payload matches; None if nothing, so that it isn't ignored.

    `config` is what is stored, of any age and shape: what is malformed never matches. `asset_id` is the asset that the
    payload resolves to (contract 3.1). Rules come first, in their order, then the lists at the top (legacy), of which
    one is enough.
    """
    if not isinstance(config, dict):
        return None
    facts = _facts(payload, asset_id)
    rules = config.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        # A known field that is null or no list is none that matches: half a rule would ignore more than was meant.
        fields = [field for field in FIELDS if field in rule] if isinstance(rule, dict) else []
        if fields and all(_hits(field, rule[field], facts) for field in fields):
            return Match(RULE, ",".join(fields))
    for field in FIELDS:
        if _hits(field, config.get(field), facts):
            return Match(LIST, field)
    return None


def _text(value: object) -> str | None:
    """A slug or event, trimmed; a number as its text, since some clients write a slug that looks like one as one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return str(value).strip() or None
    except ValueError:  # an int of more digits than Python writes out
        return None


_READERS: dict[str, Callable[[object], int | str | None]] = {
    "user_ids": natural_id,
    "learnpack_package_ids": natural_id,
    "package_slugs": _text,
    "asset_ids": natural_id,
    "events": _text,
}


def reads(field: str, element: object) -> bool:
    """Whether an element of a field's list can match anything: no text is an id, and no list is a slug."""
    return _READERS[field](element) is not None


def _facts(payload: Mapping[str, Any], asset_id: int | None) -> dict[str, set[int | str | None]]:
    """What the payload has to say to each field."""
    facts: dict[str, set[int | str | None]] = {
        "user_ids": {user_id(payload.get("user_id"))},
        "learnpack_package_ids": {package_id(payload)},
        "package_slugs": {_text(payload.get("package_slug")), _text(payload.get("slug"))},
        "asset_ids": {asset_id},
        "events": {_text(payload.get("event", "batch"))},  # real clients' batches have no such key
    }
    return {field: values - {None} for field, values in facts.items()}


def _hits(field: str, listed: object, facts: Mapping[str, set[int | str | None]]) -> bool:
    if not isinstance(listed, list) or not facts[field]:
        return False
    return any(_READERS[field](element) in facts[field] for element in listed)
