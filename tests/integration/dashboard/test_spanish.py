"""Pages call a thing by one word in Spanish, too."""

import pytest
from django.test import Client

from learntrace.config.reference_docs.translations import catalogues
from tests.support.builders import Cast, make_asset, make_assignment, make_attempts

KEY = "assignment:lesson-03-exercise-1"
SPANISH = {"Accept-Language": "es"}


@pytest.fixture
def client(cast: Cast) -> Client:
    make_assignment(cast.academy, make_asset("lesson-03", academy=cast.academy), KEY)
    make_attempts(cast.owner, cast.academy, KEY, "N-")
    client = Client()
    client.force_login(cast.colleague)
    return client


def test_failed_attempts_have_the_gender_of_attempts(client: Client) -> None:
    page = client.get("/assignments", headers=SPANISH).content.decode()
    assert "Fallidos" in page
    assert "Fallida" not in page


def test_what_is_excluded_is_called_as_on_the_page_of_the_assignment(cast: Cast, client: Client) -> None:
    page = client.get(f"/assignment/lesson-03-exercise-1/learner/{cast.owner.pk}/exclude", headers=SPANISH)
    text = page.content.decode()
    assert "Todos los intentos de este ejercicio" in text
    assert "Todos los intentos de todos los ejercicios" in text
    assert "tarea" not in text


def test_a_learner_is_called_an_estudiante_everywhere() -> None:
    (catalogue,) = catalogues()
    assert "alumn" not in catalogue.read_text().lower()
