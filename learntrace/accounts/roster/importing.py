"""Compare a roster with the database and write the differences: the one way in, for the command and for the pages.

Rooms above add what follows from their rows (`HOOKS`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg.errors
from django.db import IntegrityError, connection
from django.utils import timezone

from learntrace.accounts.memberships import LastAdmin, keeping_an_admin
from learntrace.accounts.roster.admins import academies_without_an_admin
from learntrace.accounts.roster.items import Item, Problems
from learntrace.accounts.roster.passwords import PasswordBook
from learntrace.accounts.roster.plan import Plan, Roster, Section
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.recording import record_import
from learntrace.accounts.roster.references import RowIndex
from learntrace.accounts.roster.values import Value

Plans = Sequence[Plan[Any]]
# Two imports at the same time would both create what neither finds.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace roster', 0))"


@dataclass
class Hooks:
    """What rooms above do: `sections` for the pages, besides this room's; `checks` note problems of plans without any;
    `before` runs before a section is written, by its name; `after` after all are; `committed` after the commit.
    """

    sections: list[Section[Any]] = field(default_factory=list)
    checks: list[Callable[[Plans, Problems], None]] = field(default_factory=list)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    after: list[Callable[[Plans], None]] = field(default_factory=list)
    committed: list[Callable[[], object]] = field(default_factory=list)


HOOKS = Hooks()


@dataclass(frozen=True)
class Comparison:
    """The plans of all sections, and the problems of the file."""

    plans: list[Plan[Any]]
    roster: Roster

    @property
    def problems(self) -> Problems:
        return self.roster.problems


def compare(
    document: Value,
    passwords: PasswordBook,
    sections: Sequence[Section[Any]],
    check: Callable[[Plans, Problems], None] | None = None,
) -> Comparison:
    """Plan every section in the open transaction; nothing is written. `check` notes further problems."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    roster = Roster(timezone.now(), passwords)
    for section in sections:
        if section.names:
            roster.known[section.model] = RowIndex(section.model, section.names)
    items = _items(document, sections, roster.problems)
    for section in sections:
        for item in items[section.name]:
            section.wanted(item, roster)
    for known in roster.known.values():
        known.load()
    plans = [section.plan(items[section.name], roster) for section in sections]
    if check is not None:
        check(plans, roster.problems)
    if not roster.problems.noted:
        for hook in HOOKS.checks:
            hook(plans, roster.problems)
    return Comparison(plans, roster)


def write(comparison: Comparison, academy_id: int | None = None) -> None:
    """Write the plans in the open transaction, and record it; `academy_id`: all of it belongs to one academy.

    Raises LastAdmin.
    """
    with keeping_an_admin():
        for plan in comparison.plans:
            if (hook := HOOKS.before.get(plan.section.name)) is not None:
                hook()
            plan.section.write(plan, comparison.roster)
    record_import(comparison.plans, academy_id)
    for after in HOOKS.after:
        after(comparison.plans)


def last_admin_problem(comparison: Comparison) -> LastAdmin | None:
    """Return the refusal that writing the plans would end in."""
    names = academies_without_an_admin(comparison.plans)
    return LastAdmin(academy=names[0]) if names else None


def is_clash(error: Exception) -> bool:
    """Whether another transaction created the same rows, or locked them in another order: then compare again."""
    return isinstance(error, IntegrityError) or isinstance(error.__cause__, psycopg.errors.DeadlockDetected)


def _items(document: Value, sections: Sequence[Section[Any]], problems: Problems) -> dict[str, list[Item]]:
    """Return the entries of each section; a value that is no list of entries is noted as a problem."""
    items: dict[str, list[Item]] = {section.name: [] for section in sections}
    known = ", ".join(items)
    if not isinstance(document.content, dict):
        problems.add(document.line, _("a roster must be a mapping with the lists %(known)s"), known=known)
        return items
    for name, value in document.content.items():
        if name not in items:
            problems.add(value.line, _("unknown list `%(name)s`; known are %(known)s"), name=name[:80], known=known)
        elif value.content is not None and not isinstance(value.content, list):
            problems.add(value.line, _("`%(name)s` must be a list"), name=name)
    for section in sections:
        listed = document.content.get(section.name)
        entries = listed.content if listed and isinstance(listed.content, list) else []
        items[section.name] = [Item(section.name, entry, section.keys(), problems) for entry in entries]
    return items
