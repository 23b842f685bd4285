"""Each field of ours has a name that is translated, and the API's schema doesn't notice."""

from django.apps import apps
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from learntrace.core.labels import IN_WORDS, LABELS

FIELDS = [
    field
    for model in apps.get_models()
    if model.__module__.startswith("learntrace.")
    for field in (*model._meta.local_fields, *model._meta.local_many_to_many)
]


def test_every_field_is_called_in_the_readers_language() -> None:
    # What is no lazy text would be read in English by everybody.
    assert {field.name for field in FIELDS if isinstance(field.verbose_name, str)} <= {"id", "slug", "url"}


def test_no_label_is_of_a_field_that_is_gone() -> None:
    with translation.override("en"):
        assert {str(field.verbose_name) for field in FIELDS} >= {*LABELS, *IN_WORDS.values()}


def titles(part: object) -> set[str]:
    """The titles that a part of a schema gives to what it describes; a property may be called title too."""
    if isinstance(part, list):
        return set().union(*map(titles, part))
    if not isinstance(part, dict):
        return set()
    own = {part["title"]} if isinstance(part.get("title"), str) else set()
    return own.union(*map(titles, part.values()))


def test_the_schema_of_the_api_has_no_titles_of_ours() -> None:
    """A field's name is told there as its title where it differs from what Django would have made of it."""
    with translation.override("en"):
        schema = SchemaGenerator().get_schema(public=True)
    assert titles(schema["components"]) == {"Email address"}
