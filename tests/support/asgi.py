"""A client of an ASGI application in this process."""

from typing import Any

import httpx


def asgi_client(app: Any, base_url: str = "http://test") -> httpx.AsyncClient:
    """Return a client whose requests `app` answers without a network; use it as an asynchronous context."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url)
