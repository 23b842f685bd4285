"""Roles and what each may do, as data; docs/reference/roles.md is made from it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

UPLOAD_OWN = "upload_assignment_telemetry"
UPLOAD_ANY = "upload_any_telemetry"

# Every capability, with what it opens.
CAPABILITIES = {
    UPLOAD_OWN: "Send one's own telemetry",
    UPLOAD_ANY: "Send telemetry of others (services)",
    "read_assignment": "Read learners' tasks, telemetry and the webhook log",
    "crud_telemetry": "Correct telemetry, delete failed webhooks, edit the ignore rules",
    "read_asset": "Read the academy's assets with their statistics",
    "crud_asset": "Change assets, recompute their statistics",
    "get_academy_auth_settings": "Read the academy's settings",
    "crud_academy_auth_settings": "Change the academy's settings",
}

# Those that can also be granted to a user outside any role.
PERMISSIONS = (UPLOAD_OWN, UPLOAD_ANY)


@dataclass(frozen=True)
class Role:
    """A named set of capabilities that a membership gives within its academy."""

    slug: str
    name: str
    capabilities: frozenset[str]


_ASSISTANT = frozenset({"read_assignment", "read_asset"})
_TEACHER = _ASSISTANT | {"crud_telemetry", "crud_asset", "get_academy_auth_settings"}

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


def roles_with(capability: str) -> list[str]:
    """The roles that carry a capability."""
    return [role.slug for role in ROLES.values() if capability in role.capabilities]


def permissions_from(granted: Collection[str], roles: Collection[str]) -> frozenset[str]:
    """The permissions that grants and roles add up to. Who may send anybody's telemetry may send."""
    carried = {capability for role in roles if role in ROLES for capability in ROLES[role].capabilities}
    held = {name for name in PERMISSIONS if name in granted or name in carried}
    return frozenset(held | {UPLOAD_OWN} if UPLOAD_ANY in held else held)


def served_academies(granted: Collection[str], held: Iterable[tuple[str, int]]) -> frozenset[int] | None:
    """The academies whose members' telemetry a user may send, from grants and (role, academy) pairs; None: everybody's.

    A grant is made by whoever runs the installation; a role counts in its own academy only.
    """
    if UPLOAD_ANY in granted:
        return None
    return frozenset(academy for role, academy in held if role in ROLES and UPLOAD_ANY in ROLES[role].capabilities)
