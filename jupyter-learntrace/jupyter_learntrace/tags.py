"""The rules of assignment tags: `assignment:<lesson>-<exercise>`, in kebab-case. Pure functions for authoring.

A cell that checks an assignment has the tag `check:<lesson>-<exercise>` instead.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath
from typing import NamedTuple

PREFIX = "assignment:"
CHECK_PREFIX = "check:"

_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# The unreserved characters of RFC 3986, section 2.3, which a URL holds unencoded.
_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_LESSON_WORDS = (
    *("lesson", "unit", "chapter", "week", "day", "module", "session", "class", "lab", "topic", "part"),
    *("leccion", "unidad", "capitulo", "semana", "dia", "modulo", "sesion", "clase", "laboratorio", "tema", "parte"),
)
_LESSON = re.compile(rf"(?:(?P<word>{'|'.join(_LESSON_WORDS)})-?)?(?P<number>\d+[a-z]?)(?=-|$)")
# Numbers at the beginning of a name that are no lesson's: dates and years, also behind a word ("class-2024") ...
_DATE = re.compile(
    r"(?:19|20)\d\d(?!\d)"  # a year, which a month and a day may follow: 2024-10-05, 2024w41, 2024q1
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])?(?=-|$|t\d)"  # 20241005, 202410, 20241005t0900
    r"|\d{1,2}-(?:\d{1,2}|[a-z]{3,9})-(?:19|20)\d\d(?!\d)"  # 05-10-2024, 5-oct-2024
    r"|(?:1[5-9]|[2-9]\d)-(?:0[1-9]|1[0-2])-(?:[0-2]\d|3[01])(?=-|$)"  # 24-10-05, unlike 01-02-03
    r"|(?:0?[1-9]|[12]\d|3[01])-(?:0?[1-9]|1[0-2])-(?:1[5-9]|[2-9]\d)(?=-|$)"  # 05-10-24
    r"|\d{1,2}-(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-z]*(?=-|$)"  # 5-oct
)
# ... and sizes, without a word and a leading zero: 3d-plots, 100-exercises, 10-minutes-to-pandas, 4k-images, 2-way-tables.
_SIZE = re.compile(
    r"[1-9]\d{2,}[a-z]?(?=-|$)"
    r"|[1-9]\d*(?:[dghkmpstvwxy]|-?(?:bits?|bytes?|[kmgt]b|[kmg]?hz|px|dpi|fps|[mck]m|kg|dims?|dimension(?:s|al|es)?))(?=-|$)"
    r"|[1-9]\d*-(?:seconds?|min|minutes?|hours?|days?|weeks?|months?|years?|segundos?|minutos?|horas?|dias|semanas|meses|anos)(?=-|$)"
    r"|[1-9]\d*-(?:things|ways?|tips|tricks|steps?|rules|reasons|layers?|points?|class(?:es)?|puzzles|queens|body|fold|sum"
    r"|percent|factors?|segments?|players?|grams?|cosas|formas|trucos|pasos|reglas|razones|capas|reinas)(?=-|$)"
)
_EXERCISE_WORDS = (
    *("exercise", "practice", "task", "problem", "challenge", "question", "activity", "assignment", "quiz", "project"),
    *("ejercicio", "practica", "tarea", "problema", "desafio", "reto", "pregunta", "actividad", "proyecto"),
)
_EXERCISE = re.compile(rf"(?:{'|'.join(_EXERCISE_WORDS)})-?\d*[a-z]?(?:-|$)")


class CellTags(NamedTuple):
    """The tags of a cell: the first that names an assignment (as written), all of them, and the malformed ones.

    `checks` is the assignment that a check cell checks. A cell that is tagged as an assignment too is worked on.
    """

    assignment: str | None
    tags: list[str]
    malformed: list[str]
    checks: str | None = None


def read_tags(tags: object) -> CellTags:
    """Read a cell's `metadata.tags`, of whatever type; entries that are not strings are ignored."""
    written = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, (list, tuple)) else []
    assignments = [tag for tag in written if is_assignment(tag)]
    checks = [tag for tag in written if is_check(tag)]
    malformed = [tag for tag in written if tag.startswith(PREFIX) and not is_well_formed(tag)]
    malformed += [tag for tag in written if tag.startswith(CHECK_PREFIX) and not is_well_formed(checked_by(tag))]
    checked = checked_by(checks[0]) if checks and not assignments else None
    return CellTags(assignments[0] if assignments else None, written, malformed, checked)


def is_assignment(tag: str) -> bool:
    """Whether a tag names an assignment: it has the prefix and something behind it."""
    return tag.startswith(PREFIX) and len(tag) > len(PREFIX)


def is_check(tag: str) -> bool:
    """Whether a tag makes its cell a check cell: it has that prefix and something behind it."""
    return tag.startswith(CHECK_PREFIX) and len(tag) > len(CHECK_PREFIX)


def checked_by(tag: str) -> str:
    """Return the assignment's tag of a check cell's tag."""
    return PREFIX + tag[len(CHECK_PREFIX) :]


def check_of(tag: str) -> str:
    """Return the tag of the cell that checks an assignment, from either tag, with or without a prefix."""
    return tag if tag.startswith(CHECK_PREFIX) else CHECK_PREFIX + slug_of(tag)


def is_well_formed(tag: str) -> bool:
    """Whether a tag is well formed: the prefix, then ASCII letters and digits in kebab-case."""
    return tag.startswith(PREFIX) and _KEBAB.fullmatch(slug_of(tag)) is not None


def is_url_safe(tag: str) -> bool:
    """Whether a URL can hold the tag without its prefix unencoded."""
    return _URL_SAFE.fullmatch(slug_of(tag)) is not None


def with_prefix(tag: str) -> str:
    """Return the tag with its prefix, whether it was given with or without."""
    return tag if tag.startswith(PREFIX) else PREFIX + tag


def slug_of(tag: str) -> str:
    """Return the tag without its prefix."""
    return tag[len(PREFIX) :] if tag.startswith(PREFIX) else tag


def kebab(text: str) -> str:
    """Return the text in kebab-case; empty if it has no ASCII letter or digit."""
    plain = unicodedata.normalize("NFKD", _HUMP.sub("-", text)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def stem_of(path: str | PurePath) -> str:
    """Return a notebook's name without folder and suffix, in kebab-case: `lesson_03.ipynb` gives `lesson-03`."""
    return kebab(PurePath(path).name[: -len(PurePath(path).suffix) or None])


def lesson_of(path: str | PurePath) -> str | None:
    """Return the lesson in a notebook's name: `lesson_03.ipynb` and `03-loops.ipynb` give `lesson-03`; None if none.

    Dates, years and sizes are no lessons: `2024-10-05-pandas.ipynb`, `3d-plots.ipynb`.
    """
    match = _named_lesson(stem_of(path))
    return f"{match['word'] or 'lesson'}-{match['number']}" if match else None


def _named_lesson(stem: str) -> re.Match[str] | None:
    """Match the lesson at the beginning of a name in kebab-case; None where its number is a date, a year or a size."""
    match = _LESSON.match(stem)
    if match is None or _DATE.match(stem, match.start("number")):
        return None
    return None if not match["word"] and _SIZE.match(stem) else match


def fits_lesson(tag: str, path: str | PurePath) -> bool:
    """Whether a tag names the lesson of its notebook and an exercise; true where the notebook's name has no lesson.

    Where the notebook's name is a bare number, `03.ipynb`, the tag may use any word for a lesson: `leccion-03-...`.
    """
    match = _named_lesson(stem_of(path))
    if match is None:
        return True
    words = [match["word"]] if match["word"] else _LESSON_WORDS
    return any(slug_of(tag).startswith(f"{word}-{match['number']}-") for word in words)


def moved_to_lesson(tag: str, path: str | PurePath) -> str | None:
    """Return the tag with its notebook's lesson in place of its own; None where it names no lesson."""
    lesson, slug = lesson_of(path), slug_of(tag)
    named = _LESSON.match(slug)
    if lesson is None or named is None or not slug[named.end() :].startswith("-"):
        return None
    return PREFIX + lesson + slug[named.end() :]


def repaired(tag: str, path: str | PurePath) -> str | None:
    """Return the correct form of a tag that is meant as an assignment's; None where it isn't, or can't be repaired.

    A tag is meant so if it has the prefix in any case and with blanks around it, or, without the prefix, names the lesson
    of its notebook and an exercise.
    """
    match = re.match(r"\s*assignments?\s*[:=]\s*", tag, re.IGNORECASE)
    slug = kebab(tag[match.end() :] if match else tag)
    lesson = lesson_of(path)
    if match is None and not (lesson and slug.startswith(f"{lesson}-") and _EXERCISE.match(slug[len(lesson) + 1 :])):
        return None
    return PREFIX + slug if slug else None


def numbered(tag: str, taken: set[str]) -> str:
    """Return the next tag of the series that is not taken: `...-exercise-1` gives `...-exercise-2`."""
    match = re.fullmatch(r"(.*?-)(\d+)", slug_of(tag))
    series, number, width = (match[1], int(match[2]), len(match[2])) if match else (f"{slug_of(tag)}-", 1, 1)
    while True:
        number += 1
        candidate = f"{PREFIX}{series}{number:0{width}d}"
        if candidate not in taken:
            return candidate
