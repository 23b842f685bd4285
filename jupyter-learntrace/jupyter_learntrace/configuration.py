"""Settings of the extension, from Jupyter's configuration or else from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_data_dir
from traitlets import Bool, CFloat, CUnicode, Unicode
from traitlets.config import Configurable

from jupyter_learntrace.identity import HUB, TOKEN, Credential
from jupyter_learntrace.messages import Sentence, _

MEBIBYTE = 1024 * 1024
SPOOL = Path("learntrace", "spool.sqlite3")


class Learntrace(Configurable):
    """The traits that Jupyter's configuration files and command lines may set, such as `c.Learntrace.url`."""

    url = Unicode("", help="Where Learntrace answers, as https://learntrace.example.org; else LEARNTRACE_URL.").tag(
        config=True
    )
    token = Unicode("", help="A learner's token; else LEARNTRACE_TOKEN, else JUPYTERHUB_API_TOKEN.").tag(config=True)
    academy = CUnicode("", help="The id of the academy that events belong to; else LEARNTRACE_ACADEMY.").tag(
        config=True
    )
    spool_path = Unicode("", help="The file that keeps events until Learntrace has them.").tag(config=True)
    spool_limit_mb = CFloat(64.0, help="How large that file may become, in MiB.").tag(config=True)
    enabled = Bool(True, help="Whether events are collected at all.").tag(config=True)


@dataclass(frozen=True)
class Settings:
    """The settings in force. `url` has no slash at its end; `academy` is "" where Learntrace determines it."""

    url: str
    credential: Credential
    academy: str
    spool: Path
    spool_limit: int


class Unusable(Exception):
    """Nothing can be collected with this configuration. `wanted` is false where it isn't meant to be."""

    def __init__(self, sentence: Sentence, *, wanted: bool = True) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.wanted = wanted


def settings_of(given: Learntrace, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that configuration and environment make. Raises Unusable."""
    if not given.enabled:
        raise Unusable(_("Turned off in Jupyter's configuration."), wanted=False)
    url = (given.url or environment.get("LEARNTRACE_URL", "")).strip()
    if not url:
        raise Unusable(_("No server is set: set LEARNTRACE_URL, or c.Learntrace.url."), wanted=False)
    if given.spool_limit_mb <= 0:
        raise Unusable(_("c.Learntrace.spool_limit_mb has to be above zero."))
    return Settings(
        url=_checked_url(url),
        credential=_credential(given, environment),
        academy=_checked_academy((given.academy or environment.get("LEARNTRACE_ACADEMY", "")).strip()),
        spool=spool_path(given),
        spool_limit=int(given.spool_limit_mb * MEBIBYTE),
    )


def spool_path(given: Learntrace) -> Path:
    return Path(given.spool_path).expanduser() if given.spool_path else Path(jupyter_data_dir()) / SPOOL


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        well_formed = False
    if not well_formed or any(character.isspace() for character in url):
        raise Unusable(_("LEARNTRACE_URL isn't an http or https address."))
    if parts.username is not None or parts.password is not None:
        raise Unusable(_("LEARNTRACE_URL must not hold a user name or password; set LEARNTRACE_TOKEN instead."))
    if parts.query or parts.fragment:
        raise Unusable(_("LEARNTRACE_URL must not hold a query or a fragment."))
    return url.rstrip("/")


def _checked_academy(academy: str) -> str:
    if academy and not (academy.isascii() and academy.isdigit()):
        raise Unusable(_("LEARNTRACE_ACADEMY is the id of an academy, a number."))
    return academy


def _credential(given: Learntrace, environment: Mapping[str, str]) -> Credential:
    token = (given.token or environment.get("LEARNTRACE_TOKEN", "")).strip()
    hub_token = environment.get("JUPYTERHUB_API_TOKEN", "").strip()
    secret = token or hub_token
    if not secret:
        raise Unusable(_("No token is set: set LEARNTRACE_TOKEN, or c.Learntrace.token."))
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise Unusable(_("LEARNTRACE_TOKEN holds characters that no token has."))
    if token:
        return Credential(TOKEN, token)
    return Credential(HUB, hub_token, environment.get("JUPYTERHUB_USER", "").strip())
