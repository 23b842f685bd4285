"""The register of personal fields: each column of each table, whether it holds something personal, and if so what for.

`register_tables.py` has the data; a test holds it against the database, so that a new column must be entered. The reference
page and the page of what is stored about oneself are made from it, and export and erasure are held against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kept(StrEnum):
    """How long something is kept."""

    HOUR = "hour"
    ACCOUNT = "account"
    ERASED = "erased"
    ACADEMY = "academy"
    DAYS = "days"
    AUDIT = "audit"
    SOON = "soon"
    DAY = "day"
    SESSION = "session"
    FOR_GOOD = "for good"
    NOT_WRITTEN = "not written"


class SeenBy(StrEnum):
    """Who sees something, the operator of the server aside, who can read everything."""

    OWN = "own"
    STAFF = "staff"
    ADMINS = "admins"
    OPERATOR = "operator"


KEPT: Mapping[Kept, Promise] = {
    Kept.HOUR: _("An hour"),
    Kept.ACCOUNT: _("As long as the account"),
    Kept.ERASED: _("Until the person erases their data"),
    Kept.ACADEMY: _("As long as the academy keeps what they belong to"),
    Kept.DAYS: _("30 days, or as set on this server; earlier if it is erased"),
    Kept.AUDIT: _("Two years, or as set on this server"),
    Kept.SOON: _("Until they have been processed, usually a few seconds"),
    Kept.DAY: _("A day at most"),
    Kept.SESSION: _("Two weeks after the last sign-in"),
    Kept.FOR_GOOD: _("For good"),
    Kept.NOT_WRITTEN: _("Nothing is written there any more"),
}
SEEN_BY: Mapping[SeenBy, Promise] = {
    SeenBy.OWN: _("The person"),
    SeenBy.STAFF: _("The person and the staff of their academies"),
    SeenBy.ADMINS: _("The person and the administrators of their academies"),
    SeenBy.OPERATOR: _("Only whoever runs the server"),
}


@dataclass(frozen=True)
class Table:
    """A table's columns, the personal ones and the others, with what the personal ones are for.

    `datasets` are those of the export and the erasure that hold the rows; without one, `why` says why not.
    """

    name: str
    others: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    purpose: str | Promise = ""
    kept: Kept | None = None
    seen_by: SeenBy | None = None
    datasets: tuple[str, ...] = ()
    why: str = ""


def impersonal(name: str, columns: str) -> Table:
    """Return a table that holds nothing about people."""
    return Table(name, tuple(columns.split()))


def personal(
    name: str,
    columns: str,
    others: str,
    purpose: str | Promise,
    kept: Kept,
    seen_by: SeenBy,
    *datasets: str,
    why: str = "",
) -> Table:
    """Return a table with something about people."""
    return Table(name, tuple(others.split()), tuple(columns.split()), purpose, kept, seen_by, datasets, why)


def register() -> Mapping[str, Table]:
    """Return all tables by their names."""
    from learntrace.personal.register_tables import TABLES

    return {table.name: table for table in TABLES}


def tables_of(dataset: str) -> list[Table]:
    """Return the tables whose rows a dataset holds."""
    return [table for table in register().values() if dataset in table.datasets]
