"""Joining assets, and the groups to which they already belong, into translation groups."""

from collections import defaultdict

from learntrace.accounts.roster.plan import Plan
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.references import RowIndex
from learntrace.registry.models import Asset, TranslationGroup

_GROUP = "translation_group"


class _DisjointSets:
    """Union-find: nodes that have been joined, directly or not, have the same root."""

    def __init__(self) -> None:
        self._parents: dict[object, object] = {}

    def root(self, node: object) -> object:
        while (parent := self._parents.setdefault(node, node)) != node:
            self._parents[node] = node = self._parents[parent]
        return node

    def join(self, node: object, other: object) -> None:
        self._parents[self.root(node)] = self.root(other)


def plan_translations(plan: Plan[Asset], known: RowIndex[Asset]) -> None:
    """Put each asset, its declared translations and their translations into one group: the oldest of their groups."""
    sets = _DisjointSets()
    for row in known.loaded():
        if row.translation_group_id:
            sets.join(id(row), ("group", row.translation_group_id))
    declared = set()
    for draft in plan.drafts:
        for value in draft.extras["translations"]:
            other = known.named(value.written or "")
            if other is None and not known.has_failed(value):
                text = _("`translations`: there is no asset %(slug)s, neither in the file nor in the database")
                draft.item.refuse("translations", text, line=value.line, slug=value.written)
            elif other is not None:
                sets.join(id(draft.row), id(other))
                declared.add(id(draft.row))
    members: dict[object, list[Asset]] = defaultdict(list)
    for row in known.loaded():
        members[sets.root(id(row))].append(row)
    for root in {sets.root(node) for node in declared}:
        if len(members[root]) > 1:
            _join(plan, members[root])


def _join(plan: Plan[Asset], rows: list[Asset]) -> None:
    groups = sorted({row.translation_group_id for row in rows if row.translation_group_id})
    group = TranslationGroup(pk=groups[0]) if groups else TranslationGroup()
    if not groups:
        plan.before.append(group.save)
    if groups[1:]:
        read = {row.pk for row in rows}
        rows = [*rows, *Asset.objects.filter(translation_group_id__in=groups[1:]).exclude(pk__in=read)]
        plan.after.append(TranslationGroup.objects.filter(pk__in=groups[1:], assets__isnull=True).delete)
    drafts = {id(draft.row): draft for draft in plan.drafts}
    for row in rows:
        if group.pk is not None and row.translation_group_id == group.pk:
            continue
        row.translation_group = group
        if id(row) in drafts:
            drafts[id(row)].changed.add(_GROUP)
        else:
            plan.others[row.pk] = (row, {_GROUP})
