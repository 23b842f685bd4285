"""Why a message didn't arrive, in the reader's language."""

import pytest
from django.utils import translation

from learntrace.signals.notifications import failures


@pytest.mark.parametrize(
    ("detail", "english", "spanish"),
    [
        ("", "", ""),
        ("no answer within 10 s", " (no answer within 10 s)", " (sin respuesta en 10 s)"),
        ("no connection", " (no connection)", " (sin conexión)"),
        # What the other side has answered stays as it is.
        ("HTTP 503", " (HTTP 503)", " (HTTP 503)"),
        ("100 %(number)s", " (100 %(number)s)", " (100 %(number)s)"),
    ],
)
def test_a_detail_of_our_own_is_translated(detail: str, english: str, spanish: str) -> None:
    assert failures.sentence("unreached", detail) == f"The receiving server could not be reached{english}"
    with translation.override("es"):
        told = f"No se pudo contactar con el servidor de destino{spanish}"
        assert failures.sentence("unreached", detail) == told
