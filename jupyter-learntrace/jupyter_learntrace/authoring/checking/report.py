"""Formats the findings of `check` for people, for programs, and as annotations of a pull request on GitHub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from jupyter_learntrace.authoring.checking.finding import ERROR, Finding
from jupyter_learntrace.authoring.language import _

FORMATS = ("text", "json", "github")


def report(findings: Sequence[Finding], notebooks: int, kind: str) -> str:
    """Return the report in one of FORMATS, with a final line end."""
    return {"text": _text, "json": _json, "github": _github}[kind](findings, notebooks)


def _text(findings: Sequence[Finding], notebooks: int) -> str:
    lines = [f"{_place(finding)}: {_severity(finding)}: {finding.text} [{finding.rule}]" for finding in findings]
    errors = _errors(findings)
    counts = {"notebooks": notebooks, "errors": errors, "hints": len(findings) - errors}
    return "\n".join([*lines, _("Notebooks: %(notebooks)s. Errors: %(errors)s. Hints: %(hints)s.", **counts)]) + "\n"


def _json(findings: Sequence[Finding], notebooks: int) -> str:
    errors = _errors(findings)
    listed = [{**asdict(finding), "path": finding.path.as_posix()} for finding in findings]
    document = {"notebooks": notebooks, "errors": errors, "hints": len(findings) - errors, "findings": listed}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _github(findings: Sequence[Finding], notebooks: int) -> str:
    """Format as workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    lines = []
    for finding in findings:
        values = {"file": finding.path.as_posix(), "line": finding.line, "col": finding.column, "title": finding.rule}
        properties = ",".join(
            f"{name}={_escaped(str(value), ':,')}" for name, value in values.items() if value is not None
        )
        lines.append(f"::{'error' if finding.severity == ERROR else 'notice'} {properties}::{_escaped(finding.text)}")
    return "".join(f"{line}\n" for line in lines)


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _place(finding: Finding) -> str:
    return ":".join(str(part) for part in (finding.path, finding.line, finding.column) if part is not None)


def _severity(finding: Finding) -> str:
    return ERROR if finding.severity == ERROR else _("hint")  # "error" is the same word in both languages


def _errors(findings: Sequence[Finding]) -> int:
    return sum(finding.severity == ERROR for finding in findings)
