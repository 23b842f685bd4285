"""What the audit log's page calls fields and values: in the reader's language, and with the names of today."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import LEARNPACK
from learntrace.accounts.audit.queries import Told
from learntrace.accounts.models import Academy, Cohort, Membership, MergedUser, Token, User
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.labels import LABELS
from learntrace.core.time_zones import day_and_time, day_with_year
from learntrace.dashboard.components.labels import language_name
from learntrace.dashboard.health.ignore_form import TITLES as IGNORE_LISTS
from learntrace.dashboard.people.words import ROLES
from learntrace.dashboard.settings.catalogue import SETTINGS
from learntrace.dashboard.settings.notifications import DIGESTS
from learntrace.learnpack.ignore.academy_rules import FEATURE as IGNORE
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import titles_of
from learntrace.registry.models import Asset
from learntrace.signals.models import ConcernAct, NotificationRule, Signal
from learntrace.signals.notifications.failures import SENTENCES

# Characters of a value on the page; the CSV file and the API have all of it.
_MOST_SHOWN: Final = 300
# What fields are called that are no column of a table, and those of which the column's name says too little.
_FIELDS: Final[Mapping[str, str | Promise]] = {
    "academies": _("academies"),
    "act": _("action"),
    "admin": _("administrator"),
    "app": _("authenticator app"),
    "archived": pgettext_lazy("cohort", "archived"),
    "assignments": _("assignments"),
    "by_mail": _("for an e-mail address"),
    "cohort_id": _("cohort"),
    "cohort_learners": _("places in cohorts"),
    "command": _("command"),
    "created": pgettext_lazy("rows", "created"),
    "days": _("valid for (days)"),
    "digest_minutes": _("how often"),
    "factor": _("second factor"),
    "failed": _("failed"),
    "file": _("file"),
    "first": _("first id"),
    "first_name": _("first name"),
    "ends_on": _("last day"),
    "erases_at": _("will be erased"),
    "expires_at": _("valid until"),
    "import": _("import"),
    "into": _("record that stays"),
    "kept": _("kept because of later changes"),
    "lang": _("language"),
    "last": _("last id"),
    "last_name": _("last name"),
    "learners": _("learners"),
    "memberships": _("roles"),
    "merged": _("merged record"),
    "new": _("step"),
    "number": _("id of the action"),
    "of": _("what was read"),
    "old": _("former step"),
    "old_ends_at": _("the old key ends"),
    "passkey": _("passkey"),
    "passkeys": _("passkeys"),
    "password": _("password"),
    "prefix": _("first characters"),
    "put in": pgettext_lazy("people", "added"),
    "rejected": _("reason of the rejection"),
    "rows": _("rows"),
    "rules": _("rules"),
    "scope": _("allows"),
    "sent_to": _("sent to"),
    "session": _("session"),
    "sessions": _("sessions"),
    "standing": _("exclusions in force"),
    "taken out": pgettext_lazy("people", "removed"),
    "starts_on": _("first day"),
    "tasks": _("tasks"),
    "tokens": _("keys"),
    "unchanged": pgettext_lazy("rows", "unchanged"),
    "updated": pgettext_lazy("rows", "changed"),
    "username": _("user name"),
    "users": _("people"),
    "weekly": _("weekly summary by mail"),
    f"{LEARNPACK}.{IGNORE}": _("Ignore rules"),
    **IGNORE_LISTS,
}
# Settings are called as on their page, and so are their values.
_SETTINGS: Final = {f"{setting.group}.{setting.feature}": setting for setting in SETTINGS.values()}
# What the end of sign-ins calls each of them (`accounts.signing_in.sessions`).
_SESSION: Final = re.compile(r"session (?P<id>\d+)")
# What an import of a roster calls the role, the cohorts and the password of a member (`accounts.roster.recording`).
_OF_MEMBER: Final = re.compile(r"(?P<what>role|cohorts|password) of user (?P<id>\d+)")
_WHAT_OF_MEMBER: Final[Mapping[str, str | Promise]] = {
    "role": _("role of %(name)s"),
    "cohorts": _("cohorts of %(name)s"),
    "password": _("password of %(name)s"),
}
# The values that have words, by field.
_VALUES: Final[Mapping[str, Mapping[Any, str | Promise]]] = {
    "act": dict(ConcernAct.What.choices),
    "channel": dict(NotificationRule.Channel.choices),
    "digest_minutes": dict(DIGESTS),
    "factor": {"app": _("authenticator app"), "passkey": _("passkey")},
    "kind": dict(Token.Kind.choices),
    "least_severity": dict(Signal.Severity.choices),
    "outcome": {**SENTENCES, "sent": pgettext_lazy("message", "sent")},
    "role": ROLES,
    "scope": dict(TokenScope.choices),
    "state": dict(Signal.State.choices),
    "status": dict(Membership.Status.choices),
}
# The fields whose values are ids, one or several; where `learners` is a number, it is how many there are.
_PEOPLE: Final = frozenset(
    ("admin", "assignee", "helped_by", "into", "learners", "merged", "put in", "taken out", "user")
)
_COHORTS: Final = frozenset(("cohort", "cohort_id", "cohorts"))
_ASSETS: Final = frozenset(("asset",))
# Those whose values are the key of an assignment.
_ASSIGNMENTS: Final = frozenset(("assignment", "new", "of", "old"))


@dataclass(frozen=True)
class Names:
    """The names of what fields and values have the ids of, and the titles of assignments by key."""

    people: Mapping[int, str] = field(default_factory=dict)
    cohorts: Mapping[int, str] = field(default_factory=dict)
    assets: Mapping[int, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


def names_in(academy: Academy, entries: Iterable[Told]) -> Names:
    """Return the names of what these entries of an academy have by id or key; five queries, none without any."""
    people, cohorts, assets, keys = set[int](), set[int](), set[int](), set[str]()
    for change in (change for entry in entries for change in entry.changes):
        of_member = _OF_MEMBER.fullmatch(change.field)
        if of_member:
            people.add(int(of_member["id"]))
        for value in (change.before, change.after):
            if change.field in _ASSIGNMENTS and isinstance(value, str):
                keys.add(value)
            elif change.field in _PEOPLE and (isinstance(value, list) or change.field != "learners"):
                people.update(_ids(value))
            elif _names_cohorts(change.field):
                cohorts.update(_ids(value))
            elif change.field in _ASSETS:
                assets.update(_ids(value))
    users = {user.pk: user.display_name for user in User.objects.filter(pk__in=people)} if people else {}
    gone = people - users.keys()
    merged = MergedUser.objects.filter(former_id__in=gone).values_list("former_id", "former_name") if gone else ()
    rows = Cohort.objects.filter(pk__in=cohorts) if cohorts else ()
    named = Asset.objects.filter(pk__in=assets).values_list("pk", "title", "slug") if assets else ()
    return Names(
        people={**dict(merged), **users},
        cohorts={row.pk: row.name for row in rows},
        assets={pk: title or slug for pk, title, slug in named},
        titles=titles_of(academy.pk, keys) if keys else {},
    )


def _names_cohorts(name: str) -> bool:
    of_member = _OF_MEMBER.fullmatch(name)
    return name in _COHORTS or (of_member is not None and of_member["what"] == "cohorts")


def _ids(value: object) -> list[int]:
    """Return the ids that a value is or lists."""
    return [one for one in (value if isinstance(value, list) else [value]) if type(one) is int]


def _by_id(name: str, value: int | list[Any], names: Names) -> Mapping[int, str] | None:
    """Return the names by id of what a field has the ids of."""
    if name in _PEOPLE:
        return names.people if isinstance(value, list) or name != "learners" else None
    if _names_cohorts(name):
        return names.cohorts
    return names.assets if name in _ASSETS else None


def field_words(name: str, names: Names) -> str:
    """Return what a field is called where that has a word, else its name."""
    if name in _FIELDS:
        return str(_FIELDS[name])
    if of_member := _OF_MEMBER.fullmatch(name):
        person = names.people.get(int(of_member["id"])) or gettext("user %(id)s") % {"id": of_member["id"]}
        return str(_WHAT_OF_MEMBER[of_member["what"]]) % {"name": person}
    if session := _SESSION.fullmatch(name):
        return gettext("session %(id)s") % {"id": session["id"]}
    if name in _SETTINGS:
        return str(_SETTINGS[name].title)
    words = name.replace("_", " ")
    return gettext(words) if words in LABELS else name


def value_words(name: str, value: object, names: Names) -> str:
    """Return a value as people write it, and no more of it than a line of the page has room for."""
    text = _told(name, value, names)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _told(name: str, value: object, names: Names) -> str:
    named = _named(name, value, names)
    if named is not None:
        return named
    of_member = _OF_MEMBER.fullmatch(name)
    match value:
        case bool() if name in _SETTINGS:
            return str(_SETTINGS[name].control.words(value))
        case str() if name == "lang":
            return language_name(value)
        case str() if of_member and of_member["what"] == "role":
            return _role_words(value)
        case list() if name == "assignments" and all(_is_cell(one) for one in value):
            return "; ".join(_cell_words(*one) for one in value)
        case str() | int() if not isinstance(value, bool) and value in _VALUES.get(name, {}):
            return str(_VALUES[name][value])
        case str():
            return _dated(value)
    return _words(value, names)


def _named(name: str, value: object, names: Names) -> str | None:
    """Return what a value has the ids or the key of, by name; None if it has none."""
    if name in _ASSIGNMENTS and isinstance(value, str):
        return names.titles.get(value) or value.removeprefix(PREFIX)
    if isinstance(value, bool) or not isinstance(value, int | list):
        return None
    by_id = _by_id(name, value, names)
    if by_id is None:
        return None
    return ", ".join(_name(one, by_id) for one in (value if isinstance(value, list) else [value]))


def _name(one: object, by_id: Mapping[int, str]) -> str:
    return (by_id.get(one) if isinstance(one, int) else None) or str(one)


def _dated(text: str) -> str:
    """Return a moment or a day as people write it, and another text as it is."""
    if (at := _moment(text)) is not None:
        return day_and_time(timezone.localtime(at))
    return day_with_year(day) if (day := _day(text)) is not None else text


def _moment(text: str) -> Any:
    """Return the moment that a text is, None if it is another text."""
    try:
        at = parse_datetime(text) if "T" in text else None
    except ValueError:
        return None
    return at if at is not None and timezone.is_aware(at) else None


def _day(text: str) -> date | None:
    """Return the day that a text is, such as 2027-01-31; None if it is another text."""
    try:
        return parse_date(text) if len(text) == len("2027-01-31") else None
    except ValueError:
        return None


def _is_cell(value: object) -> bool:
    """Whether a value is an assignment of a published notebook: tag, title, cell id, and whether a cell checks it."""
    return isinstance(value, list) and len(value) == 4 and all(isinstance(one, str) for one in value[:3])


def _cell_words(tag: str, title: str, cell_id: str, checked: object) -> str:
    values = {"title": title or tag, "tag": tag, "cell": cell_id}
    if checked:
        return gettext("%(title)s (%(tag)s, cell %(cell)s, checked)") % values
    return gettext("%(title)s (%(tag)s, cell %(cell)s)") % values


def _role_words(value: str) -> str:
    """Return a role with its status as an import records it, such as `admin (ACTIVE)`, in words."""
    role, _blank, status = value.partition(" ")
    return f"{ROLES.get(role, role)} ({_VALUES['status'].get(status.strip('()'), status)})"


def _words(value: object, names: Names) -> str:
    """Return a value of a document as people write it: a list with commas, fields with colons, truth in words."""
    match value:
        case None:
            return ""
        case bool():
            return gettext("yes") if value else gettext("no")
        case list():
            between = "; " if any(isinstance(one, list | dict) for one in value) else ", "
            return between.join(_words(one, names) for one in value)
        case dict():
            return "; ".join(
                f"{field_words(str(name), names)}: {_told(str(name), one, names)}" for name, one in value.items()
            )
        case _:
            return str(value)
