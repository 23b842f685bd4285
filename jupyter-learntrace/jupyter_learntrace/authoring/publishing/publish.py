"""`publish`: registers notebooks, and the assignments in each, with Learntrace."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_learntrace.authoring.course.listing import tagged_cells
from jupyter_learntrace.authoring.course.selection import describe
from jupyter_learntrace.authoring.course.titles import assignment_title, title_of
from jupyter_learntrace.authoring.errors import Refusal, Refusals
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.diff import unified
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document
from jupyter_learntrace.authoring.publishing.server import Rejected, Server
from jupyter_learntrace.tags import stem_of

# The widths of Learntrace's columns, in characters.
LONGEST_TITLE = 200
LONGEST_PATH = 1000
_SUFFIX = re.compile(r"[._-]([a-z]{2})$")
_LANGUAGES = {"en", "es", "us"}


@dataclass(frozen=True)
class Publication:
    """A notebook as it is sent to Learntrace; `cells` belong to the assignments of the body, in the same order."""

    document: Document
    slug: str
    body: dict[str, Any]
    cells: tuple[Cell, ...]


def make_publications(
    documents: Sequence[Document], root: Path, *, slug: str | None, title: str | None, lang: str | None
) -> list[Publication]:
    """Make the publication of each notebook. Raises Refusals where two notebooks would get the same slug."""
    publications = [_publication(document, root, slug, title, lang) for document in documents]
    slugs: dict[str, Publication] = {}
    refusals: list[Refusal] = []
    for publication in publications:
        slug, path = publication.slug, publication.document.path
        if not slug:
            refusals.append(Refusal(_("its name gives no slug: use --slug"), path))
        elif slug in slugs:
            first = slugs[slug].document.path
            text = _("it would be published as %(slug)s, as %(first)s is: use --slug", slug=slug, first=first)
            refusals.append(Refusal(text, path))
        slugs.setdefault(slug, publication)
    if refusals:
        raise Refusals(refusals)
    return publications


def _publication(document: Document, root: Path, slug: str | None, title: str | None, lang: str | None) -> Publication:
    tagged = tagged_cells(document)
    checked = {cell.tags.checks for cell in document.cells if cell.kind == "code"}
    body = {
        "title": _cut(title or title_of(document)),
        "path": _path_from(document.path, root),
        "lang": lang or _language_of(document),
        "assignments": [
            _with_check(
                {"tag": tag, "cell_id": cell.id or "", "title": _cut(assignment_title(document, cell, tag))}, checked
            )
            for cell, tag in tagged
        ],
    }
    return Publication(document, slug or stem_of(document.path), body, tuple(cell for cell, _tag in tagged))


def _with_check(entry: dict[str, Any], checked: Collection[str | None]) -> dict[str, Any]:
    """Return an assignment's entry, which says where a cell checks it."""
    return {**entry, "check": True} if entry["tag"] in checked else entry


def difference(publication: Publication, server: Server) -> str:
    """Return what publishing would change at Learntrace, as a diff of JSON; empty if nothing."""
    current = server.notebook(publication.slug)
    # Learntrace keeps the language if none is sent.
    body = {name: value for name, value in publication.body.items() if value is not None}
    before = "" if current is None else _pretty(_comparable(current, body))
    return unified(publication.slug, before, _pretty(body))


def send(publication: Publication, server: Server) -> None:
    """Publish to Learntrace. Raises Refusals with a sentence for each cell or field that it rejects."""
    try:
        server.publish(publication.slug, publication.body)
    except Rejected as rejected:
        raise Refusals(list(_refusals_of(publication, rejected))) from None


def _refusals_of(publication: Publication, rejected: Rejected) -> Iterable[Refusal]:
    """Yield the errors of Learntrace, located at the cell where an error names an assignment."""
    path, body = publication.document.path, rejected.body
    if rejected.status != 400 or not isinstance(body, dict) or "detail" in body:
        text = _("Learntrace refused it (%(status)s): %(detail)s", status=rejected.status, detail=rejected.detail)
        yield Refusal(text, path)
        return
    for field, messages in body.items():
        for index, text in _messages(messages):
            if field == "assignments" and index is not None and index < len(publication.cells):
                cell = publication.cells[index]
                tag = publication.body["assignments"][index]["tag"]
                yield Refusal(f"{describe(cell)}, {tag}: {text}", path, publication.document.line_of(cell.index))
            else:
                yield Refusal(f"`{field}`: {text}", path)


def _messages(messages: Any) -> Iterable[tuple[int | None, str]]:
    """Yield the errors of a field with the index of the element concerned. They come as a list or a mapping by index."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            index = int(key) if str(key).isdecimal() else None
            yield from ((index, text) for text in _texts(inner))
    elif isinstance(messages, list):
        for index, inner in enumerate(messages):
            if isinstance(inner, dict):
                yield from ((index, text) for text in _texts(inner))
            else:
                yield _indexed(str(inner))
    else:
        yield _indexed(str(messages))


def _indexed(text: str) -> tuple[int | None, str]:
    """Split off the index of an error that names its element itself: `assignments[2].tag: ...`."""
    match = re.match(r"assignments\[(\d+)\](?:\.\w+)?: ", text)
    return (int(match[1]), text[match.end() :]) if match else (None, text)


def _texts(inner: Any) -> list[str]:
    if isinstance(inner, dict):
        return [f"`{name}`: {text}" for name, texts in inner.items() for text in _texts(texts)]
    if isinstance(inner, list):
        return [text for item in inner for text in _texts(item)]
    return [str(inner)]


def _comparable(current: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Reduce what Learntrace holds to the fields of `body`."""
    fields = ("tag", "cell_id", "title")
    assignments = [
        {name: item.get(name, "") for name in fields} | ({"check": True} if item.get("check") is True else {})
        for item in current.get("assignments") or []
    ]
    return {name: assignments if name == "assignments" else current.get(name) for name in body}


def _pretty(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 3]}..."


def _path_from(path: Path, root: Path) -> str:
    """Return the notebook's path as the Jupyter server names it: relative to the folder that learners open."""
    relative = os.path.relpath(path.absolute(), root.absolute()).replace(os.sep, "/")
    if relative.startswith("../"):
        raise Refusals([Refusal(_("it isn't below %(root)s: use --root", root=root), path)])
    return relative[:LONGEST_PATH]


def _language_of(document: Document) -> str | None:
    """Return the language of the notebook's metadata or its name, `lesson_03.es.ipynb`; None if neither has one."""
    said = document.content["metadata"].get("language")
    named = _SUFFIX.search(document.path.stem.lower())
    for language in (said, named[1] if named else None):
        if isinstance(language, str) and language in _LANGUAGES:
            return language
    return None
