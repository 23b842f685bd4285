"""Sentences for people, in English and Spanish: marked where they are written, put into a language where they are shown."""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FALLBACK = "en"
LANGUAGES = (FALLBACK, "es")
_LOCALE = Path(__file__).with_name("locale")
_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")


@dataclass(frozen=True)
class Sentence:
    """A text in English, a template of `values`; `language()` puts it into a language."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def language(self, language: str) -> str:
        template = _catalogue(language).gettext(self.text) if self.text else ""
        if not self.values:
            return template
        values = self.values.items()
        return template % {
            name: value.language(language) if isinstance(value, Sentence) else value for name, value in values
        }

    def __str__(self) -> str:
        return self.language(FALLBACK)


def _(text: str, **values: object) -> Sentence:
    """A sentence; the name is what the search for texts to translate looks for."""
    return Sentence(text, values)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    # In a checkout that was never built there is no compiled catalogue: English then.
    return gettext.translation("jupyter_learntrace", _LOCALE, [language], fallback=True)


def language_of_header(accept_language: str) -> str:
    """The language that a browser asks for, among ours."""
    wanted = [match for part in accept_language.split(",") if (match := _RANGE.fullmatch(part))]
    for match in sorted(wanted, key=lambda match: -float(match[2] or 1)):
        if match[1].lower() in LANGUAGES and float(match[2] or 1) > 0:
            return match[1].lower()
    return FALLBACK


def language_of_environment(environment: Mapping[str, str] = os.environ) -> str:
    """The language of whoever sits at the terminal, among ours: as gettext looks, LANGUAGE (a list) first."""
    for wanted in environment.get("LANGUAGE", "").split(":"):
        if wanted[:2].lower() in LANGUAGES:
            return wanted[:2].lower()
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            spoken = environment[name][:2].lower()
            return spoken if spoken in LANGUAGES else FALLBACK
    return FALLBACK
