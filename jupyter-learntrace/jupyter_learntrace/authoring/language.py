"""What the commands say, in the language of the terminal."""

from __future__ import annotations

from ..messages import Sentence, language_of_environment


def _(text: str, **values: object) -> str:
    """The text, a template of `values`, in the author's language."""
    return Sentence(text, values).language(language_of_environment())
