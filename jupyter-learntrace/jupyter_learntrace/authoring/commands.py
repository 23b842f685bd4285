"""What each of the commands does, from its options to its exit code."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from ..tags import fits_lesson, lesson_of
from .change import Change, ChangedNotebook
from .check import check_course, read_all
from .course import Course, read_course
from .course_list import read_course_list
from .diff import unified
from .document import Document
from .errors import Misuse, Refusal, Refusals
from .finding import ERROR
from .fix import fixed
from .language import _
from .listing import listing, tagged_cells
from .notebooks import counting_order, find_notebooks
from .publish import Publication, difference, publications, send
from .report import report
from .selection import describe
from .server import Rejected, Server, server_of
from .storing import Replacement, replace_files
from .tagging import Request, tag_notebooks, untag_notebooks


def tag(options: Namespace) -> int:
    requests = _requests(options)
    if any(request.cell is None or request.tag is None for request in requests):
        raise Misuse(_("give each --cell its --tag"))
    made = tag_notebooks(requests, _course(options, requests), replace=options.replace)
    for notebook in made:
        for change in notebook.changes:
            if change.new and not fits_lesson(change.new, notebook.document.path):
                lesson = lesson_of(notebook.document.path)
                told = _("note: %(tag)s doesn't name the notebook's lesson, %(lesson)s", tag=change.new, lesson=lesson)
                print(f"{notebook.document.path}: {told}", file=sys.stderr)
    return _finish(made, options)


def untag(options: Namespace) -> int:
    return _finish(untag_notebooks(_requests(options)), options)


def list_(options: Namespace) -> int:
    documents, findings = read_all(find_notebooks(options.places, options.exclude))
    sys.stdout.write(listing(documents, options.format))
    if findings:
        raise Refusals([Refusal(finding.text, finding.path, finding.line, finding.column) for finding in findings])
    return 0


def check(options: Namespace) -> int:
    paths = find_notebooks(options.places, options.exclude)
    documents, unread = read_all(paths)
    if options.fix:
        made = fixed(documents)
        changes = [notebook for notebook in made if notebook.changes]
        # Nothing but the report may stand where a program reads it.
        _store(made, options, sys.stdout if options.format == "text" else sys.stderr)
        if changes and not options.dry_run:
            documents, unread = read_all(paths)
    findings = sorted([*unread, *check_course(documents)], key=lambda finding: counting_order(finding.path))
    sys.stdout.write(report(findings, len(paths), options.format))
    return int(any(finding.severity == ERROR for finding in findings))


def publish(options: Namespace) -> int:
    paths = find_notebooks(options.places, options.exclude)
    if len(paths) > 1 and (options.slug or options.title):
        raise Misuse(_("--slug and --title are for one notebook"))
    documents, unread = read_all(paths)
    errors = [finding for finding in (*unread, *check_course(documents)) if finding.severity == ERROR]
    if errors:
        sys.stderr.write(report(errors, len(paths), "text"))
        if not options.force:
            print(_("Nothing was published; correct the errors, or use --force."), file=sys.stderr)
            return 1
    # A notebook that is named itself is told even without tags: they may have been taken from it.
    named = {Path(place) for place in options.places}
    told = [document for document in documents if document.path in named or tagged_cells(document)]
    made = publications(told, options.root, slug=options.slug, title=options.title, lang=options.lang)
    for document in documents:
        if document not in told:
            print(f"{document.path}: {_('no cell is tagged, so there is nothing to publish')}")
    server = server_of(options.url, options.academy)
    return _dry_run(made, server) if options.dry_run else _publish(made, server)


def _publish(made: Sequence[Publication], server: Server) -> int:
    failed = False
    for one in made:
        try:
            send(one, server)
        except Refusals as refusals:
            failed = True
            print(refusals, file=sys.stderr)
            continue
        count = len(one.cells)
        told = _("published as %(slug)s; assignments: %(count)s", slug=one.slug, count=count)
        print(f"{one.document.path}: {told}")
    return int(failed)


def _dry_run(made: Sequence[Publication], server: Server) -> int:
    for one in made:
        print(f"{one.document.path}: PUT {server.address(one.slug)}")
        print(json.dumps(one.body, ensure_ascii=False, indent=2))
        try:
            told = difference(one, server)
        except Rejected as rejected:
            detail = _("Learntrace says no (%(status)s): %(detail)s", status=rejected.status, detail=rejected.detail)
            raise Refusal(detail, one.document.path) from None
        print(told or _("Learntrace has just this already."))
    return 0


def _requests(options: Namespace) -> list[Request]:
    if options.list is not None:
        if options.notebook is not None or options.cell or options.tag:
            raise Misuse(_("either --from, or a notebook with --cell and --tag"))
        rows = read_course_list(options.list)
        return [Request(_found(row.notebook, options.list), row.cell, row.tag, options.list, row.line) for row in rows]
    if options.notebook is None:
        raise Misuse(_("name a notebook, or a list with --from"))
    if not options.cell and not options.tag:
        raise Misuse(_("name a cell with --cell, and a tag with --tag"))
    if options.cell and options.tag and len(options.cell) != len(options.tag):
        raise Misuse(_("give each --cell its --tag"))
    return [Request(options.notebook, cell, tag) for cell, tag in zip_longest(options.cell, options.tag)]


def _found(notebook: str, course_list: Path) -> Path:
    """A list's notebook: from the list's folder, else from here."""
    beside = course_list.parent / notebook
    return Path(notebook) if not beside.exists() and Path(notebook).exists() else beside


def _course(options: Namespace, requests: Sequence[Request]) -> Course:
    """The notebooks among which a tag has to be unique: those of --course, else of the folders that are touched."""
    if options.course:
        paths = find_notebooks(options.course)
    else:
        folders = {request.notebook.parent for request in requests}
        paths = [path for folder in sorted(folders) for path in sorted(folder.glob("*.ipynb")) if path.is_file()]
    course = read_course(paths)
    asked = {request.notebook.resolve() for request in requests}
    for refusal in course.unread:
        if refusal.path is not None and refusal.path.resolve() not in asked:
            print(_("note: not looked at, as it can't be read: %(refusal)s", refusal=refusal), file=sys.stderr)
    return course


def _finish(made: Sequence[ChangedNotebook], options: Namespace) -> int:
    _store(made, options, sys.stdout)
    if not any(notebook.changes for notebook in made):
        print(_("Nothing to change."))
    return 0


def _store(made: Sequence[ChangedNotebook], options: Namespace, to: TextIO) -> None:
    """Write what has changed, unless it is only to be shown; then say what."""
    changes = [notebook for notebook in made if notebook.text != notebook.document.text]
    if not options.dry_run:
        replace_files(
            [Replacement(one.document.path, one.document.text.encode(), one.text.encode()) for one in changes]
        )
    for one in changes:
        for change in one.changes:
            print(f"{one.document.path}: {_said(one.document, change)}", file=to)
        if options.dry_run or options.diff:
            to.write(unified(one.document.path.as_posix(), one.document.text, one.text))
    if options.dry_run and changes:
        print(_("Nothing was written."), file=to)


def _said(document: Document, change: Change) -> str:
    cell = describe(document.cells[change.cell])
    if change.old is not None and change.new is not None:
        return f"{cell}: {change.old} -> {change.new}"
    return f"{cell}: - {change.old}" if change.old is not None else f"{cell}: + {change.new}"
