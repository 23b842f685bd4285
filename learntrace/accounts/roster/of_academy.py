"""A roster that an academy's admin imports: about the own people only, with the lists that are an admin's to change.

`adapt` completes and refuses entries before they are compared, `check` refuses what the comparison has found.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models.functions import Lower

from learntrace.accounts.models import Academy, Cohort, Membership, User
from learntrace.accounts.people.reach import beyond
from learntrace.accounts.roster.importing import HOOKS, Plans
from learntrace.accounts.roster.items import Problems
from learntrace.accounts.roster.plan import Draft, Roster, Section, refuse_id
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.references import chunks
from learntrace.accounts.roster.sections import (
    Academies,
    CohortLearners,
    Cohorts,
    Memberships,
    Users,
    refuse_second_row,
)
from learntrace.accounts.roster.values import Value


class _People(Users):
    """A password in the file is for new people only: that of an account is its owner's."""

    def complete(self, draft: Draft[User], roster: Roster) -> None:
        if not draft.is_new:
            draft.extras["password"] = None
        super().complete(draft, roster)


_SECTIONS: Final[tuple[Section[Any], ...]] = (
    Academies(),
    _People(),
    Cohorts(),
    CohortLearners(),
    Memberships(),
)
# Entries name their academy; what it is, isn't imported here.
_OPERATORS: Final = ("academies", "permissions", "tokens", "assets")
# What says who somebody is: another academy of theirs relies on it too.
_PERSON: Final = ("username", "email", "first_name", "last_name", "language", "is_active")


def sections() -> tuple[Section[Any], ...]:
    """Return the sections that an academy's admin imports: those of this room, and those that rooms above have added."""
    return (*_SECTIONS, *HOOKS.sections)


def names_of(academy: Academy) -> Mapping[str, str]:
    """Return the names by which files know an academy."""
    return {"slug": academy.slug, "name": academy.name, "id": str(academy.pk)}


def adapt(document: Value, academy: Academy, problems: Problems) -> Value:
    """Return the document with the academy in all of its entries that lack one, and a membership for each of its people."""
    if not isinstance(document.content, dict):
        return document
    known = {section.name for section in sections()} - {*_OPERATORS}
    lists: dict[str, Value] = {}
    for name, value in document.content.items():
        if name in known:
            lists[name] = value
        elif name in _OPERATORS:
            text = _("the list `%(name)s` is imported by whoever runs the server: learntrace roster import")
            problems.add(value.line, text, name=name)
        else:
            text = _("unknown list `%(name)s`; known are %(known)s")
            problems.add(value.line, text, name=name[:80], known=", ".join(sorted(known)))
    for name in ("memberships", "cohorts"):
        if name in lists:
            lists[name] = _in_academy(lists[name], academy, problems)
    lists = _with_memberships(lists, academy)
    return Value(document.line, _with_slugs(lists, academy))


def check(plans: Plans, academy: Academy, problems: Problems) -> None:
    """Note what an admin of the academy may not change, or what would make two people one, or one two."""
    people = [draft for plan in plans for draft in plan.drafts if isinstance(draft.row, User)]
    others = [draft for plan in plans for draft in plan.drafts if "user" in draft.values]
    ids = {draft.row.pk for draft in people if not draft.is_new} | {draft.values["user"].pk for draft in others}
    stored = _stored_people(sorted(ids - {None}), academy)
    for draft in people:
        _check_person(draft, stored)
    refused = {draft.row.pk for draft in people if draft.item.refused}
    for draft in others:
        if draft.values["user"].pk not in refused:
            _check_subject(draft, stored)
    _check_addresses(people, academy)
    for plan in plans:
        plan.section.refuse_others(plan.drafts, academy)
        for draft in plan.drafts:
            _check_id(draft)
            was = draft.before.get("academy", getattr(draft.row, "academy_id", None))
            if isinstance(draft.row, Cohort) and not draft.is_new and was != academy.pk:
                draft.item.refuse("slug", _("the slug %(slug)s is taken; choose another one"), slug=draft.row.slug)
            elif (cohort := draft.values.get("cohort")) is not None:
                _check_cohort(draft, cohort, academy)


def _in_academy(value: Value, academy: Academy, problems: Problems) -> Value:
    """Return a list with the academy in each entry; an entry of another academy is refused."""
    if not isinstance(value.content, list):
        return value
    own = {academy.slug, str(academy.pk), academy.name}
    here = Value(value.line, academy.pk, str(academy.pk))
    entries = []
    for entry in value.content:
        if isinstance(entry.content, dict):
            told = entry.content.get("academy")
            if told is not None and told.written is not None and told.written not in own:
                text = _("the academy %(other)s isn't yours: this import is for %(academy)s only")
                problems.add(told.line, text, other=told.written[:80], academy=academy.name)
            entries.append(Value(entry.line, {**entry.content, "academy": here}))
        else:
            entries.append(entry)
    return Value(value.line, entries)


def _with_memberships(lists: dict[str, Value], academy: Academy) -> dict[str, Value]:
    """Add a membership for each person of the file who has none in it."""
    users, memberships = lists.get("users"), lists.get("memberships")
    if users is None or not isinstance(users.content, list):
        return lists
    listed = memberships.content if memberships is not None and isinstance(memberships.content, list) else []
    if memberships is not None and not isinstance(memberships.content, list):
        return lists
    told = {_written(entry, "user") for entry in listed}
    here = Value(users.line, academy.pk, str(academy.pk))
    more = []
    for entry in users.content:
        names = {_written(entry, key) for key in ("username", "email", "id")} - {""}
        if isinstance(entry.content, dict) and names and not names & told:
            named = next(entry.content[key] for key in ("username", "email", "id") if _written(entry, key))
            more.append(Value(entry.line, {"user": named, "academy": here}))
    return {**lists, "memberships": Value(users.line, [*listed, *more])} if more or memberships is not None else lists


def _with_slugs(lists: dict[str, Value], academy: Academy) -> dict[str, Value]:
    """Let entries name the academy's cohorts by their names too."""
    value = lists.get("cohort_learners")
    if value is None or not isinstance(value.content, list):
        return lists
    rows = Cohort.objects.filter(academy=academy).order_by("archived_at", "-pk").values_list("name", "slug")
    by_name = {name.casefold(): slug for name, slug in rows}
    slugs = set(by_name.values())
    entries = []
    for entry in value.content:
        named = _written(entry, "cohort")
        slug = by_name.get(named.casefold())
        if slug is not None and named not in slugs and isinstance(entry.content, dict):
            entry = Value(entry.line, {**entry.content, "cohort": Value(entry.line, slug, slug)})
        entries.append(entry)
    return {**lists, "cohort_learners": Value(value.line, entries)}


def _written(entry: Value, key: str) -> str:
    value = entry.content.get(key) if isinstance(entry.content, dict) else None
    return (value.written or "") if value is not None else ""


def _stored_people(ids: Sequence[int], academy: Academy) -> dict[int, tuple[bool, bool]]:
    """Return of stored users whether they belong to the academy, and whether they act beyond it."""
    found: dict[int, tuple[bool, bool]] = dict.fromkeys(ids, (False, False))
    for chunk in chunks(ids):
        members = Membership.objects.filter(user__in=chunk, academy=academy).values_list("user_id", flat=True)
        others = User.objects.filter(beyond(academy), pk__in=chunk).values_list("pk", flat=True)
        here, elsewhere = set(members), set(others)
        found |= {user_id: (user_id in here, user_id in elsewhere) for user_id in chunk}
    return found


def _check_person(draft: Draft[User], stored: Mapping[int, tuple[bool, bool]]) -> None:
    item = draft.item
    if draft.is_new:
        return
    here, elsewhere = stored[draft.row.pk]
    if not here:
        key = "username" if item.given("username") or item.given("id") else "email"
        text = _("%(name)s belongs to somebody outside your academy: invite them, or use another user name")
        item.refuse(key, text, name=item.text(key) or item.text("id") or "")
    elif changed := sorted(draft.changed & set(_PERSON)):
        if elsewhere:
            text = _("%(name)s also has a role outside this academy: only they can change `%(columns)s`")
            item.refuse(changed[0], text, name=draft.row.username, columns=", ".join(changed))
        elif "is_active" in changed:
            item.refuse(
                "is_active", _("`%(key)s` is for whoever runs the server; use `status: INACTIVE` in `memberships`")
            )


def _check_addresses(people: Sequence[Draft[User]], academy: Academy) -> None:
    """Refuse an address that two people of the file have, or that somebody else has already."""
    lines: dict[str, tuple[int, str]] = {}
    wanted: dict[str, Draft[User]] = {}
    for draft in people:
        address = (draft.row.email or "").lower()
        if not address or "email" in draft.item.refused:
            continue
        if address in lines and lines[address][1] != draft.row.username:
            refuse_second_row(draft, lines[address][0])
        lines.setdefault(address, (draft.item.line, draft.row.username))
        if draft.is_new or "email" in draft.changed:
            wanted[address] = draft
    for chunk in chunks(wanted):
        owners = User.objects.alias(lower=Lower("email")).filter(lower__in=chunk)
        here = set(
            Membership.objects.filter(academy=academy, user__in=owners.values("pk")).values_list("user", flat=True)
        )
        for owner in owners:
            draft = wanted[owner.email.lower()]
            if owner.pk == draft.row.pk or draft.item.refused:
                continue
            text = (
                _("%(name)s already has the address %(address)s: use that user name, or merge the two")
                if owner.pk in here
                else _("the address %(address)s is taken by somebody outside your academy: invite them")
            )
            draft.item.refuse("email", text, address=owner.email, name=owner.username)


def _check_id(draft: Draft[Any]) -> None:
    """Refuse an id that nothing has: the numbers after it would be the next ones of all academies, up to the last there is."""
    if draft.is_new and draft.id:
        refuse_id(draft)


def _check_cohort(draft: Draft[Any], cohort: Cohort, academy: Academy) -> None:
    if cohort.academy_id not in (None, academy.pk):
        text = _("`%(key)s`: there is no %(what)s %(name)s, neither in the file nor in the database")
        draft.item.refuse("cohort", text, what=_("cohort"), name=cohort.slug)


def _check_subject(draft: Draft[Any], stored: Mapping[int, tuple[bool, bool]]) -> None:
    """Refuse an entry about somebody who is neither at the academy nor new in the file."""
    user = draft.values["user"]
    if user is None or user.pk is None or stored[user.pk][0] or "user" in draft.item.refused:
        return
    text = _("%(name)s belongs to somebody outside your academy: invite them, or use another user name")
    draft.item.refuse("user", text, name=user.username)
