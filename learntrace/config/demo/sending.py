"""Send as a learner's client does: a request that got no answer is not sent again."""

import http.client
import json
from typing import Any

NO_ANSWER = 0


class Client:
    """A learner's connection to the server."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host, self._port = host, port
        self._headers = {"Authorization": f"Token {key}", "Content-Type": "application/json"}

    def post(self, path: str, document: object) -> int:
        """Send a document; return the answer's status, NO_ANSWER if there is none."""
        return self._ask("POST", path, json.dumps(document))[0]

    def get(self, path: str) -> Any:
        """Return the JSON at a path; None if it can't be read."""
        status, text = self._ask("GET", path)
        return json.loads(text) if status == 200 else None

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=15)
        try:
            connection.request(method, path, body, self._headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return NO_ANSWER, b""
        finally:
            connection.close()
