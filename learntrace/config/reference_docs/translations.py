"""Message catalogues: find every text, merge it into the translations, check and compile them.

`python -m learntrace.config.reference_docs.translations update | check | compile`. GNU gettext is not needed.
hatch_build.py runs this file by itself when it builds the package, so nothing beyond Babel may be imported at its top.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parents[2]

_KEYWORDS = {
    **DEFAULT_KEYWORDS,
    **{f"{name}_lazy": DEFAULT_KEYWORDS[name] for name in ("gettext", "ngettext", "pgettext", "npgettext")},
    "gettext_noop": None,
}
# A file without such a call needn't be read as Python, which takes most of the time.
_CALL = re.compile(rf"\b(?:{'|'.join(_KEYWORDS)})\s*\(".encode())
_PLACEHOLDER = re.compile(r"%\(\w+\)[#0\- +]*\d*(?:\.\d+)?[a-z]|\{\w*\}|%%")

# Texts that are the same in both languages; any other translation that equals its English was forgotten.
SAME_IN = {
    "es": frozenset(
        {
            "Error",
            "error",
            "OK",
            "Roles",
            "roles",
            "Slug",
            "Visual Studio Code",
            "%(count)s webhook",
            "%(shown)s webhook",
            "Id",
            "id",
            "Webhook",
            "Webhooks",
            "token",
            "tokens",
            "webhook",
            "webhooks",
            "no",
        }
    )
}

Key = tuple[str, str | None]


def _key(message: Message) -> Key:
    """Return what identifies a message in a catalogue: its (singular) English and its context."""
    return (message.id if isinstance(message.id, str) else message.id[0], message.context)


def _python_of(path: Path) -> bytes:
    """Return the file as Python source; a template as the calls that stand for its translation tags."""
    if path.suffix == ".py":
        return path.read_bytes()
    from django.utils.translation.template import templatize

    # Python's tokenizer would fail on the indentation of the lines around the calls.
    return "\n".join(line.lstrip() for line in templatize(path.read_text(), str(path)).splitlines()).encode()


def _sources() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in {".py", ".html", ".txt"} and not {"migrations", "static"}.intersection(path.parts):
            yield path


def extracted() -> Catalog:
    """Return every text that the package translates."""
    texts = Catalog(charset="utf-8")
    for path in _sources():
        place, source = path.relative_to(PACKAGE.parent).as_posix(), _python_of(path)
        if not _CALL.search(source):
            continue
        for line, text, comments, context in extract("python", BytesIO(source), _KEYWORDS, ["Translators:"]):
            texts.add(text, locations=[(place, line)], auto_comments=comments, context=context)
    return texts


def catalogues(package: Path = PACKAGE) -> list[Path]:
    """Return the .po file of each language."""
    return sorted(package.glob("locale/*/LC_MESSAGES/*.po"))


def _language(path: Path) -> str:
    return path.parent.parent.name


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=_language(path))


def update_catalogue(path: Path, texts: Catalog) -> None:
    """Merge the texts into a .po file: keep translations, remove texts that are gone, add new ones untranslated."""
    catalogue = _read(path)
    catalogue.update(texts, no_fuzzy_matching=True, update_creation_date=False)
    with path.open("wb") as file:
        # Without line numbers, so that moving code changes no catalogue.
        write_po(file, catalogue, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)


def _texts(text: object) -> tuple[str, ...]:
    return tuple(str(form) for form in text) if isinstance(text, list | tuple) else (str(text or ""),)


def _fault(message: Message, same: frozenset[str]) -> str:
    """Return what is wrong with a translation; empty if nothing is."""
    english, translated = _texts(message.id), _texts(message.string)
    if message.fuzzy:
        return "is fuzzy"
    if not all(form.strip() for form in translated):
        return "is not translated"
    words = any(character.isalpha() for character in _PLACEHOLDER.sub("", english[0]))
    if words and english[0] in translated and english[0] not in same:
        return "is the same as in English"
    # Each form of a plural fills the placeholders of one English form.
    wanted = [sorted(_PLACEHOLDER.findall(form)) for form in english]
    if any(sorted(_PLACEHOLDER.findall(form)) not in wanted for form in translated):
        return "has other placeholders"
    return ""


def check_catalogue(path: Path, texts: Catalog) -> list[str]:
    """Return, a line each, what keeps a .po file from being complete."""
    catalogue, same = _read(path), SAME_IN.get(_language(path), frozenset[str]())
    held = {_key(message): message for message in catalogue if message.id}
    wanted = {_key(message) for message in texts if message.id}
    faults = [f"{key[0]!r} is missing" for key in wanted - held.keys()]
    faults += [f"{key[0]!r} is used nowhere" for key in held.keys() - wanted]
    faults += [f"{_key(message)[0]!r} is obsolete" for message in catalogue.obsolete.values()]
    used = [message for key, message in held.items() if key in wanted]
    faults += [f"{_key(message)[0]!r} {fault}" for message in used if (fault := _fault(message, same))]
    return [f"{path.name} ({_language(path)}): {fault}" for fault in sorted(faults)]


def compile_catalogues(package: Path = PACKAGE) -> None:
    """Write each catalogue's .mo file, which gettext reads, beside it."""
    for path in catalogues(package):
        compiled, target = BytesIO(), path.with_suffix(".mo")
        write_mo(compiled, _read(path))
        # A file that is up to date is left alone: a server may be reading it.
        if not target.exists() or target.read_bytes() != compiled.getvalue():
            target.write_bytes(compiled.getvalue())


def main(argv: list[str] | None = None) -> int:
    """Run one of the subcommands; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m learntrace.config.reference_docs.translations", description=__doc__
    )
    parser.add_argument("command", choices=["update", "check", "compile"])
    command = parser.parse_args(argv).command
    if command == "compile":
        compile_catalogues()
        return 0
    texts = extracted()
    if command == "update":
        for path in catalogues():
            update_catalogue(path, texts)
    faults = [fault for path in catalogues() for fault in check_catalogue(path, texts)]
    print("\n".join(faults) or f"{len(texts)} texts, all translated")
    # After an update the faults are what remains to be translated.
    return int(bool(faults) and command == "check")


if __name__ == "__main__":
    sys.exit(main())
