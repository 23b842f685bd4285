"""A course of its own in a folder, and the command run on it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_learntrace.authoring.cli import main

_LANGUAGE = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@dataclass(frozen=True)
class Outcome:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*_LANGUAGE, "LEARNTRACE_URL", "LEARNTRACE_TOKEN", "LEARNTRACE_ACADEMY", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "no-jupyter-config"))
    # argparse folds its help to the terminal's width.
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working directory."""
    folder: Path = tmp_path / "course"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `jupyter assignments ...`."""

    def run(*words: object) -> Outcome:
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(str(end.code or 0))
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return run


def code(source: str = "", *tags: str, **metadata: Any) -> dict[str, Any]:
    if tags:
        metadata["tags"] = list(tags)
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}


def markdown(source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {"tags": list(tags)} if tags else {}, "source": source}


def write(path: Path, *cells: dict[str, Any], ids: bool = True, **metadata: Any) -> Path:
    """Write a notebook as Jupyter does; cells get the ids c0, c1, ..."""
    made = [{**cell, "id": cell.get("id", f"c{number}")} if ids else cell for number, cell in enumerate(cells)]
    content = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5 if ids else 4}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def tags(path: Path) -> list[list[str]]:
    """The tags of each cell."""
    return [cell["metadata"].get("tags", []) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
