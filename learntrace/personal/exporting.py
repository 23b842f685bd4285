"""A user's data as a ZIP file: a file for each kind, and one that says what they are."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import IO

import msgspec
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from learntrace.accounts.models import User
from learntrace.core.cells import harmless
from learntrace.core.personal import Holding, Row, holdings

README = "README.txt"


def write_export(user: User, file: IO[bytes], language: str) -> Mapping[str, int]:
    """Write all that is held about the user into a ZIP file; returns how many rows of each kind.

    A row after the other, so that however much there is, little of it is in memory at a time. Nobody else's data is in
    it, and nothing that opens a door: no password, no key, no address that a notification goes to.
    """
    begun = timezone.now()
    counts: dict[str, int] = {}
    with translation.override(language), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for holding in holdings():
            write = _write_table if holding.table else _write_documents
            with archive.open(_entry(file_name(holding), begun), "w", force_zip64=True) as entry:
                counts[holding.name] = write(holding.rows(user.pk), entry)
        archive.writestr(_entry(README, begun), _readme(user, counts, begun))
    return counts


def file_name(holding: Holding) -> str:
    """The file of a kind: a table that spreadsheets open, or a JSON document in each line."""
    return f"{holding.name}.{'csv' if holding.table else 'jsonl'}"


def _entry(name: str, moment: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _write_documents(rows: Iterable[Row], entry: IO[bytes]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 (how many there were)
        entry.write(msgspec.json.encode(row) + b"\n")
    return count


def _write_table(rows: Iterator[Row], entry: IO[bytes]) -> int:
    first = next(rows, None)
    if first is None:
        return 0
    out = io.TextIOWrapper(entry, encoding="utf-8-sig", newline="", write_through=True)
    write = csv.writer(out)
    write.writerow(first)
    count = 0
    for count, row in enumerate(_with(first, rows), 1):  # noqa: B007 (how many there were)
        write.writerow([harmless(value) for value in row.values()])
    out.detach()
    return count


def _with(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _readme(user: User, counts: Mapping[str, int], moment: datetime) -> str:
    """What the files are, in the active language."""
    width = max(len(file_name(holding)) for holding in holdings())
    lines = [
        _("Learntrace: all that is held about %(name)s") % {"name": user.get_username()},
        moment.strftime("%Y-%m-%d %H:%M UTC"),
        "",
        _("Rows, file, what it is:"),
        *(f"{counts[one.name]:>9}  {file_name(one):<{width}}  {one.title}" for one in holdings()),
        "",
        _("Files that end in .csv are tables for a spreadsheet; a text that it would take for a formula has a ' before it."),
        _("Files that end in .jsonl have a JSON document in each line. All times are UTC, durations are seconds."),
        _("Not in it: your password and your keys, which nobody can read here either, and what is told of other people."),
    ]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"
