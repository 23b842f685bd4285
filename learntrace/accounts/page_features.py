"""What an academy says on pages and in messages: its language, and a help text for its learners; its `page_features`."""

from typing import Any, Final

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import PAGES, declare_feature, settings_of
from learntrace.accounts.models import Academy
from learntrace.core.errors import FieldProblem

LANGUAGE: Final = "language"
HELP_TEXT: Final = "help_text"
LONGEST: Final = 1000


def _language(value: object) -> str:
    if value not in ("", *dict(settings.LANGUAGES)):
        known = ", ".join(dict(settings.LANGUAGES))
        raise FieldProblem(PAGES, _("`%(name)s` must be one of %(known)s, or empty"), name=LANGUAGE, known=known)
    return str(value)


def _texts(value: object) -> dict[str, str]:
    """Return the help text by language. Texts without visible characters are empty ones."""
    known = dict(settings.LANGUAGES)
    if not isinstance(value, dict) or not all(code in known and isinstance(text, str) for code, text in value.items()):
        text = _("`%(name)s` must be an object with a text for each of %(known)s")
        raise FieldProblem(PAGES, text, name=HELP_TEXT, known=", ".join(known))
    texts = {code: text.replace("\0", "").replace("\r\n", "\n").strip() for code, text in value.items()}
    if any(len(text) > LONGEST for text in texts.values()):
        raise FieldProblem(PAGES, _("`%(name)s` may have %(most)s characters at most"), name=HELP_TEXT, most=LONGEST)
    return texts


def register() -> None:
    """Declare the features: shown with their defaults, and checked before they are stored."""
    declare_feature(PAGES, LANGUAGE, "", _language)
    declare_feature(PAGES, HELP_TEXT, dict.fromkeys(dict(settings.LANGUAGES), ""), _texts, parts=True)


def message_language(academy: Academy) -> str:
    """Return the language of messages to those who have chosen none; empty where the academy has none."""
    chosen = settings_of(academy).page_features.get(LANGUAGE)
    return chosen if isinstance(chosen, str) and chosen in dict(settings.LANGUAGES) else ""


def help_text_of(academy: Academy) -> str:
    """Return the academy's help text in the active language, else in another one; empty where there is none."""
    stored: Any = settings_of(academy).page_features.get(HELP_TEXT)
    texts = {code: text for code, text in stored.items() if isinstance(text, str)} if isinstance(stored, dict) else {}
    return texts.get(get_language() or "") or next((text for text in texts.values() if text), "")
