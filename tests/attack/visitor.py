"""Somebody with a browser's cookies, who sends the forms of pages."""

import re
import uuid
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from tests.attack.cast import Person
from tests.attack.target import Response, Target

_FORM = "application/x-www-form-urlencoded"


class Visitor:
    """A browser at the copy that is attacked; without a person a stranger."""

    def __init__(self, target: Target, person: Person | None = None) -> None:
        self._target = target
        self._cookies: dict[str, str] = {}
        self._token = ""
        if person is not None:
            self.get("/sign-in")
            answer = self.post("/sign-in", {"name": person.name, "password": person.password})
            assert "sessionid" in self._cookies, f"{person.name} could not sign in: {answer.status}"
            self.get("/account")

    def get(self, path: str) -> Response:
        answer = self._keep(self._target.ask("GET", path, Cookie=self._cookie(), Host="localhost"))
        found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', answer.body)
        self._token = found[1].decode() if found else self._token
        return answer

    def post(
        self, path: str, fields: Mapping[str, str | Sequence[str]], *, forged: bool = False, timeout: float = 120
    ) -> Response:
        """Send a form; `forged`: as a page of another site sends it, without the token that it can't know."""
        sent = dict(fields) if forged else {"csrfmiddlewaretoken": self._token, **fields}
        return self._send(path, urlencode(sent, doseq=True).encode(), _FORM, timeout)

    def upload(self, path: str, name: str, content: bytes) -> Response:
        """Send a form with a file."""
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="'
        body = f'{head}csrfmiddlewaretoken"\r\n\r\n{self._token}\r\n{head}file"; filename="{name}"\r\n\r\n'.encode()
        return self._send(
            path, body + content + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
        )

    def _send(self, path: str, body: bytes, kind: str, timeout: float = 120) -> Response:
        return self._keep(
            self._target.ask(
                "POST", path, None, body, timeout=timeout, Cookie=self._cookie(), Host="localhost", Content_Type=kind
            )
        )

    def _cookie(self) -> str:
        return "; ".join(f"{name}={text}" for name, text in self._cookies.items())

    def _keep(self, answer: Response) -> Response:
        for given in answer.cookies:
            name, _equals, text = given.partition(";")[0].partition("=")
            self._cookies[name] = text
        return answer


def header(response: Response, name: str) -> str:
    """Return a header of an answer, whatever the case of its name."""
    return next((text for given, text in response.headers.items() if given.lower() == name), "")
