"""Every text of the distribution is translated."""

from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from jupyter_learntrace.messages import Sentence, language_of_environment, language_of_header

from learntrace.config.reference_docs.translations import catalogues, check_catalogue
from tests.jupyter_package.jupyter import PACKAGE

KEYWORDS = {"_": None, "N_": None, "gettext": None}


def extracted() -> Catalog:
    found = Catalog(charset="utf-8")
    for path in sorted((PACKAGE / "jupyter_learntrace").rglob("*.py")):
        for line, text, _comments, _context in extract("python", BytesIO(path.read_bytes()), KEYWORDS):
            found.add(text, locations=[(path.relative_to(PACKAGE).as_posix(), line)])
    return found


def test_every_text_is_translated() -> None:
    (path,) = catalogues(PACKAGE / "jupyter_learntrace")
    texts = extracted()
    assert len(texts) > 50
    assert check_catalogue(path, texts) == []


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en-GB,es;q=0.9", "en"),
        ("de,es;q=0.3,en;q=0.2", "es"),
        ("es;q=0,en;q=0.1", "en"),
        ("*", "en"),
        ("nonsense;;;", "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_asks_for(header: str, language: str) -> None:
    assert language_of_header(header) == language


def test_a_terminal_gets_its_language() -> None:
    assert language_of_environment({"LANG": "es_ES.UTF-8"}) == "es"
    assert language_of_environment({"LC_ALL": "C", "LANG": "es_ES.UTF-8"}) == "en"
    assert language_of_environment({"LANGUAGE": "de:es", "LANG": "en_GB.UTF-8"}) == "es"
    assert language_of_environment({}) == "en"


def test_a_sentence_fills_its_values_in_every_language() -> None:
    sentence = Sentence("The event is larger than %(limit)s KiB.", {"limit": 64})
    assert str(sentence) == "The event is larger than 64 KiB."
    assert sentence.language("es") == "El evento ocupa más de 64 KiB."
    assert Sentence("100 %").language("es") == "100 %"
