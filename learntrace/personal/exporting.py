"""Export a user's data as a ZIP file: a file for each dataset, and a README."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import IO

import msgspec
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from learntrace.accounts.audit.actions import DATA_EXPORTED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import User
from learntrace.core.csv_cells import escape_cell
from learntrace.core.personal_data import PersonalDataset, Row, registered_datasets

README = "README.txt"


def write_export(user: User, file: IO[bytes], language: str) -> Mapping[str, int]:
    """Write all personal data of the user into a ZIP file; return how many rows of each dataset.

    Rows are streamed, so that memory stays small. The file holds no other users' data and no secrets: no password, no key,
    no destination of a notification.
    """
    begun = timezone.now()
    counts: dict[str, int] = {}
    with translation.override(language), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for dataset in registered_datasets():
            write = _write_table if dataset.table else _write_documents
            with archive.open(_entry(file_name(dataset), begun), "w", force_zip64=True) as entry:
                counts[dataset.name] = write(dataset.rows(user.pk), entry)
        archive.writestr(_entry(README, begun), _readme(user, counts, begun))
    record(DATA_EXPORTED, object_id=user.pk, subject_id=user.pk)
    return counts


def file_name(dataset: PersonalDataset) -> str:
    """Return a dataset's file name: a CSV table for spreadsheets, or one JSON document per line."""
    return f"{dataset.name}.{'csv' if dataset.table else 'jsonl'}"


def _entry(name: str, moment: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _write_documents(rows: Iterable[Row], entry: IO[bytes]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 (the number of rows)
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
    for count, row in enumerate(_with(first, rows), 1):  # noqa: B007 (the number of rows)
        write.writerow([escape_cell(value) for value in row.values()])
    out.detach()
    return count


def _with(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _readme(user: User, counts: Mapping[str, int], moment: datetime) -> str:
    """Return a description of the files, in the active language."""
    width = max(len(file_name(dataset)) for dataset in registered_datasets())
    lines = [
        _("Learntrace: all that is held about %(name)s") % {"name": user.get_username()},
        moment.strftime("%Y-%m-%d %H:%M UTC"),
        "",
        _("Rows, file, what it is:"),
        *(
            f"{counts[dataset.name]:>9}  {file_name(dataset):<{width}}  {dataset.title}"
            for dataset in registered_datasets()
        ),
        "",
        _(
            "Files that end in .csv are tables for a spreadsheet; a text that it would take for a formula has a ' before it."
        ),
        _("Files that end in .jsonl have a JSON document in each line. All times are UTC, durations are seconds."),
        _(
            "Not in it: your password and your keys, which nobody can read here either, and what is told of other people."
        ),
    ]
    return "\r\n".join(lines) + "\r\n"
