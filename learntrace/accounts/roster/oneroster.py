"""Read OneRoster 1.1 CSV, which student information systems export: a ZIP file, or one of its tables.

People become users with a membership, classes become cohorts, and enrollments put learners into these. What the product has no
place for (parents, courses, results) is left out, and said. https://www.imsglobal.org/oneroster-v11-final-csv-tables
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.text import slugify

from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.spreadsheet import rows_of
from learntrace.accounts.roster.values import LineOf, RosterFileError, Value, scalar

TABLES: Final = ("orgs", "users", "classes", "enrollments", "academicSessions")
ROLES: Final[Mapping[str, str]] = {
    "student": "student", "teacher": "teacher", "aide": "assistant", "proctor": "assistant", "administrator": "admin",
}  # fmt: skip
# Unpacked bytes: what a packed file of some kilobytes can become is limited.
_MOST_UNPACKED: Final = 64 * 1024 * 1024
_MOST_FILES: Final = 100
_GONE: Final = "tobedeleted"
Text = Callable[[bytes], tuple[str, str]]
Row = Mapping[str, str]


@dataclass
class _Tables:
    """The rows of each table, with their lines."""

    rows: dict[str, list[tuple[int, Row]]] = field(default_factory=dict)

    def of(self, table: str) -> Iterator[tuple[int, Row]]:
        yield from self.rows.get(table, ())


def looks_like_oneroster(text: str) -> bool:
    """Whether a table has the first column that all tables of OneRoster begin with."""
    return text.lstrip("\ufeff").partition("\n")[0].replace('"', "").lower().startswith("sourcedid")


def read_zip(data: bytes, text_of: Text, schools: Mapping[str, str]) -> tuple[Value, list[str]]:
    """Read the tables in a ZIP file; `text_of` decodes one, and says how where it had to guess.

    Raises RosterFileError.
    """
    texts: dict[str, str] = {}
    notes: list[str] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_FILES or sum(entry.file_size for entry in entries) > _MOST_UNPACKED:
                raise RosterFileError(None, _("the ZIP file unpacks to more than a roster can be"))
            for entry in entries:
                name = entry.filename.rpartition("/")[2]
                if _table_named(name) is not None and not name.startswith("."):
                    with archive.open(entry) as file:
                        content = file.read(_MOST_UNPACKED + 1)
                    texts[name], note = text_of(content)
                    notes += [f"{name}: {note}"] if note else []
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        text = _("the ZIP file can't be unpacked: it is damaged or encrypted, or isn't a ZIP file")
        raise RosterFileError(None, text) from error
    if not texts:
        wanted = ", ".join(f"{table}.csv" for table in TABLES[:4])
        raise RosterFileError(
            None, _("the ZIP file has none of the tables of OneRoster: %(tables)s") % {"tables": wanted}
        )
    document, more = read_oneroster(texts, schools)
    return document, [*notes, *more]


def read_oneroster(texts: Mapping[str, str], schools: Mapping[str, str]) -> tuple[Value, list[str]]:
    """Read tables by the names of their files; return the sections of a roster, and what was left out.

    `schools` are the names of the academy that it is for.

    Raises RosterFileError.
    """
    tables = _Tables()
    for name, text in texts.items():
        table = _table_named(name) or _table_like(text)
        if table is not None:
            tables.rows[table] = list(_rows(name if len(texts) > 1 else "", text))
    reader = _Reader(tables, schools)
    return reader.document(), reader.notes()


def _table_named(name: str) -> str | None:
    stem = name.rpartition(".")[0].lower()
    return next((table for table in TABLES if table.lower() == stem), None)


def _table_like(text: str) -> str | None:
    """Return which table a file with another name holds, by its columns."""
    head = text.lstrip("\ufeff").partition("\n")[0].lower()
    marks = {
        "enrollments": "usersourcedid",
        "users": "givenname",
        "classes": "classcode",
        "academicSessions": "startdate",
    }
    return next((table for table, mark in marks.items() if mark in head), "orgs" if "name" in head else None)


def _rows(file: str, text: str) -> Iterator[tuple[int, Row]]:
    names: list[str] | None = None
    for line, cells in rows_of(text):
        place = LineOf(line, file) if file else line
        if names is None:
            names = [cell.strip().lower() for cell in cells]
            if not names or names[0] != "sourcedid":
                raise RosterFileError(place, _("a table of OneRoster begins with the column sourcedId"))
        elif any(cell.strip() for cell in cells):
            yield place, dict(zip(names, (cell.strip() for cell in cells), strict=False))


class _Reader:
    """Turns the tables into the sections of a roster."""

    def __init__(self, tables: _Tables, schools: Mapping[str, str]) -> None:
        self._tables = tables
        self._schools = {name.casefold() for name in schools.values()}
        self._prefix = schools.get("slug", "")
        self._skipped: dict[str, int] = {}
        # The user names of people, and the slugs of classes, by their ids in the file.
        self._names: dict[str, str] = {}
        self._cohorts: dict[str, str] = {}
        self._known = {table: {row["sourcedid"] for _line, row in tables.of(table)} for table in ("users", "classes")}

    def document(self) -> Value:
        school = self._school()
        users, memberships = self._people(school)
        cohorts = self._classes(school)
        sections = {"users": users, "memberships": memberships, "cohorts": cohorts, "cohort_learners": self._places()}
        return Value(1, {name: Value(1, values) for name, values in sections.items() if values})

    def notes(self) -> list[str]:
        """Return sentences about what was left out."""
        # A stored sentence has one form for all numbers: so the number stands behind its noun.
        texts = {
            "role": _("Parents and relatives left out: %(count)s."),
            "school": _("Rows of other schools left out: %(count)s."),
            "ended": _("Rows left out because the file marks them as deleted: %(count)s."),
            "teaching": _(
                "Enrollments of teachers left out: %(count)s. A teacher sees the whole academy unless limited to cohorts."
            ),
        }
        return [texts[reason] % {"count": count} for reason, count in sorted(self._skipped.items())]

    def _skip(self, reason: str) -> None:
        self._skipped[reason] = self._skipped.get(reason, 0) + 1

    def _school(self) -> str | None:
        """Return the id of the school that is the academy; None where the file has one school at most.

        Raises RosterFileError.
        """
        rows = [(line, row) for line, row in self._tables.of("orgs") if row.get("type", "school").lower() == "school"]
        if len(rows) < 2:
            return None
        for _line, row in rows:
            if {row.get(key, "").casefold() for key in ("name", "identifier", "sourcedid")} & self._schools:
                return row["sourcedid"]
        names = ", ".join(row.get("name", "") for _line, row in rows[:5])
        text = _("none of the file's schools is this academy: %(names)s. Export this academy alone")
        raise RosterFileError(rows[0][0], text % {"names": names[:200]})

    def _people(self, school: str | None) -> tuple[list[Value], list[Value]]:
        users, memberships = [], []
        for line, row in self._tables.of("users"):
            role = row.get("role", "").lower()
            if school is not None and school not in _listed(row.get("orgsourcedids", "")):
                self._skip("school")
            elif role in ("parent", "guardian", "relative"):
                self._skip("role")
            else:
                name = row.get("username") or row.get("email") or row.get("identifier") or ""
                person = {
                    "username": name,
                    "email": row.get("email", ""),
                    "first_name": row.get("givenname", ""),
                    "last_name": row.get("familyname", ""),
                }
                users.append(_entry(line, person))
                self._names[row["sourcedid"]] = name
                away = row.get("status", "").lower() == _GONE or row.get("enableduser", "true").lower() == "false"
                member = {"user": name, "role": ROLES.get(role, role), "status": "INACTIVE" if away else ""}
                memberships.append(_entry(line, member))
        return users, memberships

    def _classes(self, school: str | None) -> list[Value]:
        terms = {row["sourcedid"]: row for _line, row in self._tables.of("academicSessions")}
        taken: dict[str, int] = {}
        cohorts = []
        for line, row in self._tables.of("classes"):
            if school is not None and row.get("schoolsourcedid") != school:
                self._skip("school")
                continue
            if row.get("status", "").lower() == _GONE:
                self._skip("ended")
                continue
            title = row.get("title") or row.get("classcode") or row["sourcedid"]
            slug = slugify(f"{self._prefix} {row.get('classcode') or title}")[:140] or slugify(row["sourcedid"])
            number = taken[slug] = taken.get(slug, 0) + 1
            slug = slug if number == 1 else f"{slug}-{number}"
            self._cohorts[row["sourcedid"]] = slug
            term = next((terms[name] for name in _listed(row.get("termsourcedids", "")) if name in terms), {})
            dates = {"starts_on": _day(term.get("startdate", "")), "ends_on": _day(term.get("enddate", ""))}
            cohorts.append(_entry(line, {"slug": slug, "name": title[:150], **dates}))
        return cohorts

    def _places(self) -> list[Value]:
        places: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
        for line, row in self._tables.of("enrollments"):
            user, cohort = row.get("usersourcedid", ""), row.get("classsourcedid", "")
            if row.get("status", "").lower() == _GONE:
                self._skip("ended")
            elif row.get("role", "student").lower() != "student":
                self._skip("teaching")
            elif not self._tables.rows.get("users") or not self._tables.rows.get("classes"):
                text = _("enrollments name people and classes by ids of their own: upload the ZIP file with all tables")
                raise RosterFileError(line, text)
            elif self._is_left_out(user, cohort):
                self._skip("school")
            else:
                # The section of these entries says which of the two there isn't.
                told = {"user": self._names.get(user, user), "cohort": self._cohorts.get(cohort, cohort)}
                places.setdefault((user, cohort), (line, told))
        return [_entry(line, told) for line, told in places.values()]

    def _is_left_out(self, user: str, cohort: str) -> bool:
        """Whether the file has both, but one of them was left out."""
        known = user in self._known["users"] and cohort in self._known["classes"]
        return known and not (user in self._names and cohort in self._cohorts)


def _entry(line: int, cells: Mapping[str, Any]) -> Value:
    return Value(line, {name: scalar(line, text, text) for name, text in cells.items() if text})


def _listed(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(",") if name.strip()]


def _day(text: str) -> str:
    return text if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else ""
