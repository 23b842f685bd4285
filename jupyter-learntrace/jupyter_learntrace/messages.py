"""Sentences for people, in English and Spanish: marked for translation where written, translated where shown."""

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
    """An English text, a template of `values`, that `language()` translates."""

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
    """Make a sentence. The extraction of texts to translate looks for this function's name."""
    return Sentence(text, values)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    # A checkout that was never built has no compiled catalogue: fall back to English.
    return gettext.translation("jupyter_learntrace", _LOCALE, [language], fallback=True)


def language_of_header(accept_language: str) -> str:
    """Return the supported language that an Accept-Language header prefers."""
    wanted = [match for part in accept_language.split(",") if (match := _RANGE.fullmatch(part))]
    for match in sorted(wanted, key=lambda match: -float(match[2] or 1)):
        if match[1].lower() in LANGUAGES and float(match[2] or 1) > 0:
            return match[1].lower()
    return FALLBACK


def language_of_environment(environment: Mapping[str, str] = os.environ) -> str:
    """Return the supported language of the terminal. Like gettext, prefer LANGUAGE, which is a list."""
    for wanted in environment.get("LANGUAGE", "").split(":"):
        if wanted[:2].lower() in LANGUAGES:
            return wanted[:2].lower()
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            spoken = environment[name][:2].lower()
            return spoken if spoken in LANGUAGES else FALLBACK
    return FALLBACK
