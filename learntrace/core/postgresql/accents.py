"""`contains_word`: a lookup for what people type into a search. "munoz" finds "Muñoz"."""

import unicodedata
from typing import Any

from django.db.models import CharField, TextField
from django.db.models.lookups import IContains


def without_accents(text: str) -> str:
    """Return a text without the marks of its letters: "Muñoz" becomes "Munoz"."""
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


class ContainsWord(IContains):
    """As `icontains`, without regard to accents on either side. Accents are combining characters after NFD."""

    lookup_name = "contains_word"

    def get_prep_lookup(self) -> Any:
        return without_accents(str(super().get_prep_lookup()))

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        column, parameters = super().process_lhs(compiler, connection, lhs)
        return rf"upper(regexp_replace(normalize({column}::text, NFD), '[\u0300-\u036f]', '', 'g'))", parameters

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return connection.operators["icontains"] % rhs  # type: ignore[no-any-return]  # not in the types


def register_lookups() -> None:
    """Make the lookup known to all texts."""
    CharField.register_lookup(ContainsWord)
    TextField.register_lookup(ContainsWord)
