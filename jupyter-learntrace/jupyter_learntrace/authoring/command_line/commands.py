"""The commands: each takes its options and returns its exit code."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from jupyter_learntrace.authoring.checking.check import check_course, read_all
from jupyter_learntrace.authoring.checking.finding import ERROR, Finding
from jupyter_learntrace.authoring.checking.fix import fix_course
from jupyter_learntrace.authoring.checking.report import report
from jupyter_learntrace.authoring.course.course_list import read_course_list
from jupyter_learntrace.authoring.course.find_notebooks import find_notebooks, natural_order
from jupyter_learntrace.authoring.course.listing import listing, tagged_cells
from jupyter_learntrace.authoring.course.selection import describe
from jupyter_learntrace.authoring.course.tags_in_use import Course, read_course
from jupyter_learntrace.authoring.course.test_cells import tests_of
from jupyter_learntrace.authoring.errors import Misuse, Refusal, Refusals
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.change import Change, ChangedNotebook
from jupyter_learntrace.authoring.notebook_text.diff import unified
from jupyter_learntrace.authoring.notebook_text.document import Document
from jupyter_learntrace.authoring.notebook_text.file_replacement import Replacement, replace_files
from jupyter_learntrace.authoring.paired_text.writing import PairedText, changed_texts
from jupyter_learntrace.authoring.publishing.publish import Publication, difference, make_publications, send
from jupyter_learntrace.authoring.publishing.server import Rejected, Server, server_of
from jupyter_learntrace.authoring.tagging import Request, tag_notebooks, untag_notebooks
from jupyter_learntrace.tags import check_of, checked_by, fits_lesson, is_check, lesson_of


def tag(options: Namespace) -> int:
    if options.from_nbgrader:
        return _tag_tests(options)
    requests = _requests(options)
    if any(request.cell is None or request.tag is None for request in requests):
        raise Misuse(_("give each --cell its --tag"))
    notebooks = tag_notebooks(requests, _course(options, requests), replace=options.replace)
    for notebook in notebooks:
        for change in notebook.changes:
            named = change.new and (checked_by(change.new) if is_check(change.new) else change.new)
            if named and not fits_lesson(named, notebook.document.path):
                lesson = lesson_of(notebook.document.path)
                text = _("note: %(tag)s doesn't name the notebook's lesson, %(lesson)s", tag=change.new, lesson=lesson)
                print(f"{notebook.document.path}: {text}", file=sys.stderr)
    return _finish(notebooks, options)


def _tag_tests(options: Namespace) -> int:
    """Offer the test cells of nbgrader and otter as check cells; change them once the author agrees."""
    if options.notebook is None or options.cell or options.tag or options.list is not None:
        raise Misuse(_("--from-nbgrader takes a notebook or a folder, and neither cells nor tags"))
    documents, unread = read_all(find_notebooks([str(options.notebook)]))
    for refusal in map(_refusal, unread):
        print(_("note: skipped, as it can't be read: %(refusal)s", refusal=refusal), file=sys.stderr)
    requests = []
    for document in documents:
        for test in tests_of(document):
            cell = document.cells[test.cell]
            if test.problem:
                print(f"{document.path}: {describe(cell)}: {test.sign}: {test.problem}")
            else:
                print(f"{document.path}: {describe(cell)}: {test.sign}: + {check_of(test.assignment)}")
                requests.append(Request(document.path, f"index:{test.cell}", check_of(test.assignment)))
    if not requests:
        print(_("Nothing to change."))
        return 0
    if not options.dry_run and not options.yes and not _agreed():
        print(_("Nothing was written."))
        return 1
    return _finish(tag_notebooks(requests, _course(options, requests), replace=False), options)


def _agreed() -> bool:
    """Ask the author; without a terminal the answer is no."""
    if not sys.stdin.isatty():
        print(_("Use --yes to write this."), file=sys.stderr)
        return False
    return input(_("Tag these cells? [y/N]") + " ").strip().lower() in ("y", "yes", "s", "sí", "si")


def untag(options: Namespace) -> int:
    return _finish(untag_notebooks(_requests(options)), options)


def list_(options: Namespace) -> int:
    documents, findings = read_all(find_notebooks(options.places, options.exclude))
    sys.stdout.write(listing(documents, options.format))
    if findings:
        raise Refusals(list(map(_refusal, findings)))
    return 0


def _refusal(finding: Finding) -> Refusal:
    return Refusal(finding.text, finding.path, finding.line, finding.column)


def check(options: Namespace) -> int:
    paths = find_notebooks(options.places, options.exclude)
    documents, unread = read_all(paths)
    if options.fix:
        notebooks = fix_course(documents)
        # Standard output is for the report alone where a program reads it.
        _store(notebooks, options, sys.stdout if options.format == "text" else sys.stderr)
        if any(notebook.changes for notebook in notebooks) and not options.dry_run:
            documents, unread = read_all(paths)
    findings = sorted([*unread, *check_course(documents)], key=lambda finding: natural_order(finding.path))
    sys.stdout.write(report(findings, len(paths), options.format))
    return int(any(finding.severity == ERROR for finding in findings))


def publish(options: Namespace) -> int:
    paths = find_notebooks(options.places, options.exclude)
    if len(paths) > 1 and (options.slug or options.title):
        raise Misuse(_("--slug and --title are for one notebook"))
    documents, unread = read_all(paths)
    wrong = [finding for finding in check_course(documents) if finding.severity == ERROR]
    if unread or wrong:
        sys.stderr.write(report([*unread, *wrong], len(paths), "text"))
        # A file that is no notebook keeps the others from nothing.
        if not options.force and (wrong or not documents):
            print(_("Nothing was published; correct the errors, or use --force."), file=sys.stderr)
            return 1
    # A notebook that is named itself is published even without tags: they may have been removed from it.
    named = {Path(place) for place in options.places}
    published = [document for document in documents if document.path in named or tagged_cells(document)]
    publications = make_publications(published, options.root, slug=options.slug, title=options.title, lang=options.lang)
    for document in documents:
        if document not in published:
            print(f"{document.path}: {_('no cell is tagged, so there is nothing to publish')}")
    server = server_of(options.url, options.academy)
    code = _dry_run(publications, server) if options.dry_run else _publish(publications, server)
    return code or int(bool(unread) and not options.force)


def _publish(publications: Sequence[Publication], server: Server) -> int:
    failed = False
    for publication in publications:
        try:
            send(publication, server)
        except Refusals as refusals:
            failed = True
            print(refusals, file=sys.stderr)
            continue
        count = len(publication.cells)
        text = _("published as %(slug)s; assignments: %(count)s", slug=publication.slug, count=count)
        print(f"{publication.document.path}: {text}")
    return int(failed)


def _dry_run(publications: Sequence[Publication], server: Server) -> int:
    for publication in publications:
        path = publication.document.path
        print(f"{path}: PUT {server.url(publication.slug)}")
        print(json.dumps(publication.body, ensure_ascii=False, indent=2))
        try:
            diff = difference(publication, server)
        except Rejected as rejected:
            detail = _("Learntrace refused it (%(status)s): %(detail)s", status=rejected.status, detail=rejected.detail)
            raise Refusal(detail, path) from None
        print(diff or _("Learntrace already has exactly this."))
    return 0


def _requests(options: Namespace) -> list[Request]:
    if options.list is not None:
        if options.notebook is not None or options.cell or options.tag:
            raise Misuse(_("give either --from, or a notebook with --cell and --tag"))
        rows = read_course_list(options.list)
        check = getattr(options, "check", False)
        return [
            Request(_locate(row.notebook, options.list), row.cell, row.tag, options.list, row.line, check)
            for row in rows
        ]
    if options.notebook is None:
        raise Misuse(_("name a notebook, or a list with --from"))
    if not options.cell and not options.tag:
        raise Misuse(_("name a cell with --cell, and a tag with --tag"))
    if options.cell and options.tag and len(options.cell) != len(options.tag):
        raise Misuse(_("give each --cell its --tag"))
    check = getattr(options, "check", False)
    return [Request(options.notebook, cell, tag, check=check) for cell, tag in zip_longest(options.cell, options.tag)]


def _locate(notebook: str, course_list: Path) -> Path:
    """Resolve a list's notebook from the list's folder, else from the working directory."""
    beside = course_list.parent / notebook
    return Path(notebook) if not beside.exists() and Path(notebook).exists() else beside


def _course(options: Namespace, requests: Sequence[Request]) -> Course:
    """Read the notebooks among which a tag has to be unique: those of --course, else of the requests' folders."""
    if options.course:
        paths = find_notebooks(options.course)
    else:
        folders = {request.notebook.parent for request in requests}
        paths = [path for folder in sorted(folders) for path in sorted(folder.glob("*.ipynb")) if path.is_file()]
    course = read_course(paths)
    requested = {request.notebook.resolve() for request in requests}
    for refusal in course.unread:
        if refusal.path is not None and refusal.path.resolve() not in requested:
            print(_("note: skipped, as it can't be read: %(refusal)s", refusal=refusal), file=sys.stderr)
    return course


def _finish(notebooks: Sequence[ChangedNotebook], options: Namespace) -> int:
    _store(notebooks, options, sys.stdout)
    if not any(notebook.changes for notebook in notebooks):
        print(_("Nothing to change."))
    return 0


def _store(notebooks: Sequence[ChangedNotebook], options: Namespace, to: TextIO) -> None:
    """Write the changed notebooks, unless it is a dry run, and print the changes."""
    changed = [notebook for notebook in notebooks if notebook.text != notebook.document.text]
    texts = {id(notebook): list(changed_texts(notebook)) for notebook in changed}
    if not options.dry_run:
        paired = [text for texts_of in texts.values() for text in texts_of if text.after != text.before]
        # The texts last: jupytext takes the newer file of a pair.
        replace_files([*map(_replacement, changed), *map(_text_replacement, paired)])
    for notebook in changed:
        document = notebook.document
        for change in notebook.changes:
            print(f"{document.path}: {_describe_change(document, change)}", file=to)
        if options.dry_run or options.diff:
            to.write(unified(document.path.as_posix(), document.text, notebook.text))
        for text in texts[id(notebook)]:
            _print_text(document, text, to, diff=options.dry_run or options.diff)
    if options.dry_run and changed:
        print(_("Nothing was written."), file=to)


def _print_text(document: Document, text: PairedText, to: TextIO, *, diff: bool) -> None:
    """Print what happens in a text that jupytext pairs with the notebook."""
    if text.after != text.before:
        print(f"{document.path}: {_('jupytext pairs it with %(file)s: changed there too', file=text.path)}", file=to)
        if diff:
            to.write(unified(text.path.as_posix(), text.before, text.after))
    if text.missed:
        note = _(
            "note: jupytext pairs it with %(file)s, where the tags of %(cells)s can't be written: "
            "run `jupytext --sync` before that file is edited",
            file=text.path,
            cells=", ".join(describe(document.cells[index]) for index in text.missed),
        )
        print(f"{document.path}: {note}", file=sys.stderr)


def _text_replacement(text: PairedText) -> Replacement:
    return Replacement(text.path, text.before.encode(), text.after.encode())


def _replacement(notebook: ChangedNotebook) -> Replacement:
    document = notebook.document
    return Replacement(document.path, document.text.encode(), notebook.text.encode())


def _describe_change(document: Document, change: Change) -> str:
    cell = describe(document.cells[change.cell])
    if change.old is not None and change.new is not None:
        return f"{cell}: {change.old} -> {change.new}"
    return f"{cell}: - {change.old}" if change.old is not None else f"{cell}: + {change.new}"
