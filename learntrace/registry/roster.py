"""A roster's list of assets, with their other slugs and their translations."""

from collections.abc import Sequence

from learntrace.accounts.models import Academy
from learntrace.accounts.roster.file import Value
from learntrace.accounts.roster.items import Item
from learntrace.accounts.roster.plan import Draft, Plan, Roster, Section
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.references import RowIndex, chunks
from learntrace.registry.models import Asset, AssetAlias
from learntrace.registry.roster_translations import plan_translations

_NEW_ALIASES = "new aliases"


class Assets(Section[Asset]):
    """`aliases` and `translations` only add: stored ones stay.

    Translations may name assets further down. They join whole groups: a translation of a translation is one too.
    """

    name = "assets"
    model = Asset
    columns = (
        "slug", "title", "lang", "asset_type", "category", "status", "visibility", "url", "readme_url", "difficulty",
        "duration", "description", "graded", "interactive", "external", "preview", "technologies", "learnpack_id",
        "learnpack_deploy_url", "manifest", "config",
    )  # fmt: skip
    references = {"academy": Academy}
    identity = ("slug",)
    extras = ("aliases", "translations")
    names = ("slug",)

    def wanted(self, item: Item, roster: Roster) -> None:
        super().wanted(item, roster)
        for key in self.extras:
            for value in _named(item, key):
                roster.known[Asset].want(value)

    def read(self, draft: Draft[Asset], roster: Roster) -> None:
        item = draft.item
        draft.extras = {key: item.texts(key) for key in self.extras}
        for key in ("manifest", "config"):
            if not isinstance(draft.values.get(key), dict | None):
                item.refuse(key, _("`%(key)s` must be a mapping"))
        technologies = draft.values.get("technologies", [])
        if not isinstance(technologies, list) or not all(isinstance(slug, str) for slug in technologies):
            item.refuse("technologies", _("`technologies` must be a list of texts"))
        slug = draft.values.get("slug")
        if slug and not _is_slug(slug):
            item.refuse("slug", _("`slug` must contain no spaces and no slashes"))

    def plan(self, items: Sequence[Item], roster: Roster) -> Plan[Asset]:
        plan = super().plan(items, roster)
        _plan_aliases(plan.drafts, roster.known[Asset])
        plan_translations(plan, roster.known[Asset])
        return plan

    def write(self, plan: Plan[Asset], roster: Roster) -> None:
        super().write(plan, roster)
        AssetAlias.objects.bulk_create(
            (AssetAlias(slug=slug, asset=draft.row) for draft in plan.drafts for slug in draft.extras[_NEW_ALIASES]),
            batch_size=2_000,
        )


def _is_slug(text: str) -> bool:
    return not any(character.isspace() or character == "/" for character in text)


def _named(item: Item, key: str) -> list[Value]:
    """Return the texts of a list that hasn't been checked yet."""
    value = item.value(key)
    return value.content if value and isinstance(value.content, list) else []


def _plan_aliases(drafts: Sequence[Draft[Asset]], known: RowIndex[Asset]) -> None:
    """Note each asset's new aliases; refuse one that another asset has, as alias or slug: it would hide that asset."""
    slugs = {draft.row.slug for draft in drafts}
    slugs |= {_text(alias) for draft in drafts for alias in draft.extras["aliases"]}
    stored = {
        alias.slug: alias.asset_id for chunk in chunks(slugs) for alias in AssetAlias.objects.filter(slug__in=chunk)
    }
    declared: dict[str, Draft[Asset]] = {}
    for draft in drafts:
        new = draft.extras[_NEW_ALIASES] = []
        if stored.get(draft.row.slug, draft.row.pk) != draft.row.pk:
            draft.item.refuse(
                "slug",
                _("`slug`: %(slug)s is an alias of the asset %(other)s"),
                slug=draft.row.slug,
                other=stored[draft.row.slug],
            )
        for alias in draft.extras["aliases"]:
            text = _text(alias)
            if _fits(draft, alias, known, stored) and declared.setdefault(text, draft) is not draft:
                draft.item.refuse(
                    "aliases",
                    _("`aliases`: %(slug)s is already an alias of %(other)s"),
                    line=alias.line,
                    slug=text,
                    other=declared[text].row.slug,
                )
            elif text not in stored and text != draft.row.slug and text not in new:
                new.append(text)
        draft.touched = bool(new)


def _fits(draft: Draft[Asset], alias: Value, known: RowIndex[Asset], stored: dict[str, int]) -> bool:
    """Whether the asset can have the alias; note the reason if not."""
    text = _text(alias)
    namesake = known.named(text)
    if not text or len(text) > 200 or not _is_slug(text):
        draft.item.refuse(
            "aliases", _("`aliases`: a slug has 1 to 200 characters, no spaces and no slashes"), line=alias.line
        )
    elif namesake is not None and namesake is not draft.row:
        draft.item.refuse("aliases", _("`aliases`: %(slug)s is the slug of another asset"), line=alias.line, slug=text)
    elif stored.get(text, draft.row.pk) != draft.row.pk:
        draft.item.refuse(
            "aliases",
            _("`aliases`: %(slug)s is an alias of the asset %(other)s"),
            line=alias.line,
            slug=text,
            other=stored[text],
        )
    else:
        return True
    return False


def _text(value: Value) -> str:
    return value.written or ""
