"""Every text is translated, and the check that says so notices what is wrong."""

from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import write_po

from learntrace.config.reference_docs import translations


def catalogue_of(folder: Path, texts: dict[Any, Any], *, fuzzy: bool = False) -> Path:
    catalogue = Catalog(locale="es")
    for text, translation in texts.items():
        catalogue.add(text, translation, flags=["fuzzy"] if fuzzy else [])
    path = folder / "locale" / "es" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue)
    return path


def found(*texts: Any) -> Catalog:
    catalogue = Catalog()
    for text in texts:
        catalogue.add(text)
    return catalogue


def faults(folder: Path, texts: dict[Any, Any], *wanted: object, fuzzy: bool = False) -> list[str]:
    path = catalogue_of(folder, texts, fuzzy=fuzzy)
    return [
        line.removeprefix("django.po (es): ") for line in translations.check_catalogue(path, found(*wanted or texts))
    ]


@pytest.mark.parametrize("path", translations.catalogues(), ids=lambda path: path.parent.parent.name)
def test_every_text_of_the_package_is_translated(path: Path, package_texts: Catalog) -> None:
    assert len(package_texts) > 100
    assert translations.check_catalogue(path, package_texts) == []


def test_texts_are_found_in_code_and_in_templates(package_texts: Catalog) -> None:
    assert "User with id %(user)s not found" in package_texts
    assert "Is telemetry arriving?" in package_texts
    # A block with markup and a variable, over several lines.
    assert "Stacked bars of %(total)s webhook; the table below has the numbers." in package_texts


def test_a_complete_catalogue_has_no_faults(tmp_path: Path) -> None:
    forms = ("%(count)s row", "%(count)s rows")
    assert faults(tmp_path, {"One": "Uno", "Error": "Error", forms: ("%(count)s fila", "%(count)s filas")}) == []


@pytest.mark.parametrize(
    ("english", "translation", "fault"),
    [
        ("One", "", "'One' is not translated"),
        ("One", "One", "'One' is the same as in English"),
        ("%(count)s rows", "filas", "'%(count)s rows' has other placeholders"),
        ("%(count)s rows", "%(rows)s filas", "'%(count)s rows' has other placeholders"),
        (("%(n)s row", "%(n)s rows"), ("%(n)s fila", ""), "'%(n)s row' is not translated"),
    ],
)
def test_a_bad_translation_is_named(tmp_path: Path, english: object, translation: object, fault: str) -> None:
    assert faults(tmp_path, {english: translation}) == [fault]


def test_a_missing_a_fuzzy_and_an_unused_translation_are_named(tmp_path: Path) -> None:
    assert faults(tmp_path, {"One": "Uno"}, "One", "Two") == ["'Two' is missing"]
    assert faults(tmp_path, {"One": "Uno", "Two": "Dos"}, "One") == ["'Two' is used nowhere"]
    assert faults(tmp_path, {"One": "Uno"}, fuzzy=True) == ["'One' is fuzzy"]


def test_an_update_keeps_translations_adds_texts_and_drops_what_is_gone(tmp_path: Path) -> None:
    path = catalogue_of(tmp_path, {"One": "Uno", "Two": "Dos"})
    translations.update_catalogue(path, found("One", "Three"))
    translations.update_catalogue(path, found("One", "Three"))
    assert translations.check_catalogue(path, found("One", "Three")) == ["django.po (es): 'Three' is not translated"]
    assert 'msgstr "Uno"' in path.read_text()
    assert "Two" not in path.read_text()


def test_compiling_writes_what_gettext_reads(tmp_path: Path) -> None:
    path = catalogue_of(tmp_path, {"One": "Uno"})
    translations.compile_catalogues(tmp_path)
    with path.with_suffix(".mo").open("rb") as file:
        assert read_mo(file)["One"].string == "Uno"
