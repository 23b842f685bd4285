"""What a reader of the page Connect copies: addresses and lines of settings, with the key where one was made just now."""

import json
from dataclasses import dataclass
from importlib.metadata import version

from django.utils.translation import gettext as _

from learntrace.accounts.models import Academy


@dataclass(frozen=True)
class Snippets:
    """Texts to copy; `key` is empty where none was made."""

    learnpack_url: str
    learn_json: str
    version: str
    header: str
    install: str
    variables: str
    in_hub: str
    on_server: str


def snippets_of(server: str, academy: Academy, key: str = "") -> Snippets:
    """Return the texts for an academy; `server` is the server's URL without a slash at its end."""
    url = f"{server}/v1/assignment/me/telemetry?academy={academy.pk}"
    shown = key or _("<the key>")
    # The notebooks' package has the server's version: both are made of one checkout.
    install = f"pip install jupyter_learntrace-{version('learntrace')}-py3-none-any.whl"
    return Snippets(
        learnpack_url=url,
        # A member of the file's object, with the comma to the next one: the file always has others.
        learn_json=f'"telemetry": {json.dumps({"batch": url})},',
        version=version("learntrace"),
        header=f"Authorization: Token {shown}",
        install=install,
        variables=f"export LEARNTRACE_URL={server}\nexport LEARNTRACE_TOKEN={shown}",
        in_hub=f'{install}\nc.Spawner.environment["LEARNTRACE_URL"] = "{server}"',
        on_server=f"LEARNTRACE_HUB_API_URL=http://127.0.0.1:8081/hub/api\nLEARNTRACE_HUB_ACADEMY={academy.slug}",
    )
