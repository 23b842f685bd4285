"""Problems: the refusals that clients get, in one form for every room (contract, section 1)."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException

from learntrace.core.words.sentences import ended


class Problem(APIException):
    """A refusal with its text (translated when it is shown), its HTTP status and, where the contract names one, a slug.

    `text` is a lazily translated template, `values` fill it.
    """

    status_code: int = status.HTTP_400_BAD_REQUEST
    text: str | Promise = ""
    slug: str | None = None
    # The name under which refusals of this kind are counted, if they have no slug.
    reason = ""
    plain = False  # answered as plain text, for clients that look for the bare sentence

    def __init__(
        self,
        text: str | Promise | None = None,
        *,
        slug: str | None = None,
        status_code: int | None = None,
        **values: object,
    ) -> None:
        if text is not None:
            self.text = text
        if slug is not None:
            self.slug = slug
        if status_code is not None:
            self.status_code = status_code
        self.values = values
        # Not APIException's, which words the text at once: most problems of a server with too much to do are never shown.
        Exception.__init__(self)

    @property
    def detail(self) -> str:  # type: ignore[override]  # whoever reads it, such as REST framework, only reads it
        """The text in the active language."""
        return self.sentence()

    def sentence(self) -> str:
        """Return the text in the active language, filled with the values."""
        return str(self.text) % self.values if self.values else str(self.text)

    def told(self) -> str:
        """Return the text as a page shows it: as a sentence, and in words that don't presume the API."""
        return ended(self.sentence())

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        body: dict[str, Any] = {"detail": self.sentence(), "status_code": self.status_code}
        if self.slug:
            body["slug"] = self.slug
        return body

    def headers(self) -> dict[str, str]:
        return {}

    def __str__(self) -> str:
        return self.sentence()


class InvalidFilter(Problem):
    """A filter of the query string has values that mean nothing."""

    slug = "invalid-filter"
    text = _("Invalid `%(field)s` value(s): %(values)s")

    def __init__(self, field: str, values: str) -> None:
        super().__init__(field=field, values=values)

    def told(self) -> str:
        text = gettext(
            "This page's address contains a value that can't be used: %(values)s. Choose another one on the page."
        )
        return text % self.values


class FieldProblem(Problem):
    """A field's value is invalid: answered in the bare form `{"field": ["message", ...]}`."""

    reason = "invalid-field"

    def __init__(self, field: str, text: str | Promise, **values: object) -> None:
        super().__init__(text)
        self.values = values
        self.field = field

    def body(self) -> dict[str, Any]:
        return {self.field: [self.sentence()]}


class Unavailable(Problem):
    """The database is away, usually for a restart; the client can repeat the request in a moment."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    reason = "unavailable"
    text = _("The database is unavailable for a moment. Please try again")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "2"}


class NotFound(Problem):
    status_code = status.HTTP_404_NOT_FOUND


class Forbidden(Problem):
    status_code = status.HTTP_403_FORBIDDEN
