"""The sections of a roster for academies, users, memberships, permissions, tokens and cohorts."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.hashers import make_password

from learntrace.accounts.academy_settings import GROUPS, checked, merge_settings, merged, settings_of
from learntrace.accounts.cohort_limits.changes import CohortElsewhere, RoleNotLimited
from learntrace.accounts.models import (
    Academy,
    Cohort,
    CohortLearner,
    Grant,
    Membership,
    Token,
    User,
    key_hash,
    key_prefix,
)
from learntrace.accounts.roles import LIMITED_ROLES
from learntrace.accounts.roster.file import Value
from learntrace.accounts.roster.items import Item, same_json
from learntrace.accounts.roster.plan import Draft, Plan, Roster, Section
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.signing_in.passwords import faults_of
from learntrace.accounts.tokens.strength import LONGEST, fault_of
from learntrace.core.errors import Problem

_GROUPS = "groups"
_COHORTS = "cohorts"


class Academies(Section[Academy]):
    """`settings: {learnpack_features: {...}}` and the like are merged over the stored ones, feature by feature, as by the
    API.
    """

    name = "academies"
    model = Academy
    columns = ("slug", "name", "status")
    identity = ("slug",)
    extras = ("settings",)
    names = ("slug",)

    def read(self, draft: Draft[Academy], roster: Roster) -> None:
        item = draft.item
        value = item.value("settings")
        settings = value.content if value else {}
        if not isinstance(settings, dict) or any(key not in GROUPS for key in settings):
            groups = ", ".join(f"{group}: {{...}}" for group in GROUPS)
            item.refuse("settings", _("`settings` must be {%(groups)s}"), groups=groups)
            return
        draft.extras[_GROUPS] = {
            group: features
            for group, given in settings.items()
            if (features := _features(item, group, given)) is not None
        }

    def complete(self, draft: Draft[Academy], roster: Roster) -> None:
        if draft.is_new:
            draft.values.setdefault("name", draft.values.get("slug"))

    def plan(self, items: Sequence[Item], roster: Roster) -> Plan[Academy]:
        plan = super().plan(items, roster)
        for draft in plan.drafts:
            groups = draft.extras.get(_GROUPS)
            if not groups:
                continue
            row = None if draft.is_new else settings_of(draft.row)
            stored = {group: getattr(row, group) if row else {} for group in groups}
            draft.touched = not all(
                same_json(merged(stored[group], groups[group], group), stored[group]) for group in groups
            )
        return plan

    def write(self, plan: Plan[Academy], roster: Roster) -> None:
        super().write(plan, roster)
        for draft in plan.drafts:
            if draft.touched:
                merge_settings(draft.row, draft.extras[_GROUPS])


def _features(item: Item, group: str, given: Value) -> dict[str, Any] | None:
    """Return a group's features in the form that is stored; None if there are none or they are refused."""
    if given.content is None:
        return None
    if not isinstance(given.content, dict):
        item.refuse("settings", _("`%(group)s` must be a mapping"), line=given.line, group=group)
        return None
    try:
        return checked(given.plain(), group)
    except (Problem, ValueError) as error:
        item.refuse("settings", "`%(group)s`: %(reason)s", line=given.line, group=group, reason=error)
        return None


class Users(Section[User]):
    """A user without a password can't sign in with one; a stored password that matches is kept.

    An entry without a user name is the user with its e-mail address, or a new one with the address as the user name.
    """

    name = "users"
    model = User
    columns = ("username", "email", "first_name", "last_name", "language", "is_active")
    identity = ("username",)
    extras = ("password",)
    names = ("username", "email")

    def wanted(self, item: Item, roster: Roster) -> None:
        super().wanted(item, roster)
        if not item.given("username"):
            roster.known[User].want(item.value("email"))

    def read(self, draft: Draft[User], roster: Roster) -> None:
        _name_by_address(draft, roster)
        password = draft.item.text("password")
        if password == "":
            draft.item.refuse("password", _("`password` must not be empty; leave it out where there is none"))
        elif password:
            for sentence in faults_of(password, _person(draft.item)):
                draft.item.refuse("password", "`%(key)s`: %(reason)s", reason=sentence)
        draft.extras["password"] = password

    def complete(self, draft: Draft[User], roster: Roster) -> None:
        password = draft.extras["password"]
        if password:
            stored = "" if draft.is_new else draft.row.password
            draft.values["password"] = roster.passwords.encoded(stored, password)
        elif draft.is_new:
            draft.values["password"] = make_password(None)

    def refuse_missing(self, item: Item, name: str) -> None:
        item.refuse(name, _("`username` or `email` is missing"))

    def refuse_double(self, draft: Draft[User], line: int) -> None:
        if draft.item.given("username"):
            super().refuse_double(draft, line)
        else:
            refuse_second_row(draft, line)


def refuse_second_row(draft: Draft[User], line: int) -> None:
    """Refuse a person whose address another line has: they are one person."""
    text = _("two rows for one person: line %(other)s has the same address, %(address)s")
    draft.item.refuse("email", text, other=line, address=draft.values["email"])


def _name_by_address(draft: Draft[User], roster: Roster) -> None:
    address = draft.values.get("email", "")
    if draft.item.given("username") or draft.item.given("id"):
        return
    if "email" in draft.item.refused:
        # The name would be the address: that it is missing is the same problem.
        draft.item.refused.add("username")
    if not address:
        return
    owners = [user for user in roster.known[User].rows.values() if user.email.lower() == address.lower()]
    if len(owners) > 1:
        draft.item.refuse("email", _("`%(key)s`: several have this address; give the user name"))
        draft.item.refused.add("username")
    else:
        draft.values["username"] = owners[0].username if owners else address.lower()[:150]
        # The address stays as its owner wrote it.
        draft.values["email"] = owners[0].email if owners else address


def _person(item: Item) -> User:
    """Return the user as the roster describes it, whose password must not look like its name."""
    names = {
        name: value.written
        for name in ("username", "email", "first_name", "last_name")
        if (value := item.value(name)) is not None
    }
    return User(**names)


class Memberships(Section[Membership]):
    """`cohorts` limits a teacher or an assistant to these; null lifts the limit, and without the key it stays as it is."""

    name = "memberships"
    model = Membership
    columns = ("role", "status")
    references = {"user": User, "academy": Academy}
    identity = ("user", "academy")
    extras = (_COHORTS,)
    has_ids = False

    def wanted(self, item: Item, roster: Roster) -> None:
        super().wanted(item, roster)
        for value in item.texts(_COHORTS):
            roster.known[Cohort].want(value)

    def read(self, draft: Draft[Membership], roster: Roster) -> None:
        item = draft.item
        if not item.given(_COHORTS):
            return
        named = item.texts(_COHORTS)
        if item.value(_COHORTS) is not None and not named:
            item.refuse(_COHORTS, _("`cohorts` must name a cohort; null lifts the limit"))
        draft.values["only_cohorts"] = bool(named)
        draft.extras[_COHORTS] = [cohort for value in named if (cohort := _cohort_of(draft, value, roster))]

    def complete(self, draft: Draft[Membership], roster: Roster) -> None:
        if draft.is_new:
            draft.values.setdefault("role", "student")
        role = draft.values.get("role", draft.row.role)
        if draft.values.get("only_cohorts", draft.row.only_cohorts) and role not in LIMITED_ROLES:
            draft.item.refuse(_COHORTS, RoleNotLimited().sentence())

    def plan(self, items: Sequence[Item], roster: Roster) -> Plan[Membership]:
        plan = super().plan(items, roster)
        for draft in plan.drafts:
            if _COHORTS in draft.extras and not draft.is_new:
                stored = set(draft.row.cohorts.values_list("pk", flat=True))
                draft.before[_COHORTS] = sorted(stored)
                draft.touched = {cohort.pk for cohort in draft.extras[_COHORTS]} != stored
        return plan

    def write(self, plan: Plan[Membership], roster: Roster) -> None:
        super().write(plan, roster)
        for draft in plan.drafts:
            if draft.extras.get(_COHORTS) or draft.touched:
                draft.row.cohorts.set(draft.extras[_COHORTS])


def _cohort_of(draft: Draft[Membership], value: Value, roster: Roster) -> Cohort | None:
    """Return the cohort that a membership's list names; None where that is refused."""
    item, academy = draft.item, draft.values.get("academy")
    found = roster.known[Cohort].find(value)
    if not found:
        if roster.known[Cohort].has_failed(value):
            item.refused.add(_COHORTS)
        else:
            item.refuse(
                _COHORTS,
                _("`cohorts`: there is no cohort %(name)s, neither in the file nor in the database"),
                line=value.line,
                name=(value.written or "")[:80],
            )
        return None
    cohort: Cohort = found[0]
    same = cohort.academy is academy if academy is None or academy.pk is None else cohort.academy_id == academy.pk
    if academy is not None and not same:
        item.refuse(_COHORTS, CohortElsewhere(cohort=cohort.slug).sentence(), line=value.line)
        return None
    return cohort


class Permissions(Section[Grant]):
    name = "permissions"
    model = Grant
    columns = ("permission",)
    references = {"user": User}
    identity = ("user", "permission")
    has_ids = False


class Tokens(Section[Token]):
    """Keys are stored as hash and prefix, and are never shown, not even in an error."""

    name = "tokens"
    model = Token
    columns = ("kind", "scope", "name", "expires_at")
    references = {"user": User}
    identity = ("key_hash",)
    required = ("user",)
    extras = ("key",)
    has_ids = False

    # 160 bits take at least 25 visible characters.
    LENGTHS = range(25, LONGEST + 1)

    def read(self, draft: Draft[Token], roster: Roster) -> None:
        item = draft.item
        key = item.text("key")
        if key is None:
            if "key" not in item.refused:
                item.refuse("key", _("`key` is missing"))
        elif fault := fault_of(key):
            item.refuse("key", "`%(key)s` %(fault)s", fault=fault)
        else:
            draft.values |= {"key_hash": key_hash(key), "prefix": key_prefix(key)}
        if "key" in item.refused:
            item.refused.add("key_hash")

    def _describe(self, draft: Draft[Token]) -> str:
        return _("this key")

    def complete(self, draft: Draft[Token], roster: Roster) -> None:
        """Give a new token its kind's lifetime; keep a stored key with its user."""
        user = draft.values.get("user")
        if draft.is_new:
            lifetime = Token.LIFETIMES.get(draft.values.get("kind", Token.Kind.PERMANENT))
            if lifetime and not draft.item.given("expires_at"):
                draft.values["expires_at"] = roster.now + lifetime
        elif user is not None and user.pk != draft.row.user_id:
            draft.item.refuse("key", _("this key belongs to another user; create a new one"))


class Cohorts(Section[Cohort]):
    name = "cohorts"
    model = Cohort
    columns = ("slug", "name", "starts_on", "ends_on")
    references = {"academy": Academy}
    identity = ("slug",)
    required = ("academy",)
    names = ("slug",)

    def complete(self, draft: Draft[Cohort], roster: Roster) -> None:
        starts_on = draft.values.get("starts_on", draft.row.starts_on)
        ends_on = draft.values.get("ends_on", draft.row.ends_on)
        if ends_on is not None and (starts_on is None or ends_on < starts_on):
            draft.item.refuse("ends_on", _("a cohort can't end before it starts"))
        if draft.is_new:
            draft.values.setdefault("name", draft.values.get("slug"))


class CohortLearners(Section[CohortLearner]):
    """Who is in a cohort, with or without tasks."""

    name = "cohort_learners"
    model = CohortLearner
    references = {"user": User, "cohort": Cohort}
    identity = ("user", "cohort")
    has_ids = False
