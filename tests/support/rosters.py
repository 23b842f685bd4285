"""Fixtures for tests of roster files."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.apps import apps

from learntrace.accounts.roster.items import RosterError
from learntrace.config.commands.roster import RosterReport, import_roster
from tests.support.paths import DATA

SAMPLE = DATA / "roster.yaml"
KEY = "0123456789abcdef0123456789abcdef01234567"
Import = Callable[..., RosterReport]
Refused = Callable[..., list[tuple[int | None, str]]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "roster.yaml", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_text(dedent(text), encoding=encoding)
        return path

    return write


@pytest.fixture
def imported(write: Callable[..., Path]) -> Import:
    def imported(text: str, name: str = "roster.yaml", dry_run: bool = False, encoding: str = "utf-8") -> RosterReport:
        return import_roster(write(text, name, encoding), dry_run=dry_run)

    return imported


@pytest.fixture
def refused(write: Callable[..., Path]) -> Refused:
    """Import a bad file, see that nothing changed, return its problems."""

    def refused(text: str, name: str = "roster.yaml") -> list[tuple[int | None, str]]:
        before = everything()
        with pytest.raises(RosterError) as caught:
            import_roster(write(text, name))
        assert everything() == before
        return [(line if isinstance(line, int) else None, text) for line, text in caught.value.problems]

    return refused


def everything() -> dict[str, list[Any]]:
    """All rows of all our tables, times too."""
    models = [model for model in apps.get_models() if model.__module__.startswith("learntrace.")]
    return {model._meta.label: list(model._base_manager.order_by("pk").values_list()) for model in models}
