"""Find or create the user of a JupyterHub here: by name, in the hub's one academy.

Names are compared exactly: users whose names only look alike must not be taken for each other.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.authentication import InactiveUser
from learntrace.accounts.models import Academy, Membership
from learntrace.accounts.roles import UPLOAD_ANY, permissions_from
from learntrace.core.errors import Forbidden, Unavailable
from learntrace.core.sql import execute, fetch

log = structlog.get_logger(__name__)

# One query for a whole group of names; no row at all means that the academy doesn't exist.
FIND_USERS = """
WITH asked AS (SELECT unnest(%s::text[]) AS name)
SELECT a.id, a.status, named.name, u.id, u.is_active, u.language, m.role, m.status
  FROM accounts_academy a
  LEFT JOIN (SELECT asked.name, coalesce(known.id, merged.user_id) AS id
               FROM asked
               LEFT JOIN accounts_user known ON known.username = asked.name
               LEFT JOIN accounts_mergeduser merged ON merged.former_name = asked.name
              WHERE coalesce(known.id, merged.user_id) IS NOT NULL) AS named ON true
  LEFT JOIN accounts_user u ON u.id = named.id
  LEFT JOIN accounts_membership m ON m.user_id = u.id AND m.academy_id = a.id
 WHERE a.slug = %s
"""
# Of several transactions that create the same user at the same time, one does; the others wait for its commit and then find
# the user. All insert the names in one order, so that they can't deadlock. Memberships are only created for the users that
# this statement has created, never for existing ones.
CREATE_USERS = """
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
    """Only the operator can correct this, so the client keeps its events."""

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
    """A user identified by a hub, as a member of the hub's academy only."""

    user_id: int
    academy_id: int
    role: str
    language: str = ""

    @property
    def permissions(self) -> frozenset[str]:
        """The role's permissions without sending for others: any code that a notebook runs can read the token."""
        return permissions_from((), [self.role]) - {UPLOAD_ANY}


def is_unfit_name(name: str) -> bool:
    """Whether a hub's user name can't be a user name here; inner blanks and punctuation are allowed."""
    hidden = any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in name)
    return hidden or not 0 < len(name) <= _LONGEST_NAME or name != name.strip()


def find_parameters(names: Iterable[str]) -> tuple[list[str], str]:
    """Return the parameters of FIND_USERS; unfit names are left out, as SQL may not be able to hold them."""
    return [name for name in names if not is_unfit_name(name)], settings.HUB_ACADEMY


class HubMembers:
    """A hub's users by name, from the rows of FIND_USERS."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._academy: tuple[int, str] | None = None
        self._users: Mapping[str, tuple[Any, ...]] = {}
        rows = list(rows)
        if rows:
            self._academy = rows[0][:2]
            self._users = {row[2]: row[3:] for row in rows if row[2] is not None}

    def create_parameters(self, names: Collection[str]) -> list[Any]:
        """Return the parameters of CREATE_USERS for the names whose users are to be created; [] for none."""
        if self._academy is None or self._academy[1] != Academy.Status.ACTIVE or not settings.HUB_CREATE_USERS:
            return []
        new = sorted({name for name in names if name not in self._users and not is_unfit_name(name)})
        return [new, [make_password(None) for _name in new], self._academy[0]] if new else []

    def user_id(self, name: str) -> int | None:
        """Return the id of the member of the hub's academy with that name, even if that user is refused."""
        user = self._users.get(name)
        return user[0] if user and user[3] is not None else None

    def member(self, name: str) -> HubMember:
        """Return the member of that name, or raise the Problem for which it is refused."""
        if self._academy is None:
            _log_missing_academy(settings.HUB_ACADEMY)
            raise NoHubAcademy
        academy_id, status = self._academy
        if status != Academy.Status.ACTIVE:
            raise HubAcademyClosed(status)
        if is_unfit_name(name):
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
def _log_missing_academy(slug: str) -> None:
    log.error("LEARNTRACE_HUB_ACADEMY names no academy; users of JupyterHub can't send", slug=slug)


def find_hub_member(name: str) -> HubMember:
    """Return the member of that name in the hub's academy, created if necessary, or raise a Problem."""
    members = _find(name)
    if new := members.create_parameters([name]):
        execute(CREATE_USERS, new)
        members = _find(name)
    return members.member(name)


def _find(name: str) -> HubMembers:
    return HubMembers(fetch(FIND_USERS, find_parameters([name])))
