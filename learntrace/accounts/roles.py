"""Roles and their capabilities, as data; docs/reference/roles.md is generated from it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

UPLOAD_OWN = "upload_assignment_telemetry"
UPLOAD_ANY = "upload_any_telemetry"

# Every capability, with its purpose.
CAPABILITIES = {
    UPLOAD_OWN: "Send one's own telemetry",
    UPLOAD_ANY: "Send telemetry of others (services)",
    "read_assignment": "Read learners' tasks, telemetry and the webhook log",
    "crud_telemetry": "Correct telemetry, delete failed webhooks, edit the ignore rules",
    "read_asset": "Read the academy's assets with their statistics",
    "crud_asset": "Change assets, recompute their statistics",
    "get_academy_auth_settings": "Read the academy's settings",
    "crud_academy_auth_settings": "Change the academy's settings",
    "read_member": "Read the academy's people, their roles, addresses and cohorts",
    "crud_member": "Add, invite, import, archive and merge people, give roles, make cohorts",
    "crud_due_date": "Set due dates and extensions",
    "read_audit_log": "Read who did what at the academy, with values, names and network addresses",
}

# Capabilities that can also be granted to a user outside any role.
PERMISSIONS = (UPLOAD_OWN, UPLOAD_ANY)


@dataclass(frozen=True)
class Role:
    """A named set of capabilities that a membership gives within its academy."""

    slug: str
    name: str
    capabilities: frozenset[str]


_ASSISTANT = frozenset({"read_assignment", "read_asset"})
_TEACHER = _ASSISTANT | {
    "crud_telemetry",
    "crud_asset",
    "get_academy_auth_settings",
    "read_member",
    "crud_due_date",
}

ROLES = {
    role.slug: role
    for role in (
        Role("student", "Student", frozenset({UPLOAD_OWN})),
        Role("assistant", "Assistant", _ASSISTANT),
        Role("teacher", "Teacher", _TEACHER),
        Role("staff", "Staff (programs)", _TEACHER | {UPLOAD_ANY}),
        Role("admin", "Administrator", frozenset(CAPABILITIES)),
    )
}

# The roles whose members may be limited to cohorts. The others act for all of the academy: they send for anybody, and change
# its settings.
LIMITED_ROLES = ("assistant", "teacher")


def roles_with(capability: str) -> list[str]:
    """Return the roles that have a capability."""
    return [role.slug for role in ROLES.values() if capability in role.capabilities]


def permissions_from(granted: Collection[str], roles: Collection[str]) -> frozenset[str]:
    """Return the permissions from grants and roles together. UPLOAD_ANY includes UPLOAD_OWN."""
    by_role = {capability for role in roles if role in ROLES for capability in ROLES[role].capabilities}
    permissions = {name for name in PERMISSIONS if name in granted or name in by_role}
    return frozenset(permissions | {UPLOAD_OWN} if UPLOAD_ANY in permissions else permissions)


def served_academies(granted: Collection[str], held: Iterable[tuple[str, int]]) -> frozenset[int] | None:
    """Return the academies whose members' telemetry a user may send, from grants and (role, academy) pairs; None: all.

    A grant, which the installation's operator makes, counts everywhere; a role counts in its own academy only.
    """
    if UPLOAD_ANY in granted:
        return None
    return frozenset(academy for role, academy in held if role in ROLES and UPLOAD_ANY in ROLES[role].capabilities)
