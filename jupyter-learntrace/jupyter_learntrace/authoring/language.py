"""Translation into the language of the terminal."""

from __future__ import annotations

from jupyter_learntrace.messages import Sentence, language_of_environment


def _(text: str, **values: object) -> str:
    """Translate a text, a template of `values`."""
    return Sentence(text, values).language(language_of_environment())
