"""Read people from a table that a spreadsheet has saved: one person a line, with the columns named in the first one.

Excel saves with commas, semicolons or tabs, after the language of the computer, and may begin with a line such as `sep=;`.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from learntrace.accounts.roles import LIMITED_ROLES
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.values import RosterFileError, Value, scalar

USER_COLUMNS = ("id", "username", "email", "first_name", "last_name", "password", "language")
MEMBERSHIP_COLUMNS = ("academy", "role")
COHORT = "cohort"
COLUMNS = (*USER_COLUMNS, *MEMBERSHIP_COLUMNS, COHORT)
_DELIMITERS = ",;\t|"
_MOST_COLUMNS = 100
_MOST_TOLD = 10
# The names of columns as people write them, without spaces, hyphens and underscores.
_ALSO = {
    "user": "username", "login": "username", "usuario": "username", "nombredeusuario": "username", "username": "username",
    "mail": "email", "email": "email", "emailaddress": "email", "correo": "email", "correoelectronico": "email",
    "correoelectrónico": "email", "firstname": "first_name", "givenname": "first_name", "nombre": "first_name",
    "lastname": "last_name", "surname": "last_name", "familyname": "last_name", "apellido": "last_name",
    "apellidos": "last_name", "contraseña": "password", "idioma": "language", "lang": "language", "academia": "academy",
    "rol": "role", "cohorte": "cohort", "group": "cohort", "grupo": "cohort", "class": "cohort", "clase": "cohort",
    "cohorts": "cohort", "cohortes": "cohort",
}  # fmt: skip


@dataclass
class _People:
    """The sections of a file, with the first line of each person."""

    users: dict[str, Value] = field(default_factory=dict)
    again: list[Value] = field(default_factory=list)
    memberships: list[Value] = field(default_factory=list)
    places: dict[tuple[str, str], Value] = field(default_factory=dict)
    # The teachers and assistants with a cohort.
    unlimited: set[str] = field(default_factory=set)

    def take(self, cells: dict[str, Value], line: int) -> None:
        """Take one line's cells."""
        user = Value(line, {name: cells[name] for name in USER_COLUMNS if name in cells})
        named = cells.get("username") or cells.get("email")
        name = named.written if named is not None else None
        if name is None or name not in self.users:
            self.users[name or f"\0{line}"] = user
        elif self.users[name].plain() != user.plain() or not ("academy" in cells or COHORT in cells):
            self.again.append(user)  # the section's check for duplicates names both lines
        if named is None and "id" not in cells:
            return  # nobody: told of the person alone, and not of the role and the cohorts too
        member = {"user": named or Value(line, None)}
        if "academy" in cells or "role" in cells:
            told = {key: cells[key] for key in MEMBERSHIP_COLUMNS if key in cells}
            self.memberships.append(Value(line, member | told))
        cohorts = _listed(cells.get(COHORT))
        if cohorts and "role" in cells and cells["role"].written in LIMITED_ROLES:
            self.unlimited.add(name or "")
        for cohort in cohorts:
            self.places.setdefault((name or "", cohort.written or ""), Value(line, {**member, "cohort": cohort}))

    def document(self) -> Value:
        """Return what was taken as the sections of a roster."""
        sections = {
            "users": Value(1, [*self.users.values(), *self.again]),
            "memberships": Value(1, self.memberships),
        }
        if self.places:
            sections["cohort_learners"] = Value(1, list(self.places.values()))
        return Value(1, sections)

    def notes(self) -> list[str]:
        """Return a sentence where somebody may think that the file limits what a member sees."""
        text = _(
            "Teachers and assistants with a cohort: %(count)s. The file adds them to it; it doesn't limit which learners they "
            "see. Set that limit on each one's page under People."
        )
        return [text % {"count": len(self.unlimited)}] if self.unlimited else []


def read_csv(text: str, *, at_home: bool = False) -> tuple[Value, list[str]]:
    """Read people, one a line, as users and, where the line tells an academy, a role or cohorts, what they are there.

    A person of several academies or cohorts may have several lines that differ in these only. `at_home`: the file is for one
    academy, which needs no column. Returned with sentences about what the file doesn't do.

    Raises RosterFileError.
    """
    people = _People()
    columns: list[str] | None = None
    for line, row in rows_of(text):
        if columns is None:
            columns = _columns([named(name) for name in row], line, at_home=at_home)
        elif cells := _cells(columns, row, line):
            people.take(cells, line)
    if columns is None:
        _columns([], 1, at_home=at_home)
    return people.document(), people.notes()


def rows_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table with their lines, whatever separates their cells.

    Raises RosterFileError.
    """
    first, _newline, rest = text.partition("\n")
    skipped = 0
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        delimiter, text, skipped = first.strip()[4], rest, 1
    else:
        delimiter = delimiter_of(first)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            yield rows.line_num + skipped, row
    except csv.Error as error:
        raise RosterFileError(
            rows.line_num + skipped, _("this isn't valid CSV: %(reason)s") % {"reason": error}
        ) from error


def delimiter_of(line: str) -> str:
    """Return the character that separates the cells of a table, from its first line: the most frequent one, else a comma."""
    return max(_DELIMITERS, key=lambda sign: (line.count(sign), sign == ","))


def named(heading: str) -> str:
    """Return the name of a column that a heading means; the heading itself where it means none."""
    name = heading.strip().lower()
    return name if name in COLUMNS else _ALSO.get(name.translate({ord(sign): None for sign in " -_."}), name)


def _columns(names: list[str], line: int, *, at_home: bool) -> list[str]:
    if len(names) > _MOST_COLUMNS:
        raise RosterFileError(line, _("the first line names more than %(limit)s columns") % {"limit": _MOST_COLUMNS})
    if unknown := [name for name in names if name and name not in COLUMNS]:
        # All at once: who corrects one heading should not meet the next one with the next upload.
        told, known = [name[:80] for name in unknown[:_MOST_TOLD]], ", ".join(COLUMNS)
        if len(told) == 1:
            text = _("unknown column `%(column)s`; a learner's columns are %(known)s")
            raise RosterFileError(line, text % {"column": told[0], "known": known})
        text = _("unknown columns `%(columns)s`; a learner's columns are %(known)s")
        raise RosterFileError(line, text % {"columns": "`, `".join(told), "known": known})
    if doubled := [name for name in names if name and names.count(name) > 1]:
        raise RosterFileError(line, _("the column `%(column)s` appears twice") % {"column": doubled[0]})
    if "username" not in names and "email" not in names:
        raise RosterFileError(line, _("the first line must name the columns, `username` or `email` among them"))
    if "role" in names and "academy" not in names and not at_home:
        raise RosterFileError(line, _("a column `role` needs a column `academy` beside it"))
    return names


def _cells(columns: list[str], row: list[str], line: int) -> dict[str, Value]:
    """Return the non-empty cells; an empty cell leaves its column unspecified."""
    if len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
        problem = _("%(found)s cells, but the first line names %(named)s columns")
        raise RosterFileError(line, problem % {"found": len(row), "named": len(columns)})
    cells = {}
    for name, cell in zip(columns, row, strict=False):
        text = cell if name == "password" else cell.strip()
        if not name and text:
            raise RosterFileError(line, _("a cell without a column: %(cell)s") % {"cell": text[:80]})
        if text:
            number = name == "id" and text.isascii() and text.isdigit() and len(text) < 20
            cells[name] = scalar(line, int(text) if number else text, text)
    return cells


def _listed(cell: Value | None) -> list[Value]:
    """Return the names in a cell that may hold several, separated by `|` or a semicolon."""
    if cell is None or cell.written is None:
        return []
    names = [name.strip() for name in cell.written.replace(";", "|").split("|")]
    return [Value(cell.line, name, name) for name in names if name]
