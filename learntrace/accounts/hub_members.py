"""Who a JupyterHub's user is here: by name, in the one academy that the hub belongs to (design, "Identity and scope").

Names are compared as they are, letter by letter: of two that only look alike, neither may speak for the other.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.authentication import InactiveUser
from learntrace.accounts.models import Academy, Membership
from learntrace.accounts.roles import UPLOAD_ANY, permissions_from
from learntrace.core.errors import Forbidden, Unavailable

log = structlog.get_logger(__name__)

# One question for a whole group of names; no row at all means that there is no such academy.
FIND = """
SELECT a.id, a.status, u.username, u.id, u.is_active, u.language, m.role, m.status
  FROM accounts_academy a
  LEFT JOIN accounts_user u ON u.username = ANY(%s::text[])
  LEFT JOIN accounts_membership m ON m.user_id = u.id AND m.academy_id = a.id
 WHERE a.slug = %s
"""
# Of several that make the same user at once, in whichever processes, one does; the others wait for its commit and then
# find it. All take the names in one order, so that none waits for another that waits for it. A membership is for whom
# this very statement made: never for somebody who was there.
MAKE = """
WITH made AS (
    INSERT INTO accounts_user (username, password, first_name, last_name, email, is_active, is_staff, is_superuser,
                               date_joined, language)
    SELECT name, password, '', '', '', true, false, false, now(), ''
      FROM unnest(%s::text[], %s::text[]) AS new(name, password) ORDER BY name COLLATE "C"
    ON CONFLICT (username) DO NOTHING
    RETURNING id
)
INSERT INTO accounts_membership (user_id, academy_id, role, status, created_at)
SELECT id, %s, 'student', 'ACTIVE', now() FROM made
"""
_LONGEST_NAME = 150


class NoHubAcademy(Unavailable):
    """The operator's to mend, so the client keeps what it has."""

    reason = "hub-academy-missing"
    text = _(
        "The academy of this JupyterHub's users is not known. Whoever runs this server: set LEARNTRACE_HUB_ACADEMY to "
        "the slug of an academy"
    )

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "60"}


class HubUserUnfit(Forbidden):
    slug = "hub-user-name-unfit"
    text = _(
        "The JupyterHub user name can't be a user name here: it needs 1 to %(longest)s characters, all visible, and no "
        "blanks around them"
    )


class HubUserUnknown(Forbidden):
    slug = "hub-user-unknown"
    text = _("The JupyterHub user %(name)s is not known here")


class HubUserElsewhere(Forbidden):
    slug = "hub-user-of-another-academy"
    text = _("The user %(name)s here does not belong to the academy of this JupyterHub")


class HubMembershipInactive(Forbidden):
    slug = "hub-membership-inactive"
    text = _("The user %(name)s is no longer active in the academy of this JupyterHub")


class HubAcademyClosed(Forbidden):
    slug = "hub-academy-closed"

    def __init__(self, status: str) -> None:
        deleted = status == Academy.Status.DELETED
        super().__init__(_("This academy is deleted") if deleted else _("This academy is not active"))


@dataclass(frozen=True)
class HubMember:
    """Somebody of whom a hub vouches, as a member of the hub's academy and of no other."""

    user_id: int
    academy_id: int
    role: str
    language: str = ""

    @property
    def permissions(self) -> frozenset[str]:
        """What the role there permits, but nothing for others: the token lies open to whatever a notebook runs."""
        return permissions_from((), [self.role]) - {UPLOAD_ANY}


def unfit(name: str) -> bool:
    """Tell whether a hub's user name can be no user name of ours; blanks and signs within it can."""
    hidden = any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in name)
    return hidden or not 0 < len(name) <= _LONGEST_NAME or name != name.strip()


def sought(names: Iterable[str]) -> tuple[list[str], str]:
    """The parameters of FIND; a name that can't be one of ours isn't looked for, as it may hold what SQL can't."""
    return [name for name in names if not unfit(name)], settings.HUB_ACADEMY


class HubMembers:
    """What the database holds of some names, by the rows of FIND."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._academy: tuple[int, str] | None = None
        self._users: Mapping[str, tuple[Any, ...]] = {}
        rows = list(rows)
        if rows:
            self._academy = rows[0][:2]
            self._users = {row[2]: row[3:] for row in rows if row[2] is not None}

    def missing(self, names: Collection[str]) -> list[Any]:
        """The parameters of MAKE for those names whose users are to be made; [] for none."""
        if self._academy is None or self._academy[1] != Academy.Status.ACTIVE or not settings.HUB_CREATE_USERS:
            return []
        new = sorted({name for name in names if name not in self._users and not unfit(name)})
        return [new, [make_password(None) for _name in new], self._academy[0]] if new else []

    def user_id(self, name: str) -> int | None:
        """Whose name it is in the hub's academy, also where that user is refused; nobody's of another academy."""
        found = self._users.get(name)
        return found[0] if found and found[3] is not None else None

    def member(self, name: str) -> HubMember:
        """Return the member of that name, or raise the Problem that there is with it."""
        if self._academy is None:
            _say_once(settings.HUB_ACADEMY)
            raise NoHubAcademy
        academy_id, status = self._academy
        if status != Academy.Status.ACTIVE:
            raise HubAcademyClosed(status)
        if unfit(name):
            raise HubUserUnfit(longest=_LONGEST_NAME)
        if name not in self._users:
            raise HubUserUnknown(name=name)
        user_id, is_active, language, role, membership = self._users[name]
        if role is None:
            raise HubUserElsewhere(name=name)
        if not is_active:
            raise InactiveUser
        if membership != Membership.Status.ACTIVE:
            raise HubMembershipInactive(name=name)
        return HubMember(user_id, academy_id, role, language)


@cache
def _say_once(slug: str) -> None:
    log.error("LEARNTRACE_HUB_ACADEMY names no academy; users of JupyterHub can't send", slug=slug)


def find_hub_member(name: str) -> HubMember:
    """Return the member of that name in the hub's academy, made if need be, or raise the Problem that there is."""
    members = _find(name)
    if new := members.missing([name]):
        with connection.cursor() as cursor:
            cursor.execute(MAKE, new)
        members = _find(name)
    return members.member(name)


def _find(name: str) -> HubMembers:
    with connection.cursor() as cursor:
        cursor.execute(FIND, sought([name]))
        return HubMembers(cursor.fetchall())
