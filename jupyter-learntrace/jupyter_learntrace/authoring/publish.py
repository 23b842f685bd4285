"""`publish`: telling Learntrace which notebooks there are, and which assignments each holds."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..tags import stem_of
from .diff import unified
from .document import Cell, Document
from .errors import Refusal, Refusals
from .language import _
from .listing import tagged_cells
from .selection import describe
from .server import Rejected, Server
from .titles import assignment_title, title_of

# What Learntrace's columns hold.
LONGEST_TITLE = 200
LONGEST_PATH = 1000
_SUFFIX = re.compile(r"[._-]([a-z]{2})$")
_LANGUAGES = {"en", "es", "us"}


@dataclass(frozen=True)
class Publication:
    """A notebook as it is told to Learntrace; `cells` are those of the body's assignments, in their order."""

    document: Document
    slug: str
    body: dict[str, Any]
    cells: tuple[Cell, ...]


def publications(
    documents: Sequence[Document], root: Path, *, slug: str | None, title: str | None, lang: str | None
) -> list[Publication]:
    """What is to be told of each notebook. Raises Refusals where two notebooks would be told as one."""
    made = [_publication(document, root, slug, title, lang) for document in documents]
    slugs: dict[str, Publication] = {}
    refusals: list[Refusal] = []
    for one in made:
        if not one.slug:
            refusals.append(Refusal(_("its name gives no slug: use --slug"), one.document.path))
        elif one.slug in slugs:
            first = slugs[one.slug].document.path
            told = _("it would be published as %(slug)s, as %(first)s is: use --slug", slug=one.slug, first=first)
            refusals.append(Refusal(told, one.document.path))
        slugs.setdefault(one.slug, one)
    if refusals:
        raise Refusals(refusals)
    return made


def _publication(document: Document, root: Path, slug: str | None, title: str | None, lang: str | None) -> Publication:
    tagged = tagged_cells(document)
    body = {
        "title": _cut(title or title_of(document)),
        "path": _path_from(document.path, root),
        "lang": lang or _language_of(document),
        "assignments": [
            {"tag": tag, "cell_id": cell.id or "", "title": _cut(assignment_title(document, cell, tag))}
            for cell, tag in tagged
        ],
    }
    return Publication(document, slug or stem_of(document.path), body, tuple(cell for cell, _tag in tagged))


def difference(publication: Publication, server: Server) -> str:
    """What publishing would change at Learntrace, as a diff of JSON; empty if nothing."""
    there = server.notebook(publication.slug)
    # A language that isn't told stays as it is there.
    told = {name: value for name, value in publication.body.items() if value is not None}
    before = "" if there is None else _pretty(_comparable(there, told))
    return unified(publication.slug, before, _pretty(told))


def send(publication: Publication, server: Server) -> None:
    """Tell Learntrace. Raises Refusals: a sentence for each cell or field that it doesn't take."""
    try:
        server.publish(publication.slug, publication.body)
    except Rejected as rejected:
        raise Refusals(list(_told(publication, rejected))) from None


def _told(publication: Publication, rejected: Rejected) -> Iterable[Refusal]:
    """What Learntrace says, cell by cell where it says which assignment it means."""
    path, body = publication.document.path, rejected.body
    if rejected.status != 400 or not isinstance(body, dict) or "detail" in body:
        told = _("Learntrace says no (%(status)s): %(detail)s", status=rejected.status, detail=rejected.detail)
        yield Refusal(told, path)
        return
    for field, messages in body.items():
        for index, text in _messages(messages):
            if field == "assignments" and index is not None and index < len(publication.cells):
                cell = publication.cells[index]
                tag = publication.body["assignments"][index]["tag"]
                told = f"{describe(cell)}, {tag}: {text}"
                yield Refusal(told, path, publication.document.line_of(cell.index))
            else:
                yield Refusal(f"`{field}`: {text}", path)


def _messages(messages: Any) -> Iterable[tuple[int | None, str]]:
    """Field errors with the index of the list's element that they are about: of a list, or of a mapping by index."""
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
    """A sentence that itself says which element it means: `assignments[2].tag: ...`."""
    match = re.match(r"assignments\[(\d+)\](?:\.\w+)?: ", text)
    return (int(match[1]), text[match.end() :]) if match else (None, text)


def _texts(inner: Any) -> list[str]:
    if isinstance(inner, dict):
        return [f"`{name}`: {text}" for name, texts in inner.items() for text in _texts(texts)]
    if isinstance(inner, list):
        return [text for one in inner for text in _texts(one)]
    return [str(inner)]


def _comparable(there: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """Of what Learntrace holds, what it would be told."""
    fields = ("tag", "cell_id", "title")
    assignments = [{name: one.get(name, "") for name in fields} for one in there.get("assignments") or []]
    return {name: assignments if name == "assignments" else there.get(name) for name in told}


def _pretty(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 3]}..."


def _path_from(path: Path, root: Path) -> str:
    """The notebook's path as the Jupyter server names it, which is from the folder in which learners open it."""
    relative = os.path.relpath(path.absolute(), root.absolute()).replace(os.sep, "/")
    if relative.startswith("../"):
        raise Refusals([Refusal(_("it isn't below %(root)s: use --root", root=root), path)])
    return relative[:LONGEST_PATH]


def _language_of(document: Document) -> str | None:
    """The language that the notebook's metadata or its name, `lesson_03.es.ipynb`, tells; None leaves what is known."""
    said = document.content["metadata"].get("language")
    named = _SUFFIX.search(document.path.stem.lower())
    for language in (said, named[1] if named else None):
        if language in _LANGUAGES:
            return str(language)
    return None
