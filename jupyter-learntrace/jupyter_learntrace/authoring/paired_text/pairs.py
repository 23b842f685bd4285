"""Finds the text files that jupytext pairs with a notebook, by the notebook's metadata or by the course's configuration.

The forms of `formats` are described at https://jupytext.readthedocs.io/en/latest/config.html and in jupytext's paired_paths.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_learntrace.authoring.notebook_text.document import Document

_CONFIGURATIONS = (
    *(f"{dot}jupytext{ending}" for dot in ("", ".") for ending in (".toml", ".yml", ".yaml", ".json")),
    *(".jupytext", "pyproject.toml"),
)
_SECTION = re.compile(r"^\[tool\.jupytext[^\]\n]*\]\s*$(.*?)(?=^\[(?!tool\.jupytext)|\Z)", re.MULTILINE | re.DOTALL)
# In TOML, YAML or JSON.
_FORMATS = re.compile(
    r"^[ \t{]*[\"']?(?:default_jupytext_)?formats[\"']?[ \t]*[=:][ \t]*[\"']?([^\"'\n#]*[^\"'\n#\s])", re.MULTILINE
)
_FOLDERS = re.compile(r"^\[(?:tool\.jupytext\.)?formats\]\s*$(.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_FOLDER = re.compile(r"^[ \t]*[\"']([^\"'\n]*)[\"'][ \t]*=[ \t]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_HEADER_FORMAT = re.compile(r"format_name: ([\w-]+)")
_EXTENSIONS = {"python": "py", "r": "R", "julia": "jl", "bash": "sh", "javascript": "js", "typescript": "ts"}
_OF_EXTENSION = {"md": "markdown", "Rmd": "rmarkdown", "qmd": "quarto"}


@dataclass(frozen=True)
class Pair:
    """A text file beside a notebook, which may not be there yet, and jupytext's name of its format ("" if unknown)."""

    path: Path
    format: str


@dataclass(frozen=True)
class _Place:
    """One of `formats`: the folder ("" if the same) and whether what is below it is mirrored, the ending, the format."""

    folder: str
    mirrors: bool
    ending: str
    format: str


def pairs_of(document: Document) -> list[Pair]:
    """Return the text files that are paired with a notebook. What can't be understood is left out."""
    metadata = document.content["metadata"].get("jupytext")
    written = metadata.get("formats") if isinstance(metadata, dict) else None
    if isinstance(written, str):
        return _pairs(document, written)
    # By a configuration every notebook is paired as soon as jupytext has made its text.
    return [pair for pair in _pairs(document, _configured(document.path) or "") if pair.path.exists()]


def keeps_tags(document: Document, text: str) -> bool:
    """Whether the text holds tags at all; where a filter leaves them out, jupytext takes them from the notebook."""
    metadata = document.content["metadata"].get("jupytext")
    written = metadata.get("cell_metadata_filter") if isinstance(metadata, dict) else None
    header = re.search(r"cell_metadata_filter: *['\"]?([^'\"\n]+)", text[:4000])
    names = re.split(r"[\s,]+", str(written or (header[1] if header else "")).strip())
    return "-tags" not in names and ("tags" in names or "-all" not in names)


def _pairs(document: Document, formats: str) -> list[Pair]:
    places = [place for entry in re.split(r"[,;]", formats) if (place := _place(entry.strip(), document))]
    notebook = next((place for place in places if place.ending == "ipynb" or place.ending.endswith(".ipynb")), None)
    if notebook is None or not document.path.name.endswith(f".{notebook.ending}"):
        return []
    stem = document.path.name[: -len(notebook.ending) - 1]
    found = []
    for place in places:
        if place is not notebook and (folder := _folder_of(document.path.parent, notebook, place)):
            path = folder / f"{stem}.{place.ending}"
            found.append(Pair(path, place.format or _format_of(path)))
    return found


def _place(entry: str, document: Document) -> _Place | None:
    where, _colon, form = entry.partition(":")
    folder, separator, ending = where.rpartition("///")
    if not separator:
        folder, separator, ending = where.rpartition("//")
    if "/" in ending or not ending:
        return None
    ending = ending.lstrip(".")
    if ending == "auto" or ending.endswith(".auto"):
        ending = f"{ending[:-4]}{_extension(document.content['metadata'])}"
    return _Place(folder, separator == "///", ending, form)


def _extension(metadata: dict[str, Any]) -> str:
    language, kernel = metadata.get("language_info"), metadata.get("kernelspec")
    if isinstance(language, dict) and isinstance(extension := language.get("file_extension"), str) and extension:
        return extension.lstrip(".")
    name = str(kernel.get("language", "")).lower() if isinstance(kernel, dict) else ""
    return _EXTENSIONS.get(name, "py")


def _folder_of(folder: Path, notebook: _Place, place: _Place) -> Path | None:
    """Return the folder of the text: where the notebook's is without its own part of `formats`, and with the text's."""
    if not notebook.folder:
        return folder / place.folder if place.folder else folder
    own, parts = Path(notebook.folder).parts, folder.absolute().parts
    for start in range(len(parts) - len(own), -1, -1):
        end = start + len(own)
        if parts[start:end] == own and (notebook.mirrors or end == len(parts)):
            return Path(*parts[:start], place.folder, *parts[end:])
    return None


def _format_of(path: Path) -> str:
    """Return the format that the text's header names, else the ending's."""
    try:
        begin = path.read_text(encoding="utf-8", errors="replace")[:8000]
    except OSError:
        begin = ""
    if header := _HEADER_FORMAT.search(begin):
        return header[1]
    if path.suffix == ".md" and "{code-cell}" in begin:
        return "myst"
    return _OF_EXTENSION.get(path.suffix[1:]) or ("percent" if re.search(r"^\S+ %%", begin, re.MULTILINE) else "light")


def _configured(path: Path) -> str | None:
    """Return `formats` of the nearest configuration above a notebook; None where there is none."""
    for folder in path.absolute().parents:
        for text in _texts_of(folder):
            if table := _FOLDERS.search(text):
                entries = [f"{name.rstrip('/')}///{form}" if name else form for name, form in _FOLDER.findall(table[1])]
                return ",".join(entries)
            if formats := _FORMATS.search(text):
                return formats[1]
    return None


def _texts_of(folder: Path) -> Iterator[str]:
    for name in _CONFIGURATIONS:
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if name == "pyproject.toml":
            text = "\n".join(section[0] for section in _SECTION.finditer(text))
        yield text
