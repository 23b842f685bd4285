"""Where events go and as whom: configuration before environment before hub, and a clear word about what is wrong."""

from pathlib import Path
from typing import Any

import pytest
from jupyter_learntrace.configuration import Learntrace, Unusable, settings_of
from traitlets.config import Config

GOOD = {"LEARNTRACE_URL": "https://learntrace.example.org/", "LEARNTRACE_TOKEN": "abc"}


def given(**values: Any) -> Learntrace:
    return Learntrace(config=Config(Learntrace=values))


def problem(environment: dict[str, str], **values: Any) -> Unusable:
    with pytest.raises(Unusable) as caught:
        settings_of(given(**values), environment)
    assert caught.value.sentence.language("es") != str(caught.value)
    return caught.value


def test_the_environment_is_enough() -> None:
    settings = settings_of(given(), {**GOOD, "LEARNTRACE_ACADEMY": "3"})
    assert (settings.url, settings.academy, settings.credential.header) == (
        "https://learntrace.example.org",
        "3",
        "Token abc",
    )
    assert settings.spool_limit == 64 * 1024 * 1024


def test_the_configuration_goes_before_the_environment() -> None:
    values = {
        "url": "http://own:8000/x",
        "token": "own",
        "academy": 4,
        "spool_path": "~/s.sqlite3",
        "spool_limit_mb": 1,
    }
    settings = settings_of(given(**values), {**GOOD, "LEARNTRACE_ACADEMY": "3"})
    assert (settings.url, settings.academy, settings.credential.secret) == ("http://own:8000/x", "4", "own")
    assert settings.spool == Path.home() / "s.sqlite3"
    assert settings.spool_limit == 1024 * 1024


def test_under_a_hub_its_token_serves_where_there_is_no_other() -> None:
    hub = {"LEARNTRACE_URL": "http://x", "JUPYTERHUB_API_TOKEN": "hubs", "JUPYTERHUB_USER": "ada"}
    assert settings_of(given(), hub).credential.header == "JupyterHub hubs"
    assert settings_of(given(), hub).credential.claimed == "ada"
    both = settings_of(given(), hub | GOOD).credential
    assert (both.header, both.claimed) == ("Token abc", "")


def test_a_credential_shows_itself_nowhere() -> None:
    credential = settings_of(given(), GOOD | {"LEARNTRACE_TOKEN": "s3cret"}).credential
    assert "s3cret" not in f"{credential!r} {credential} {credential.fingerprint}"


@pytest.mark.parametrize(
    "url",
    [
        "learntrace.example.org",
        "ftp://x",
        "http://",
        "https://x y",
        "http://x:99999",
        "http://[",
        "file:///etc/passwd",
        "https://ada:secret@x",
        "https://x?token=1",
        "https://x#y",
    ],
)
def test_an_address_that_cannot_be_used_is_told(url: str) -> None:
    assert "LEARNTRACE_URL" in str(problem(GOOD | {"LEARNTRACE_URL": url}))
    assert "secret" not in str(problem(GOOD | {"LEARNTRACE_URL": url}))


def test_what_else_cannot_be_used_is_told() -> None:
    assert "LEARNTRACE_TOKEN" in str(problem({"LEARNTRACE_URL": "http://x"}))
    assert "LEARNTRACE_TOKEN" in str(problem(GOOD | {"LEARNTRACE_TOKEN": "a\nb"}))
    assert "LEARNTRACE_ACADEMY" in str(problem(GOOD | {"LEARNTRACE_ACADEMY": "downtown"}))
    assert "spool_limit_mb" in str(problem(GOOD, spool_limit_mb=0))


def test_without_an_address_or_when_turned_off_nobody_asked_for_anything() -> None:
    assert not problem({}).wanted
    assert not problem(GOOD, enabled=False).wanted
    assert problem({"LEARNTRACE_URL": "http://x"}).wanted
