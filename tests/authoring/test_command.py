"""The command itself: its help, its languages, its exit codes, and the hook that runs it."""

import argparse
import gettext
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jupyter_learntrace.authoring.command_line.options import make_parser

from tests.authoring.conftest import Run, code, write
from tests.support.paths import CHECKOUT

COMMANDS = ["tag", "untag", "list", "check", "publish"]


def assignments(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`jupyter assignments ...` as a process of its own."""
    command = [sys.executable, "-m", "jupyter_learntrace.authoring", *words]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, encoding="utf-8", timeout=60
    )


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_has_examples_in_both_languages(run: Run, monkeypatch: pytest.MonkeyPatch, command: str | None) -> None:
    words = [command, "--help"] if command else ["--help"]
    english = run(*words)
    assert english.code == 0
    assert english.out.startswith("usage: jupyter assignments")
    assert "\nexamples:\n  jupyter assignments " in english.out
    monkeypatch.setenv("LANG", "es_MX.UTF-8")
    spanish = run(*words)
    assert spanish.out.startswith("uso: jupyter assignments")
    assert "\nejemplos:\n  jupyter assignments " in spanish.out
    assert "muestra esta ayuda y termina" in spanish.out
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert run(*words).out == english.out


def test_argparse_speaks_its_own_language_again_afterwards(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = gettext.textdomain()
    monkeypatch.setenv("LANG", "es_ES.UTF-8")
    run("--help")
    assert gettext.textdomain() == before
    assert argparse.ArgumentParser(prog="x").format_usage().startswith("usage: ")


def test_every_example_of_the_help_is_understood() -> None:
    lines = [line for parser in parsers() for line in (parser.epilog or "").splitlines()]
    examples = [line.strip().partition(" > ")[0] for line in lines if line.startswith("  jupyter assignments ")]
    assert len(examples) > 15
    for example in examples:
        options = make_parser().parse_args(shlex.split(example)[2:])
        assert options.command in COMMANDS


def parsers() -> list[argparse.ArgumentParser]:
    top = make_parser()
    (commands,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return [top, *commands.choices.values()]


def test_a_process_speaks_spanish_and_ends_with_the_code(course: Path) -> None:
    write(course / "lesson_03.ipynb", code("x", "assignment:Año"))
    done = assignments("check", cwd=course, LC_ALL="es_ES.UTF-8", PYTHONIOENCODING="utf-8")
    assert done.returncode == 1
    assert "lesson_03.ipynb:3: error: 'assignment:Año' no puede ir en una URL" in done.stdout
    assert "Errores: 1. Avisos: 0." in done.stdout
    done = assignments(
        "tag", "lesson_03.ipynb", "--cell", "x", cwd=course, LC_ALL="es_ES.UTF-8", PYTHONIOENCODING="utf-8"
    )
    assert (done.returncode, "uso incorrecto: indica un --tag por cada --cell" in done.stderr) == (2, True)


def test_a_terminal_that_knows_only_ascii_is_no_obstacle(course: Path) -> None:
    write(course / "lección_03.ipynb", code("x", "assignment:日本"))
    done = assignments("check", cwd=course, PYTHONIOENCODING="ascii")
    assert (done.returncode, "\\u65e5" in done.stdout) == (1, True)


def test_whoever_reads_may_stop_reading(course: Path) -> None:
    write(course / "lesson_03.ipynb", *(code("x", f"assignment:X{number}") for number in range(3000)))
    command = [sys.executable, "-m", "jupyter_learntrace.authoring", "check"]
    with subprocess.Popen(command, cwd=course, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        # Errors that nobody heard of are errors all the same.
        assert process.wait(60) == 1


def test_the_pre_commit_hook_runs_check_over_the_whole_course(course: Path) -> None:
    (hook,) = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())
    program, *words = shlex.split(hook["entry"])
    assert program == "jupyter-assignments"
    assert (hook["types"], hook["pass_filenames"]) == (["jupyter"], False)
    path = write(course / "lesson_03.ipynb", code("x", "assignment:X"))
    assert assignments(*words, cwd=course).returncode == 1
    write(path, code("x", "assignment:lesson-03-exercise-1"))
    assert assignments(*words, cwd=course).returncode == 0


def test_the_reference_has_every_option_of_every_command_with_an_example() -> None:
    page = (CHECKOUT / "docs/reference/jupyter-assignments.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in page.split("\n## ")[1:]}
    assert list(sections) == COMMANDS
    for parser in parsers()[1:]:
        command = parser.prog.split()[-1]
        options = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
        # `untag` has those of `tag`, and says so.
        text = sections[command] + (sections["tag"] if command == "untag" else "")
        missing = [option for option in options if option != "--help" and f"{option}" not in text]
        assert missing == []
        rows = [line for line in sections[command].splitlines() if line.startswith(("| `-", "| `--"))]
        assert all(row.split(" | ")[-1].strip(" |") for row in rows)


def test_the_reference_has_every_rule_of_check() -> None:
    page = (CHECKOUT / "docs/reference/jupyter-assignments.md").read_text(encoding="utf-8")
    source = "".join(
        (CHECKOUT / "jupyter-learntrace/jupyter_learntrace/authoring/checking/check.py").read_text().split()
    )
    rules = set(re.findall(r'"([a-z-]+)",(?:ERROR|HINT)', source)) | {"kebab-case", "url-safe"}
    assert len(rules) == 17
    for rule in rules:
        assert f"| `{rule}` | " in page
