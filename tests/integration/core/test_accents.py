"""What people type into a search finds names with and without their accents."""

import pytest

from learntrace.accounts.models import User
from learntrace.core.postgresql.accents import without_accents
from tests.support.builders import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "word", "is_found"),
    [
        ("Muñoz", "munoz", True),
        ("Muñoz", "MUÑOZ", True),
        ("Munoz", "muñoz", True),
        ("Mun\u0303oz", "Muñ", True),
        ("Müller", "muller", True),
        ("Müller", "mueller", False),
        ("50%_a", "%", True),
        ("50%_a", "50_a", False),
        ("O'Brien \\ Ng", "n \\ n", True),
        ("Ελένη", "ελενη", True),
    ],
)
def test_a_word_is_found_without_regard_to_accents(name: str, word: str, is_found: bool) -> None:
    user = make_user("somebody", first_name=name)
    found = User.objects.filter(first_name__contains_word=word)
    assert list(found) == ([user] if is_found else [])


def test_only_marks_are_left_out() -> None:
    assert without_accents("Ñandú, Åse & ß 1½") == "Nandu, Ase & ß 1½"
