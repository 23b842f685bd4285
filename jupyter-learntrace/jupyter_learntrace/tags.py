"""The rules of assignment tags: `assignment:<lesson>-<exercise>`, in kebab-case. Pure, shared by authoring and capture."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath
from typing import NamedTuple

PREFIX = "assignment:"

_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# RFC 3986, section 2.3: what stands in a URL as it is.
_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_LESSON_WORDS = (
    *("lesson", "unit", "chapter", "week", "day", "module", "session", "class", "lab", "topic", "part"),
    *("leccion", "unidad", "capitulo", "semana", "dia", "modulo", "sesion", "clase", "laboratorio", "tema", "parte"),
)
_LESSON = re.compile(rf"(?:(?P<word>{'|'.join(_LESSON_WORDS)})-?)?(?P<number>\d+[a-z]?)(?=-|$)")
_EXERCISE_WORDS = (
    *("exercise", "practice", "task", "problem", "challenge", "question", "activity", "assignment", "quiz", "project"),
    *("ejercicio", "practica", "tarea", "problema", "desafio", "reto", "pregunta", "actividad", "proyecto"),
)
_EXERCISE = re.compile(rf"(?:{'|'.join(_EXERCISE_WORDS)})-?\d*[a-z]?(?:-|$)")


class CellTags(NamedTuple):
    """What the tags of a cell say: its assignment (as written; the first counts), all its tags, and the malformed ones."""

    assignment: str | None
    tags: list[str]
    malformed: list[str]


def read_tags(tags: object) -> CellTags:
    """Read a cell's `metadata.tags`, whatever stands there; what is no text is no tag."""
    written = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, (list, tuple)) else []
    assignments = [tag for tag in written if is_assignment(tag)]
    malformed = [tag for tag in written if tag.startswith(PREFIX) and not is_well_formed(tag)]
    return CellTags(assignments[0] if assignments else None, written, malformed)


def is_assignment(tag: str) -> bool:
    """Whether a tag names an assignment: the prefix, and something behind it."""
    return tag.startswith(PREFIX) and len(tag) > len(PREFIX)


def is_well_formed(tag: str) -> bool:
    """Whether a tag, with its prefix, is as it should be: kebab-case of ASCII letters and digits behind the prefix."""
    return tag.startswith(PREFIX) and _KEBAB.fullmatch(slug_of(tag)) is not None


def is_url_safe(tag: str) -> bool:
    """Whether what follows the prefix can stand in a URL as it is."""
    return _URL_SAFE.fullmatch(slug_of(tag)) is not None


def with_prefix(tag: str) -> str:
    """The tag as it stands in a notebook, for one that was given with or without its prefix."""
    return tag if tag.startswith(PREFIX) else PREFIX + tag


def slug_of(tag: str) -> str:
    """The tag without its prefix."""
    return tag[len(PREFIX) :] if tag.startswith(PREFIX) else tag


def kebab(text: str) -> str:
    """The text in kebab-case; empty if it holds no letter and no digit that ASCII knows."""
    plain = unicodedata.normalize("NFKD", _HUMP.sub("-", text)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def stem_of(path: str | PurePath) -> str:
    """A notebook's name without folder and ending, in kebab-case: `lesson_03.ipynb` gives `lesson-03`."""
    return kebab(PurePath(path).name[: -len(PurePath(path).suffix) or None])


def lesson_of(path: str | PurePath) -> str | None:
    """The lesson that a notebook's name tells: `lesson_03.ipynb` and `03-loops.ipynb` give `lesson-03`; None if none."""
    match = _LESSON.match(stem_of(path))
    return f"{match['word'] or 'lesson'}-{match['number']}" if match else None


def fits_lesson(tag: str, path: str | PurePath) -> bool:
    """Whether a tag names the lesson of its notebook and an exercise behind it; true where the name tells no lesson.

    Where the notebook's name is a bare number, `03.ipynb`, the tag may say any word for a lesson: `leccion-03-...`.
    """
    match = _LESSON.match(stem_of(path))
    if match is None:
        return True
    words = [match["word"]] if match["word"] else _LESSON_WORDS
    return any(slug_of(tag).startswith(f"{word}-{match['number']}-") for word in words)


def moved_to_lesson(tag: str, path: str | PurePath) -> str | None:
    """The tag with the lesson of its notebook in place of the one that it names; None where it names none."""
    lesson, slug = lesson_of(path), slug_of(tag)
    named = _LESSON.match(slug)
    if lesson is None or named is None or not slug[named.end() :].startswith("-"):
        return None
    return PREFIX + lesson + slug[named.end() :]


def repaired(tag: str, path: str | PurePath) -> str | None:
    """A tag that was meant as an assignment's, as it should be written; None where none was meant or nothing helps.

    Meant are those with the prefix in any case and with blanks around, and, without it, those that name the lesson of their
    notebook and an exercise.
    """
    match = re.match(r"\s*assignments?\s*[:=]\s*", tag, re.IGNORECASE)
    slug = kebab(tag[match.end() :] if match else tag)
    lesson = lesson_of(path)
    if match is None and not (lesson and slug.startswith(f"{lesson}-") and _EXERCISE.match(slug[len(lesson) + 1 :])):
        return None
    return PREFIX + slug if slug else None


def numbered(tag: str, taken: set[str]) -> str:
    """The next tag of the same series that is not taken: `...-exercise-1` gives `...-exercise-2`."""
    match = re.fullmatch(r"(.*?-)(\d+)", slug_of(tag))
    series, number, width = (match[1], int(match[2]), len(match[2])) if match else (f"{slug_of(tag)}-", 1, 1)
    while True:
        number += 1
        found = f"{PREFIX}{series}{number:0{width}d}"
        if found not in taken:
            return found
